"""Archives: what goes out comes in again the same, and nothing but whole sessions comes in."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import itertools
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import (
    FrameMissing,
    InsufficientStorage,
    InvalidArchive,
    InvalidSessionId,
    NotFound,
    ParafoveaError,
    PayloadTooLarge,
    SessionExists,
)
from shared.session.check import check
from shared.session.format import metadata
from shared.session.format.jsontext import decode
from shared.session.reading.reader import SessionReader
from shared.session.reading.sessions import list_sessions
from shared.session.transfer import importing, unpacking
from shared.session.transfer.export import Export
from shared.session.transfer.importing import Imported, stage_archive
from shared.session.transfer.staging import IMPORT, adopt, staging, sweep
from shared.session.transfer.tar import MAX_NAME_RECORD_BYTES
from shared.session.writing.repair import repair
from shared.session.writing.writer import SessionWriter
from shared.system.disk import Disk
from tests.support.absurd import ENTRIES, TOPS, nested, write_entry, write_top
from tests.support.frames import CREATED_AT, pending_frame, tiny_png
from tests.support.hands import ADDED, EXACT, annotate, same

Contents = dict[str, bytes]
Change = Callable[[Contents], None]


def record(root: Path, session_id: str = "s", frames: int = 3) -> Path:
    writer = SessionWriter.create(Disk(), root, session_id, CREATED_AT, {"subject": "07"})
    for number in range(frames):
        writer.append([pending_frame(number, input=tiny_png({"input": number // 2}), session_id=session_id)])
    writer.close()
    return root / session_id


def export(root: Path, session_id: str = "s") -> bytes:
    return b"".join(Export(root, session_id).chunks())


def take_in(root: Path, archive: bytes, session_id: str | None = None, **limits: Any) -> Imported:
    disk = Disk()
    with staging(disk, root) as staged:
        imported = stage_archive(disk, staged, io.BytesIO(archive).read, session_id=session_id, **limits)
        adopt(disk, root, staged.name, imported.session_id)
    return imported


def files(folder: Path) -> Contents:
    """Every file by its path; spaces behind the end of the metadata mean nothing."""
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: data.rstrip() if name == "metadata.json" else data for name, data in found.items()}


def tar_of(contents: Contents, prefix: str = "generation/sessions/s/", format: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar as any other tool makes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for name, data in contents.items():
            info = tarfile.TarInfo(prefix + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def tar_with(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A sessions folder on another machine."""
    return tmp_path / "elsewhere" / "sessions"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    root = tmp_path / "here"
    root.mkdir()
    return root


def assert_refused(root: Path, archive: bytes, error: type[ParafoveaError], match: str, **options: Any) -> None:
    with pytest.raises(error, match=match):
        take_in(root, archive, **options)
    assert not root.exists() or list(root.iterdir()) == []


# -- what goes out comes in again -------------------------------------------------------------------------------------


def test_an_exported_session_is_the_same_elsewhere(here: Path, there: Path) -> None:
    folder = record(here)
    imported = take_in(there, export(here))
    assert imported.session_id == "s"
    assert imported.frames == 3
    assert imported.renamed_from is None
    assert files(there / "s") == files(folder)
    assert sorted(path.name for path in there.iterdir()) == ["s"]


def test_the_archive_of_a_session_is_always_the_same(here: Path, there: Path) -> None:
    record(here)
    archive = export(here)
    take_in(there, archive)
    assert export(here) == archive
    assert export(there) == archive


def test_its_names_are_those_of_the_documented_tar(here: Path) -> None:
    folder = record(here)
    (folder / "verification.json").write_text("{}")
    (folder / "private.txt").write_text("of the owner")
    with tarfile.open(fileobj=io.BytesIO(export(here)), mode="r:gz") as archive:
        names = archive.getnames()
    inputs = [hashlib.sha256(tiny_png({"input": number})).hexdigest() for number in (0, 1)]
    assert [name.removeprefix("generation/sessions/s/") for name in names] == [
        "metadata.json",
        "verification.json",
        f"inputs/{inputs[0]}.png",
        "0000_BR.png",
        "0001_BR.png",
        f"inputs/{inputs[1]}.png",
        "0002_BR.png",
    ]


