"""Archives that are attacks: each is refused whole, with a sentence, and nothing of it stays or was worth an fsync."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import InvalidArchive, InvalidSessionId, ParafoveaError, PayloadTooLarge
from shared.session.check import check
from shared.session.reading.reader import SessionReader
from shared.session.transfer.importing import Imported, stage_archive
from shared.session.transfer.staging import adopt, staging
from shared.system.disk import Disk
from tests.support.hostile_archives import (
    END,
    PREFIX,
    REFUSED,
    TAKEN,
    Named,
    as_tarfile_reads,
    cuts,
    file,
    reads,
    session,
    tar,
)

REASON_CHARS = 1000


class CountingDisk(Disk):
    """Counts what is costly."""

    def __init__(self) -> None:
        self.fsyncs = 0
        self.bytes = 0

    def fsync(self, fd: int) -> None:
        self.fsyncs += 1
        super().fsync(fd)

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> int:
        self.bytes += len(data)
        return super().write(fd, data)


def take_in(root: Path, archive: bytes, disk: Disk | None = None) -> Imported:
    disk = disk or Disk()
    with staging(disk, root) as staged:
        imported = stage_archive(disk, staged, reads(archive))
        adopt(disk, root, staged.name, imported.session_id)
    return imported


def attempt(root: Path, archive: bytes) -> tuple[Imported | None, ParafoveaError | None]:
    try:
        return take_in(root, archive), None
    except ParafoveaError as error:
        return None, error


def around(tmp_path: Path) -> tuple[Path, set[Path]]:
    """A sessions folder, and all that is there around it."""
    root = tmp_path / "a" / "b" / "sessions"
    root.mkdir(parents=True)
    return root, set(tmp_path.rglob("*"))


def assert_refused(root: Path, archive: bytes, name: str) -> None:
    disk = CountingDisk()
    with pytest.raises((InvalidArchive, InvalidSessionId, PayloadTooLarge)) as refused:
        take_in(root, archive, disk)
    reason = refused.value.detail
    assert reason.isprintable(), name
    assert 10 < len(reason) < REASON_CHARS, name
    assert disk.fsyncs == 0, name
    assert list(root.iterdir()) == [], name


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_hostile_is_refused_before_anything_is_fsynced(kind: str, tmp_path: Path) -> None:
    root, before = around(tmp_path)
    for name, archive in REFUSED[kind]():
        assert_refused(root, archive, f"{kind}: {name}")
    assert set(tmp_path.rglob("*")) == before


def test_an_archive_that_ends_anywhere_is_refused(tmp_path: Path) -> None:
    root, before = around(tmp_path)
    for name, archive in cuts(step=37):
        assert_refused(root, archive, name)
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", TAKEN)
def test_what_is_odd_and_sound_comes_in_as_it_is(kind: str, tmp_path: Path) -> None:
    for number, (name, archive) in enumerate(TAKEN[kind]()):
        root = tmp_path / str(number)
        disk = CountingDisk()
        assert take_in(root, archive, disk).frames == 3, name
        held = {path.relative_to(root / "s").as_posix(): path.read_bytes() for path in (root / "s").rglob("*.*")}
        assert session().items() <= held.items(), name
        assert disk.fsyncs >= len(held), name
        assert [finding.severity for finding in check(root / "s") if finding.severity != "note"] == [], name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("counts", "20,000 one-byte frames first"),
        ("counts", "20,000 inputs of two bytes"),
        ("counts", "20,000 notes"),
        ("sizes", "empty parts without end"),
        ("numbers", "records without end"),
        ("numbers", "size 2^80"),
    ],
)
def test_the_first_that_is_wrong_ends_it(kind: str, name: str, tmp_path: Path) -> None:
    archive = dict(REFUSED[kind]())[name]
    disk, read = CountingDisk(), [0]
    stream = reads(archive)

    def counted(count: int) -> bytes:
        data = stream(count)
        read[0] += len(data)
        return data

    with pytest.raises(InvalidArchive), staging(disk, tmp_path) as staged:
        stage_archive(disk, staged, counted)
    assert disk.bytes <= sum(len(data) for data in session().values())
    assert read[0] <= 256 * 1024


def test_many_small_frames_that_entries_name_come_in(tmp_path: Path) -> None:
    """What a session of any length consists of is no attack."""
    assert take_in(tmp_path, tar(session(200)) + END).frames == 200


# -- mutations --------------------------------------------------------------------------------------------------------

GOOD = tar(session()) + END
PACKED = gzip.compress(GOOD, mtime=0)
Mutation = Callable[[bytearray], None]


def flip(place: float, bit: int) -> Mutation:
    def mutate(data: bytearray) -> None:
        if data:
            data[int(place * (len(data) - 1))] ^= 1 << bit

    return mutate


def cut(begin: float, length: int) -> Mutation:
    def mutate(data: bytearray) -> None:
        at = int(begin * len(data))
        del data[at : at + length]

    return mutate


def double(begin: float, length: int) -> Mutation:
    def mutate(data: bytearray) -> None:
        at = int(begin * len(data))
        data[at:at] = data[at : at + length]

    return mutate


def overwrite(begin: float, text: bytes) -> Mutation:
    def mutate(data: bytearray) -> None:
        at = int(begin * len(data))
        data[at : at + len(text)] = text

    return mutate


PLACES = st.floats(0, 1)
LENGTHS = st.sampled_from([1, 2, 12, 100, 511, 512, 513, 1024, 5000])
TEXTS = st.sampled_from([b"\xff" * 12, b"\0" * 512, b"\x80" + b"\xff" * 11, b"../", b"NaN", b"9" * 500, b"]", b'"'])
MUTATIONS = st.lists(
    st.one_of(
        st.builds(flip, PLACES, st.integers(0, 7)),
        st.builds(cut, PLACES, LENGTHS),
        st.builds(double, PLACES, LENGTHS),
        st.builds(overwrite, PLACES, TEXTS),
    ),
    min_size=1,
    max_size=4,
)


def with_sums(data: bytearray) -> bytes:
    """The archive with the checksum of each block that looks like a header made right, so that more is looked at."""
    for at in range(0, len(data) - 511, 512):
        block = data[at : at + 512]
        if block[257:262] == b"ustar":
            total = sum(block[:148]) + 8 * 32 + sum(block[156:])
            data[at + 148 : at + 156] = b"%06o\0 " % total
    return bytes(data)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations=MUTATIONS, packed=st.sampled_from(["plain", "packed", "packed anew"]))
def test_a_mutated_archive_is_refused_or_is_a_session(mutations: list[Mutation], packed: str, tmp_path: Path) -> None:
    data = bytearray(PACKED if packed == "packed" else GOOD)
    for mutate in mutations:
        mutate(data)
    archive = bytes(data) if packed == "packed" else with_sums(data)
    archive = gzip.compress(archive) if packed == "packed anew" else archive
    with tempfile.TemporaryDirectory(dir=tmp_path) as around_it:
        root = Path(around_it) / "sessions"
        imported, refused = attempt(root, archive)
        if refused is not None:
            assert 400 <= refused.status < 500
            assert len(refused.detail) < REASON_CHARS
            assert not root.exists() or list(root.iterdir()) == []
        if imported is not None:
            folder = root / imported.session_id
            with SessionReader(folder) as reader:
                assert len(list(reader.entries())) == imported.frames
            plain = gzip.decompress(archive) if archive.startswith(b"\x1f\x8b") else archive
            assert all(path.read_bytes() in plain for path in folder.rglob("*.png"))
            assert list(root.iterdir()) == [folder]
        assert list(Path(around_it).iterdir()) in ([], [root])


def test_generators_are_what_they_say() -> None:
    """A corpus whose good part were bad would prove nothing."""
    held = as_tarfile_reads(GOOD)
    assert held == {PREFIX + name: data for name, data in session().items()}
    assert as_tarfile_reads(file("x" * 300, b"data") + END) == {"x" * 300: b"data"}
    seen: list[str] = []
    for each in REFUSED.values():
        corpus: Named = each()
        seen += [name for name, _ in corpus]
    assert len(seen) > 150
