"""Archives that no honest tool makes, by what is wrong with them: generators of a name and the bytes.

Those of :data:`REFUSED` must be refused whole, with a sentence; those of :data:`TAKEN` are odd and sound, and come in.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping

from tests.support.absurd import ENTRIES
from tests.support.frames import CREATED_AT, tiny_png

Named = Iterator[tuple[str, bytes]]
BLOCK = 512
END = bytes(2 * BLOCK)
PREFIX = "generation/sessions/s/"


def session(frames: int = 3, **first: object) -> dict[str, bytes]:
    """The files of a good session; ``first`` replaces what its first entry says."""
    contents: dict[str, bytes] = {}
    entries = []
    for index in range(frames):
        picture, source = tiny_png({"frame": index}), tiny_png({"input": index})
        name, input_file = f"{index:04d}_BR.png", f"inputs/{hashlib.sha256(source).hexdigest()}.png"
        contents[name], contents[input_file] = picture, source
        entry = {"index": index, "filename": name, "target_sector": "BR", "timestamp": CREATED_AT + index}
        entry |= {"sha256": hashlib.sha256(picture).hexdigest(), "input_file": input_file}
        entries.append(entry if index else {**entry, **first})
    described = {"session_id": "s", "created_at": CREATED_AT, "format": 1, "sequence": entries}
    return {"metadata.json": json.dumps(described).encode(), **contents}


def header(name: bytes, size: bytes | int = 0, kind: bytes = b"0", **fields: bytes) -> bytes:
    """A header block, right in its checksum and in nothing else."""
    block = bytearray(BLOCK)
    block[0:100] = name[:100].ljust(100, b"\0")
    block[100:108], block[108:116], block[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    block[124:136] = b"%011o\0" % size if isinstance(size, int) else size
    block[136:148] = fields.get("mtime", b"00000000000\0")
    block[108:116] = fields.get("uid", b"0000000\0")
    block[156:157] = kind
    block[157:257] = fields.get("link", b"").ljust(100, b"\0")
    block[257:265] = b"ustar\x0000"
    block[345:500] = fields.get("prefix", b"").ljust(155, b"\0")
    block[148:156] = b"%06o\0 " % (sum(block[:148]) + 8 * 32 + sum(block[156:]))
    return bytes(block)


def file(name: str | bytes, data: bytes = b"", kind: bytes = b"0", **fields: bytes) -> bytes:
    """A member, its name in a GNU record where it is long."""
    raw = name.encode() if isinstance(name, str) else name
    long = record(raw + b"\0", b"L") if len(raw) > 100 else b""
    return long + header(raw, len(data), kind, **fields) + data + bytes(-len(data) % BLOCK)


def record(body: bytes, kind: bytes) -> bytes:
    """A record that says something of the member behind it."""
    return header(b"././@Record", len(body), kind) + body + bytes(-len(body) % BLOCK)


def pax(kind: bytes = b"x", **fields: bytes) -> bytes:
    """A pax record, with the keys given."""
    body = b""
    for key, value in fields.items():
        line = b" " + key.replace("__", ".").encode() + b"=" + value + b"\n"
        length = len(line) + 1
        length = len(line) + len(str(len(line) + len(str(length))))
        body += str(length).encode() + line
    return record(body, kind)


def tar(contents: Mapping[str, bytes], prefix: str = PREFIX) -> bytes:
    """The members of an archive, without its end."""
    return b"".join(file(prefix + name, data) for name, data in contents.items())


def names() -> Named:
    """Beside a good session, one more file."""
    good = tar(session())
    bad: dict[str, str | bytes] = {
        "part of 256": "x" * 256 + "/metadata.json",
        "part of 5000": PREFIX + "n" * 5000,
        "litter with a part of 300": PREFIX + "." + "n" * 300,
        "path of 6000": "/".join(["d" * 100] * 60) + "/metadata.json",
        "control characters": PREFIX + "0009\r\n_BR.png",
        "a backslash": "..\\..\\metadata.json",
        "a drive": "C:metadata.json",
        "absolute": "/etc/metadata.json",
        "dots": PREFIX + "../../../metadata.json",
        "dots in the middle": "a/../../metadata.json",
        "other case": PREFIX + "METADATA.JSON",
        "another frame in small letters": PREFIX + "0000_br.png",
        "a decomposed letter": "généré/metadata.json",
        "a dot behind": PREFIX + "metadata.json.",
        "a space behind": PREFIX + "metadata.json ",
        "a device": PREFIX + "con.png",
        "no UTF-8": b"generation/sessions/s/\xff\xfe.png",
        "half a character": PREFIX.encode() + b"\xed\xa0\x80.png",
        "other digits": PREFIX + "٠٠٠٩_BR.png",
        "a stream": PREFIX + "0000_BR.png:evil",
        "a file below a file": PREFIX + "metadata.json/0009_BR.png",
        "a file below a frame": PREFIX + "0000_BR.png/metadata.json",
        "no session's": PREFIX + "notes.txt",
        "of many digits": PREFIX + "9" * 17 + "_BR.png",
    }
    for name, path in bad.items():
        yield name, good + file(path, tiny_png()) + END
    yield "NUL in a pax name", good + pax(path=PREFIX.encode() + b"0009_BR.png\0.exe") + file("x", tiny_png()) + END
    yield "twice", good + file(PREFIX + "0000_BR.png", tiny_png({"frame": 0})) + END
    yield "twice, once with ./", good + file("./" + PREFIX + "0000_BR.png", tiny_png()) + END
    yield "a folder of a file's name", good + file(PREFIX + "0000_BR.png/", b"", b"5") + END
    yield "a folder of a file's name first", file(PREFIX + "metadata.json", b"", b"5") + good + END
    yield "a session called as a path of the API", tar(session(), "generation/sessions/list/") + END
    yield "a session called as a device", tar(session(), "NUL/") + END
    yield "two sessions", good + tar(session(), "generation/sessions/S/") + END


def numbers() -> Named:
    """Numbers in headers."""
    good, name = tar(session()), (PREFIX + "0009_BR.png").encode()
    sizes = {
        "2^80": b"\x80" + (1 << 80).to_bytes(11, "big"),
        "2^64-1": b"\x80" + ((1 << 64) - 1).to_bytes(11, "big"),
        "2^63": b"\x80" + (1 << 63).to_bytes(11, "big"),
        "negative": b"\xff" * 12,
        "all sevens": b"7" * 12,
        "eights": b"88888888888\0",
        "letters": b"0x000000001\0",
        "with a sign": b"-0000000001\0",
    }
    for size, written in sizes.items():
        yield f"size {size}", good + header(name, written) + END
        yield f"size {size} of litter", good + header(PREFIX.encode() + b".DS_Store", written) + END
        yield f"size {size} of a record", good + header(name, written, b"x") + END
        yield f"size {size} of a long name", good + header(name, written, b"L") + END
    for key, value in {"size": b"1", "GNU__sparse__size": b"1000000000000", "GNU__sparse__major": b"1"}.items():
        for kind in (b"x", b"g"):
            yield f"{key} in {kind!r}", good + pax(kind, **{key: value}) + file(name, tiny_png()) + END
    yield "one name for all", pax(b"g", path=PREFIX.encode() + b"metadata.json") + good + END
    yield "a record of a gigabyte", header(b"x", 1 << 30, b"x") + bytes(1 << 20)
    yield "a long name of a gigabyte", header(b"x", 1 << 30, b"L") + bytes(1 << 20)
    yield "records without end", pax(comment=b"x") * 20_000 + good + END
    yield "long names without end", record(b"name\0", b"L") * 1000 + good + END
    yield "a record without a file", good + pax(path=b"x") + END
    for damaged in (b"99999999999999999999 path=x\n", b"-5 path=x\n", b"0 path=x\n", b"5 \n\n\n", b"\xb2 path=x\n"):
        yield f"a record {damaged!r}", record(damaged, b"x") + good + END


def types() -> Named:
    """Members that are no plain files."""
    good = tar(session())
    for kind in (b"1", b"2", b"3", b"4", b"6", b"S", b"K", b"V", b"M", b"D", b"N", b"Z", b"\xff"):
        for name in ("0009_BR.png", "inputs"):
            yield f"{name} of kind {kind!r}", good + file(PREFIX + name, kind=kind, link=b"/etc/passwd") + END
    yield "a link first", file(PREFIX + "inputs", kind=b"2", link=b"/tmp") + good + END


def counts() -> Named:
    """Files that are many, and of no session."""
    good = tar(session())
    many = 20_000
    frames = [file(f"{PREFIX}{index:04d}_TL.png", b"x") for index in range(many)]
    yield "20,000 one-byte frames", good + b"".join(frames) + END
    yield "20,000 one-byte frames first", b"".join(frames) + good + END
    empty = b"".join(file(f"{PREFIX}{index:04d}_TL.png") for index in range(many))
    yield "20,000 empty frames", good + empty + END
    sources = [bytes([number >> 8, number & 255]) for number in range(many)]
    inputs = b"".join(file(f"{PREFIX}inputs/{hashlib.sha256(data).hexdigest()}.png", data) for data in sources)
    yield "20,000 inputs of two bytes", good + inputs + END
    pictures = [b"\x89PNG\r\n\x1a\n" + data for data in sources[:2000]]
    inputs = b"".join(file(f"{PREFIX}inputs/{hashlib.sha256(data).hexdigest()}.png", data) for data in pictures)
    yield "2,000 inputs that no entry names", good + inputs + END
    strays = b"".join(file(f"{PREFIX}{index:04d}_TL.png", data) for index, data in enumerate(pictures))
    yield "2,000 frames that no entry names", strays + good + END
    kept = (f"{PREFIX}metadata.json.before-repair-20260301T101500Z-{number}" for number in range(2, many))
    yield "20,000 kept metadata", good + b"".join(file(name, b"x") for name in kept) + END
    yield "20,000 folders", b"".join(file(f"d/{number}/", kind=b"5") for number in range(many)) + good + END
    yield "20,000 notes", good + b"".join(file(f"{PREFIX}notes{number}.txt", b"x") for number in range(many)) + END


def sizes() -> Named:
    """What is longer, or shorter, than it says."""
    good = tar(session())
    whole = good + END
    yield "a bomb", gzip.compress(header((PREFIX + "0000_BR.png").encode(), 100 << 20) + tiny_png() + bytes(100 << 20))
    yield "a bomb of nothing but its end", gzip.compress(good + bytes(64 << 20))
    yield "a bomb of litter", gzip.compress(header(b"s/.x", 64 << 20) + bytes(64 << 20) + whole)
    yield "gzip within gzip", gzip.compress(gzip.compress(whole))
    yield "empty parts without end", gzip.compress(b"", mtime=0) * 200_000 + gzip.compress(whole)
    yield "a megabyte of nothing in parts", gzip.compress(bytes(10), mtime=0) * 50_000
    yield "something behind", whole + b"x"
    yield "a session behind", whole + whole
    yield "something behind gzip", gzip.compress(whole) + b"x" * 100
    yield "bzip2", b"BZh91AY&SY" + bytes(600)
    yield "zip", b"PK\x03\x04" + bytes(600)
    yield "a size that is too long", good[:-BLOCK] + header((PREFIX + "0009_BR.png").encode(), 1 << 20) + END
    yield "nothing", b""
    yield "only an end", END
    yield "only folders", file("a/", kind=b"5") + END
    damaged = bytearray(gzip.compress(whole))
    damaged[-5] ^= 1
    yield "a wrong checksum", bytes(damaged)
    deflated = zlib.compress(whole)
    yield "zlib without gzip", deflated


def metadata() -> Named:
    """What the metadata says."""
    for name, text in ENTRIES.items():
        if name not in ("index twice", "prompt with half a character", "timestamp an object"):
            contents = session(2)
            described = json.loads(contents["metadata.json"])
            written = (
                json.dumps({**described, "sequence": []})[:-2] + json.dumps(described["sequence"][0]) + f",{text}]}}"
            )
            yield name, tar({**contents, "metadata.json": written.encode()}) + END
    for key, value in {
        "created_at": "1e400", "session_id": "[[]]", "format": "1" * 5000, "sequence": "[" * 100_000,
    }.items():  # fmt: skip
        contents = session()
        described = {name: json.dumps(said) for name, said in json.loads(contents["metadata.json"]).items()}
        text = ",".join(f'"{name}":{said}' for name, said in {**described, key: value}.items())
        yield f"{key} {value[:20]}", tar({**contents, "metadata.json": f"{{{text}}}".encode()}) + END
    described = json.loads(session()["metadata.json"])
    for name, more in {"2^64": 2**64, "5000 digits": int("9" * 4000), "NaN": float("nan")}.items():
        for key in ("width", "record_seq", "seed"):
            changed = session(**{key: more})
            yield f"{key} {name}", tar(changed) + END
    yield "a file elsewhere", tar(session(filename="../../secret")) + END
    yield "an input elsewhere", tar(session(input_file="/etc/passwd")) + END
    yield "a million empty entries", tar({**session(), "metadata.json": _of_many("{}")}) + END
    yield (
        "a value of millions of parts",
        tar({**session(), "metadata.json": _beside("[" + "[]," * 2_000_000 + "1]")}) + END,
    )


def _of_many(entry: str) -> bytes:
    return ('{"session_id":"s","created_at":1.5,"sequence":[' + ",".join([entry] * 1_100_000) + "]}").encode()


def _beside(value: str) -> bytes:
    return ('{"session_id":"s","created_at":1.5,"x":' + value + ',"sequence":[]}').encode()


def cuts(step: int = 1) -> Named:
    """A good archive that ends before it ends."""
    whole = tar(session(1))
    for packed, data in (("", whole), ("compressed ", gzip.compress(whole + END, mtime=0))):
        for at in range(0, len(data), step):
            yield f"{packed}cut at {at}", data[:at]


REFUSED: dict[str, Callable[[], Named]] = {
    each.__name__: each for each in (names, numbers, types, counts, sizes, metadata)
}


def taken() -> Named:
    """Odd, and sound."""
    contents = session()
    good = tar(contents)
    yield "plain", good + END
    yield "the metadata last", tar(dict(reversed(contents.items()))) + END
    yield "without blocks of zeros behind", good + bytes(BLOCK)
    yield "with a megabyte of zeros behind", good + END + bytes(1 << 20)
    odd = b"".join(
        file(PREFIX + name, data, mtime=b"\x80" + b"\xff" * 11, uid=b"\xff" * 8) for name, data in contents.items()
    )
    yield "times and owners beyond 64 bits", odd + END
    comments = pax(b"g", comment=b"made by hand") + pax(mtime=b"1e400", uid=b"9" * 40, comment="ü".encode())
    yield "with pax comments", comments + good + END
    yield "with folders", file("generation/", kind=b"5") + file(PREFIX + "inputs/", kind=b"5") + good + END
    yield (
        "in gzip parts",
        b"".join(gzip.compress((good + END)[at : at + 700]) for at in range(0, len(good) + 1024, 700)),
    )
    yield "with litter", file(PREFIX + ".DS_Store", b"x") + good + file("__MACOSX/s/._0000_BR.png", b"x") + END
    yield "with one input that no entry names", good + file(PREFIX + _unnamed()[0], _unnamed()[1]) + END


def _unnamed() -> tuple[str, bytes]:
    data = tiny_png({"input": "none"})
    return f"inputs/{hashlib.sha256(data).hexdigest()}.png", data


TAKEN: dict[str, Callable[[], Named]] = {"taken": taken}


def reads(archive: bytes) -> Callable[[int], bytes]:
    """An archive as a stream."""
    return io.BytesIO(archive).read


def as_tarfile_reads(archive: bytes) -> dict[str, bytes]:
    """What another reader takes an archive to hold, for comparison."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        members = ((member.name, opened.extractfile(member)) for member in opened if member.isfile())
        return {name: stream.read() for name, stream in members if stream is not None}