def test_an_export_is_one_moment_of_a_session_that_is_being_recorded(here: Path, there: Path) -> None:
    writer = SessionWriter.create(Disk(), here, "s", CREATED_AT)
    writer.append([pending_frame(0), pending_frame(1)])
    outgoing = Export(here, "s")
    chunks = outgoing.chunks()
    first = next(chunks)
    writer.append([pending_frame(2)])
    take_in(there, first + b"".join(chunks))
    with SessionReader(there / "s") as reader:
        assert reader.count == 2
        assert not reader.tail.open
    with SessionReader(here / "s") as reader:
        assert reader.count == 3
        assert reader.tail.open


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("prefix", ["generation/sessions/s/", "./generation/sessions/s/", "s/", "./", "home/u/s/"])
def test_any_tar_of_the_folder_comes_in(here: Path, there: Path, prefix: str, format: int) -> None:
    contents = files(record(here))
    assert take_in(there, tar_of(contents, prefix, format)).session_id == "s"
    assert files(there / "s") == contents


def test_long_names_come_in(here: Path, there: Path) -> None:
    name = "n" * 128
    contents = files(record(here, name))
    for number, format in enumerate((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        archive = tar_of(contents, f"{'d' * 90}/generation/sessions/{name}/", format)
        assert take_in(there / str(number), archive).session_id == name
    assert take_in(there, export(here, name)).session_id == name


def test_a_tar_compressed_again_in_parts_comes_in(here: Path, there: Path) -> None:
    contents = files(record(here))
    tar = tar_of(contents)
    take_in(there, gzip.compress(tar[:1000]) + gzip.compress(tar[1000:]) + bytes(100))
    assert files(there / "s") == contents


def test_folders_and_litter_are_passed_over(here: Path, there: Path) -> None:
    contents = files(record(here))
    litter = {"._metadata.json": b"x", ".DS_Store": b"x", ".tmp-0003_TL.png": b"half", "inputs/._x.png": b"x"}
    archive = tar_of({**litter, **contents})
    folders = tar_with(member("generation/", tarfile.DIRTYPE), member("generation/sessions/s/", tarfile.DIRTYPE))
    take_in(there, folders[:1024] + archive)
    assert files(there / "s") == contents


LITTER = [
    *(
        "@eaDir/0000_BR.png@SynoEAStream",
        "@eaDir/0000_BR.png/SYNOFILE_THUMB_M.png",
        "inputs/@eaDir/x",
        "#recycle/a.png",
    ),
    *(".directory", "inputs/.directory", "Thumbs.db", "Thumbs.db:encryptable", "ehthumbs.db", "desktop.ini"),
    *(".DS_Store", "._metadata.json", "__MACOSX/._0000_BR.png", "__MACOSX/metadata.json", "Icon\r", ".localized"),
    *("metadata.json:Zone.Identifier", "0000_BR.png:Zone.Identifier", ".~lock.metadata.json#", "~$metadata.json"),
    *("metadata.json~", "#metadata.json#", ".metadata.json.swp", ".nfs000000000000001", ".fuse_hidden0001"),
    *(".ipynb_checkpoints/metadata.json", ".stversions/0000_BR.png", ".git/config", ".Trash-1000/files/0000_BR.png"),
    *("System Volume Information/x", "$RECYCLE.BIN/0000_BR.png", ".Rhistory", ".RData", ".@__thumb/0000_BR.png"),
]


@pytest.mark.parametrize("name", LITTER)
def test_what_file_servers_and_editors_leave_is_passed_over(here: Path, there: Path, name: str) -> None:
    contents = files(record(here))
    take_in(there, tar_of({name: b"x", **contents}, format=tarfile.PAX_FORMAT))
    assert files(there / "s") == contents


def test_litter_beside_a_session_is_none_of_it(here: Path, there: Path) -> None:
    contents = {f"s/{name}": data for name, data in files(record(here)).items()}
    beside = {"@eaDir/s@SynoResource": b"x", ".directory": b"x", "__MACOSX/s/._metadata.json": b"x"}
    assert take_in(there, tar_of({**beside, **contents}, "backup/")).session_id == "s"


def test_a_session_below_a_hidden_folder_comes_in(here: Path, there: Path) -> None:
    assert take_in(there, tar_of(files(record(here)), ".local/share/experiment/s/")).frames == 3


def test_what_a_researcher_added_travels(here: Path, there: Path) -> None:
    for name, write in sorted(EXACT.items()):
        session_id = f"s{len(list(here.iterdir()))}"
        path = record(here, session_id) / "metadata.json"
        data = annotate(path, write, ADDED)
        told = json.loads(decode(data))
        take_in(there, export(here, session_id))
        value = json.loads((there / session_id / "metadata.json").read_bytes())
        assert same(value["sequence"], told["sequence"]), name
        assert same(value["participant"], told["participant"]), name
        take_in(there, tar_of(files(here / session_id), f"{session_id}/"), f"as-it-is-{session_id}")
        value = json.loads((there / f"as-it-is-{session_id}" / "metadata.json").read_bytes())
        assert same(value["sequence"], told["sequence"]), name
        assert path.read_bytes() == data


def test_what_was_kept_before_a_repair_travels(here: Path, there: Path) -> None:
    folder = record(here)
    path = folder / "metadata.json"
    cut = path.read_bytes()[:-400]
    path.write_bytes(cut.replace(b'"prompt"', b'"prompt', 1))
    repair(Disk(), folder)
    (kept,) = folder.glob("metadata.json.before-repair-*")
    for number, archive in enumerate((export(here), tar_of(files(folder)))):
        take_in(there, archive, f"copy{number}")
        assert (there / f"copy{number}" / kept.name).read_bytes() == kept.read_bytes()
    assert [finding.severity for finding in check(there / "copy0") if finding.severity != "note"] == []
    assert [summary.session_id for summary in list_sessions(there)] == ["copy0", "copy1"]


UNDERSTOOD = ("index twice", "prompt with half a character", "timestamp an object")
"""The last of two keys counts, as everywhere; and R writes NULL as an empty object."""


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("name", sorted(set(ENTRIES) - set(UNDERSTOOD)))
def test_an_entry_that_breaks_the_format_is_refused_with_its_place(
    here: Path, there: Path, name: str, ours: bool
) -> None:
    contents = files(record(here))
    write_entry(here / "s" / "metadata.json", ENTRIES[name], ours=ours)
    contents["metadata.json"] = (here / "s" / "metadata.json").read_bytes()
    if name == "index 2^53-1":
        contents[f"{2**53 - 1}_BR.png"] = contents.pop("0001_BR.png")
    assert_refused(there, tar_of(contents), InvalidArchive, r"metadata\.json|0001_BR\.png|9007199254740991_BR\.png")


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("name", sorted(name for name in TOPS if name.startswith("created_at")))
def test_a_time_that_is_none_is_refused(here: Path, there: Path, name: str, ours: bool) -> None:
    write_top(record(here) / "metadata.json", TOPS[name], ours=ours)
    contents = files(here / "s")
    assert_refused(there, tar_of(contents), InvalidArchive, "no time of creation")


def test_a_value_that_is_nested_too_deep_is_refused_and_less_is_not(here: Path, there: Path) -> None:
    path = record(here) / "metadata.json"
    whole = path.read_bytes()
    for levels, comes_in in ((63, True), (64, False), (253, False), (900, False), (5000, False)):
        path.write_bytes(whole.replace(b'"seed":1,', f'"mine":{nested(levels)},"seed":1,'.encode(), 1))
        archive = tar_of(files(here / "s"))
        if comes_in:
            assert take_in(there, archive).frames == 3
            b"".join(Export(there, "s").chunks())
            shutil.rmtree(there / "s")
        else:
            assert_refused(there, archive, InvalidArchive, "line 8.*nested more than 64 deep")


def test_another_id_can_be_given(here: Path, there: Path) -> None:
    folder = record(here)
    imported = take_in(there, export(here), "copy.of-s")
    assert imported.renamed_from == "s"
    before, after = files(folder), files(there / "copy.of-s")
    old, new = orjson.loads(before.pop("metadata.json")), orjson.loads(after.pop("metadata.json"))
    assert after == before
    assert new == {**old, "session_id": "copy.of-s", "renamed_from": "s"}
    assert take_in(there, export(there, "copy.of-s")[:], "third").renamed_from == "copy.of-s"


def test_a_folder_that_was_renamed_keeps_its_new_name(here: Path, there: Path) -> None:
    contents = files(record(here))
    assert take_in(there, tar_of(contents, "generation/sessions/subject_07/")).session_id == "subject_07"
    assert orjson.loads((there / "subject_07" / "metadata.json").read_bytes())["session_id"] == "subject_07"


def test_a_tar_of_an_open_session_comes_in_closed_and_not_as_interrupted(here: Path, there: Path) -> None:
    writer = SessionWriter.create(Disk(), here, "s", CREATED_AT)
    writer.append([pending_frame(0)])
    take_in(there, tar_of(files(here / "s")))
    with SessionReader(there / "s") as reader:
        assert (reader.tail.open, reader.tail.interrupted, reader.count) == (False, False, 1)


def test_a_frame_recorded_while_the_tar_was_made_gets_its_entry(here: Path, there: Path) -> None:
    writer = SessionWriter.create(Disk(), here, "s", CREATED_AT)
    writer.append([pending_frame(0)])
    early = (here / "s" / "metadata.json").read_bytes()
    writer.append([pending_frame(1)])
    take_in(there, tar_of({**files(here / "s"), "metadata.json": early}))
    with SessionReader(there / "s") as reader:
        assert [entry.filename for entry in reader.entries()] == ["0000_BR.png", "0001_BR.png"]
        assert not reader.tail.interrupted


def test_metadata_that_someone_formatted_comes_in(here: Path, there: Path) -> None:
    contents = files(record(here))
    contents["metadata.json"] = orjson.dumps(orjson.loads(contents["metadata.json"]), option=orjson.OPT_INDENT_2)
    take_in(there, tar_of(contents))
    assert files(there / "s") == contents


def test_a_session_of_the_documents_bare_format_comes_in(there: Path) -> None:
    entry = {
        "index": 0,
        "filename": "0000_BR.png",
        "target_sector": "BR",
        "focus_sector": "TL",
        "prompt": "add a small ladybug...",
        "timestamp": 1736155240.123,
    }
    described = {"session_id": "session_1736155234", "created_at": 1736155234.567, "sequence": [entry]}
    contents = {"metadata.json": orjson.dumps(described), "0000_BR.png": tiny_png()}
    imported = take_in(there, tar_of(contents, "generation/sessions/session_1736155234/"))
    assert imported.session_id == "session_1736155234"


def test_a_loss_that_is_written_down_goes_along(here: Path, there: Path) -> None:
    folder = record(here)
    (folder / "0001_BR.png").unlink()
    with pytest.raises(FrameMissing, match="0001_BR"):
        Export(here, "s")
    SessionWriter.open(Disk(), here, "s").close()
    assert take_in(there, export(here)).frames == 3
    with SessionReader(there / "s") as reader:
        assert reader.tail.missing == ["0001_BR.png"]


def test_an_export_carries_no_file_from_elsewhere_away(here: Path) -> None:
    folder = record(here)
    (here / "secret").write_text("secret")
    written = (folder / "metadata.json").read_bytes()
    (folder / "metadata.json").write_bytes(written.replace(b'"filename":"0001_BR.png"', b'"filename":"../secret"'))
    with pytest.raises(FrameMissing, match="names no file"):
        Export(here, "s")
    (folder / "metadata.json").write_bytes(written)
    (folder / "0001_BR.png").unlink()
    (folder / "0001_BR.png").symlink_to(here / "secret")
    with pytest.raises(FrameMissing, match="not a plain file"):
        Export(here, "s")


# -- and nothing else does --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "../s/metadata.json",
        "generation/sessions/../../../etc/metadata.json",
        "/etc/metadata.json",
        "generation\\sessions\\s\\metadata.json",
        "C:/s/metadata.json",
        "s/meta\ndata.json",
        "s/\x7f/metadata.json",
    ],
)
def test_names_that_lead_elsewhere_are_refused(there: Path, name: str) -> None:
    assert_refused(there, tar_with(member(name, data=b"{}")), InvalidArchive, "unsafe name|leads out")
    assert not (there.parent.parent / "etc").exists()


@pytest.mark.parametrize(
    ("kind", "match"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.BLKTYPE, "a device"),
        (tarfile.FIFOTYPE, "a pipe"),
        (tarfile.GNUTYPE_SPARSE, "sparse"),
        (b"Z", "unknown kind"),
    ],
)
def test_what_is_no_plain_file_is_refused(there: Path, kind: bytes, match: str) -> None:
    archive = tar_with(member("s/0000_BR.png", tarfile.REGTYPE, linkname="/etc/passwd"))
    changed = bytearray(archive)
    changed[156:157] = kind
    checksum = sum(changed[:148]) + 8 * 32 + sum(changed[156:512])
    changed[148:156] = b"%06o\0 " % checksum
    assert_refused(there, bytes(changed), InvalidArchive, match)


def test_a_link_in_the_place_of_a_folder_is_refused(here: Path, there: Path, tmp_path: Path) -> None:
    contents = files(record(here))
    outside = tmp_path / "outside"
    outside.mkdir()
    link = tar_with(member("generation/sessions/s/inputs", tarfile.SYMTYPE, linkname=str(outside)))
    assert_refused(there, link[:512] + tar_of(contents), InvalidArchive, "a link")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["run.sh", "0000_BR.png.exe", "00_BR.png", "inputs/run.png", "a/b/c.png", "x/inputs"])
def test_files_that_no_session_has_are_refused(here: Path, there: Path, name: str) -> None:
    contents = {**files(record(here)), name: b"x"}
    assert_refused(there, tar_of(contents), InvalidArchive, "not a file of a session")


def altered(name: str, data: bytes | None = None) -> Change:
    def change(contents: Contents) -> None:
        if data is None:
            del contents[name]
        else:
            contents[name] = data

    return change


def described(**changes: Any) -> Change:
    """The metadata with other values; ``entry_<key>`` changes the second entry, None removes."""

    def change(contents: Contents) -> None:
        whole = orjson.loads(contents["metadata.json"])
        for key, value in changes.items():
            place, name = (whole["sequence"][1], key[6:]) if key.startswith("entry_") else (whole, key)
            if value is None:
                del place[name]
            else:
                place[name] = value
        contents["metadata.json"] = orjson.dumps(whole)

    return change


def first_input(contents: Contents) -> str:
    return next(name for name in contents if name.startswith("inputs/"))


def with_input_altered(contents: Contents) -> None:
    contents[first_input(contents)] += b"\0"


def without_input(contents: Contents) -> None:
    del contents[first_input(contents)]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (altered("metadata.json"), "no metadata.json"),
        (altered("metadata.json", b"{"), "damaged"),
        (altered("metadata.json", b"[1, 2]"), "damaged"),
        (altered("metadata.json", b"[" * 100_000), "damaged"),
        (altered("0001_BR.png"), "0001_BR.png is missing"),
        (altered("0001_BR.png", tiny_png({"other": 1})), "0001_BR.png do not have the hash"),
        (altered("0007_BR.png", tiny_png()), "0007_BR.png has no entry"),
        (altered("0007_BR.png", tiny_png()[:-1]), "0007_BR.png has no entry"),
        (altered("0007_BR.png", b"no picture"), "0007_BR.png is no picture"),
        (altered("0001_BR.png", b"\xff\xd8\xff a JPEG"), "0001_BR.png is no picture"),
        (altered("0001_BR.png", b""), "0001_BR.png is no picture"),
        (with_input_altered, "do not have the hash in its name"),
        (without_input, "the input of 0000_BR.png"),
        (described(format=2), "format 2"),
        (described(created_at=None), "no time of creation"),
        (described(created_at="yesterday"), "no time of creation"),
        (described(session_id=None), "no session id"),
        (described(session_id=7), "no session id"),
        (described(sequence={}), "damaged"),
        (described(entry_index=5), "names the file"),
        (described(entry_index=0, entry_filename="0000_BR.png"), "out of order"),
        (described(entry_target_sector="TL"), "names the file"),
        (described(entry_filename="../../etc/passwd"), "names the file"),
        (described(entry_sha256="0" * 64), "do not have the hash"),
        (described(entry_sha256=["x"]), "do not have the hash"),
        (described(entry_input_file="../secret"), "is missing from the archive"),
        (described(entry_input_file={"a": 1}), "input_file is not a text"),
        (described(entry_input_file="0000_BR.png"), "the input of 0001_BR.png, do not have the hash"),
    ],
)
def test_what_does_not_fit_together_is_refused(here: Path, there: Path, change: Change, match: str) -> None:
    contents = files(record(here))
    change(contents)
    assert_refused(there, tar_of(contents), InvalidArchive, match)


def test_a_bare_frame_must_be_a_picture(there: Path) -> None:
    entry = {"index": 0, "filename": "0000_BR.png", "target_sector": "BR"}
    described = {"session_id": "s", "created_at": 1.0, "sequence": [entry]}
    for data, match in ((b"<html>", "no picture"), (tiny_png()[:-1], "not a whole PNG")):
        contents = {"metadata.json": orjson.dumps(described), "0000_BR.png": data}
        assert_refused(there, tar_of(contents), InvalidArchive, match)


def test_a_file_that_is_there_twice_is_refused(here: Path, there: Path) -> None:
    contents = files(record(here))
    twice = tar_of({"0000_BR.png": tiny_png()})[:1024] + tar_of(contents)
    assert_refused(there, twice, InvalidArchive, "twice")


def test_two_sessions_at_once_are_refused(here: Path, there: Path) -> None:
    one, two = files(record(here, "a")), files(record(here, "b"))
    both = {f"{name}/{path}": data for name, held in (("a", one), ("b", two)) for path, data in held.items()}
    assert_refused(there, tar_of(both, "generation/sessions/"), InvalidArchive, "more than one session")


@pytest.mark.parametrize(
    ("session_id", "error", "match"),
    [
        ("list", InvalidSessionId, "the API's own"),
        ("../x", InvalidSessionId, "consists of"),
        ("", InvalidSessionId, "empty"),
        ("con", InvalidSessionId, "device"),
    ],
)
def test_an_id_that_cannot_be_is_refused(
    here: Path, there: Path, session_id: str, error: type[ParafoveaError], match: str
) -> None:
    record(here)
    assert_refused(there, export(here), error, match, session_id=session_id)


def test_a_session_whose_own_name_cannot_be_is_refused(here: Path, there: Path) -> None:
    contents = files(record(here))
    assert_refused(there, tar_of(contents, "generation/sessions/list/"), InvalidSessionId, "cannot keep its name")


def test_an_id_that_exists_is_refused_and_the_one_that_has_it_stays(here: Path, there: Path) -> None:
    record(here)
    archive = export(here)
    take_in(there, archive)
    before = files(there)
    with pytest.raises(SessionExists):
        take_in(there, archive)
    with pytest.raises(InvalidSessionId, match="only in case"):
        take_in(there, archive, "S")
    assert files(there) == before
    assert [path.name for path in there.iterdir()] == ["s"]


def test_of_two_that_want_one_id_one_gets_it(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second finds the id free, and somebody takes it before its rename."""
    contents = files(record(here))
    monkeypatch.setattr("shared.session.format.ids.claim", lambda root, session_id: session_id)
    take_in(there, tar_of(contents))
    with pytest.raises(SessionExists):
        take_in(there, tar_of(contents))
    assert files(there / "s") == contents


def test_only_what_is_staged_can_be_adopted(there: Path) -> None:
    there.mkdir(parents=True)
    for token in ("nothing", "../..", ""):
        with pytest.raises(NotFound):
            adopt(Disk(), there, token, "s")


@pytest.mark.parametrize("cut", [0, 1, 5, 300, 511, 512, 900, -600, -1025])
def test_a_tar_that_is_cut_off_is_refused(here: Path, there: Path, cut: int) -> None:
    tar = tar_of(files(record(here)))
    end = tar.rstrip(b"\0")
    tar = end + bytes(-len(end) % 512 + 1024)
    assert_refused(there, tar[:cut], InvalidArchive, "cut off|not a tar|empty")


@pytest.mark.parametrize("cut", [5, 30, 800, -9, -1])
def test_a_compressed_one_that_is_cut_off_is_refused(here: Path, there: Path, cut: int) -> None:
    record(here)
    assert_refused(there, export(here)[:cut], InvalidArchive, "cut off")


def test_a_damaged_archive_is_refused(here: Path, there: Path) -> None:
    record(here)
    archive = bytearray(export(here))
    archive[-6] ^= 1  # of the checksum
    assert_refused(there, bytes(archive), InvalidArchive, "compression is damaged")
    assert_refused(there, bytes(archive[:-6]) + b"\x01" * 40, InvalidArchive, "compression is damaged|cut off")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "cut off"),
        (b"<html>not found</html>", "cut off|not a tar"),
        (b"x" * 2000, "not a tar"),
        (bytes(10240), "empty"),
        (b"PK\x03\x04" + bytes(600), "zip"),
        (b"BZh91AY&SY" + bytes(600), "bzip2"),
        (b"\xfd7zXZ\0" + bytes(600), "xz"),
        (gzip.compress(b"hello", mtime=0), "cut off|not a tar"),
        (gzip.compress(gzip.compress(bytes(10240), mtime=0), mtime=0), "cut off|not a tar"),
    ],
)
def test_what_is_no_archive_is_refused(there: Path, data: bytes, match: str) -> None:
    assert_refused(there, data, InvalidArchive, match)


def test_what_follows_the_end_is_refused(here: Path, there: Path) -> None:
    tar = tar_of(files(record(here)))
    assert_refused(there, tar + b"more", InvalidArchive, "behind its end")
    assert_refused(there, gzip.compress(tar) + b"more", InvalidArchive, "behind its end")


def test_a_bomb_is_refused_long_before_it_is_unpacked(there: Path) -> None:
    huge = tarfile.TarInfo("s/0000_BR.png")
    huge.size = 100 << 20
    bomb = gzip.compress(huge.tobuf() + tiny_png() + bytes(100 << 20))
    assert len(bomb) < 200_000
    written: list[int] = []

    class Counting(Disk):
        def write(self, fd: int, data: Any) -> int:
            written.append(len(data))
            return super().write(fd, data)

    with pytest.raises(InvalidArchive, match="100-fold"), staging(Counting(), there) as staged:
        stage_archive(Counting(), staged, io.BytesIO(bomb).read)
    assert sum(written) <= 20 << 20
    assert list(there.iterdir()) == []


def test_limits_hold_before_and_after_decompression(here: Path, there: Path) -> None:
    record(here)
    archive = export(here)
    assert_refused(there, archive, PayloadTooLarge, "longer than", limit_bytes=len(archive) - 1)
    contents = gzip.decompress(archive)
    assert_refused(there, archive, PayloadTooLarge, "holds more than", limit_bytes=len(contents) - 1)
    take_in(there, archive, limit_bytes=len(contents))


def test_a_name_record_of_any_length_is_not_read(there: Path) -> None:
    long = tarfile.TarInfo("././@LongLink")
    long.type, long.size = tarfile.GNUTYPE_LONGNAME, MAX_NAME_RECORD_BYTES + 1
    assert_refused(there, long.tobuf(tarfile.GNU_FORMAT) + bytes(200_000), InvalidArchive, "name record")


@pytest.mark.parametrize("record", [b"12 path=abc\n", b"path", b"99999 path=x\n", b"0 path=x\n", b"9 path=x"])
def test_a_damaged_name_record_is_refused(there: Path, record: bytes) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, len(record)
    archive = info.tobuf() + record.ljust(512, b"\0") + bytes(1024)
    assert_refused(there, archive, InvalidArchive, "name record|cut off|not a tar|empty")


def test_too_many_files_are_refused(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(here)
    monkeypatch.setattr(unpacking, "MAX_FILES", 4)
    assert_refused(there, export(here), InvalidArchive, "more than 4 files")


def test_a_huge_entry_is_refused(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(here)
    monkeypatch.setattr(importing, "MAX_ENTRY_BYTES", 500)
    assert_refused(there, export(here), InvalidArchive, "an entry of metadata.json has")


def test_a_huge_file_on_one_line_is_refused(here: Path, there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = files(record(here))
    described(subject="08")(contents)
    monkeypatch.setattr(importing, "MAX_FOREIGN_METADATA_BYTES", 500)
    assert_refused(there, tar_of(contents), InvalidArchive, "damaged")


@given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=5))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_is_refused_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]]
) -> None:
    """Whatever bytes of a plain tar change: what comes in is a whole session, and what is refused leaves nothing."""
    here, there = tmp_path_factory.mktemp("here"), tmp_path_factory.mktemp("there")
    tar = bytearray(tar_of(files(record(here, frames=2))))
    for place, value in damage:
        tar[place % len(tar)] = value
    try:
        imported = take_in(there, bytes(tar))
    except ParafoveaError:
        assert list(there.iterdir()) == []
        return
    with SessionReader(there / imported.session_id) as reader:
        for entry in reader.entries():
            reader.frame_bytes(entry)


# -- when the disk, or the importer, gives up -------------------------------------------------------------------------


class FullDisk(Disk):
    """Has room for some steps, then for none; what only removes still works."""

    def __init__(self, steps: int, number: int = errno.ENOSPC) -> None:
        self._steps = itertools.count()
        self._limit = steps
        self._errno = number

    def write(self, fd: int, data: Any) -> int:
        if next(self._steps) >= self._limit:
            raise OSError(self._errno, os.strerror(self._errno))
        return super().write(fd, data)


@pytest.mark.parametrize("steps", range(7))
def test_a_full_disk_leaves_nothing(here: Path, there: Path, steps: int) -> None:
    record(here)
    disk = FullDisk(steps)
    with pytest.raises(InsufficientStorage), staging(disk, there) as staged:
        stage_archive(disk, staged, io.BytesIO(export(here)).read, session_id="other")
    assert list(there.iterdir()) == []


def test_another_error_of_the_disk_is_told_as_it_is(here: Path, there: Path) -> None:
    record(here)
    disk = FullDisk(2, errno.EIO)
    with pytest.raises(OSError, match="Input/output"), staging(disk, there) as staged:
        stage_archive(disk, staged, io.BytesIO(export(here)).read)
    assert list(there.iterdir()) == []


def test_what_an_importer_left_that_died_goes_and_a_living_one_stays(there: Path) -> None:
    disk = Disk()
    with staging(disk, there) as living:
        (living / "s").mkdir()
        dead = there / IMPORT / "dead"
        (dead / "s" / "inputs").mkdir(parents=True)
        (dead / "s" / "0000_BR.png").write_bytes(b"x")
        (there / IMPORT / "older.lock").write_bytes(b"")
        sweep(disk, there)
        assert sorted(path.name for path in (there / IMPORT).iterdir()) == sorted([living.name, f"{living.name}.lock"])
        assert (living / "s").is_dir()
    assert list(there.iterdir()) == []


def test_metadata_stays_laid_out_as_ours(here: Path, there: Path) -> None:
    """So that a session which comes in under another name can be recorded into at the same cost as any other."""
    record(here)
    take_in(there, export(here), "copy")
    with SessionReader(there / "copy") as reader:
        parts = metadata.file_parts(
            reader.head, (orjson.dumps(entry.fields) for entry in reader.entries()), reader.tail
        )
        assert (there / "copy" / "metadata.json").read_bytes() == b"".join(parts)
