"""Recent pictures by their hash: as they came or were made, decoded, and in parts of the PNG that they may become.

A display that changes one sector after another sends, or names, as each input the frame before: then nothing has to be
decoded, and of the new PNG only the rows that change are made anew.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable

from services.generator import decode, png
from services.generator.decode import DecodedImage
from services.generator.png import Strip
from shared.images import ImageFormat

KEPT_BYTES = 128 * 1024 * 1024
KEPT_PICTURES = 256


class Picture:
    """One picture. Its parts are made when they are first asked for, by whichever thread asks.

    Attributes:
        sha256: of ``encoded``.
        encoded: as it came, or was made.
        format: of ``encoded``.
        size: width and height in pixels.
    """

    def __init__(
        self,
        sha256: str,
        encoded: bytes,
        image_format: ImageFormat,
        size: tuple[int, int],
        decoded: Callable[[], DecodedImage],
    ) -> None:
        self.sha256 = sha256
        self.encoded = encoded
        self.format = image_format
        self.size = size
        self._decode: Callable[[], DecodedImage] | None = decoded
        self._decoded: DecodedImage | None = None
        self._strips: dict[tuple[int, int], Strip] = {}
        self._head: bytes | None = None
        self._making = threading.Lock()
        self._decoding = threading.Lock()

    @classmethod
    def read(cls, encoded: bytes, sha256: str | None = None) -> Picture:
        """Decode a picture. Raises UnreadableImage."""
        found = decode.decode(encoded)
        sha256 = sha256 or hashlib.sha256(encoded).hexdigest()
        made = cls(sha256, encoded, found.format, (found.width, found.height), lambda: found)
        _ = made.decoded
        return made

    @property
    def held_bytes(self) -> int:
        """Memory that it takes, its pixels included."""
        strips = sum(len(strip.idat) for strip in list(self._strips.values()))
        return len(self.encoded) + 3 * self.size[0] * self.size[1] + strips

    @property
    def decoded(self) -> DecodedImage:
        """Its pixels, and what its frames carry of it."""
        if self._decoded is None:
            with self._decoding:
                if self._decode is not None:
                    self._decoded, self._decode = self._decode(), None
        assert self._decoded is not None
        return self._decoded

    @property
    def head(self) -> bytes:
        """What the PNGs of its frames begin with: size and colours."""
        if self._head is None:
            self._head = png.head(*self.size, self.decoded.icc_profile, self.decoded.colour)
        return self._head

    def strip(self, row: int, grid_size: int) -> Strip:
        """One row of sectors of its PNG."""
        with self._making:
            known = self._strips.get((row, grid_size))
            if known is None:
                known = self._strips[row, grid_size] = png.encode_strip(self.decoded.pixels, row, grid_size)
            return known

    def keep(self, head: bytes, strips: tuple[Strip, ...]) -> None:
        """Its head and its rows of sectors are known already: it was made of them."""
        self._head = head
        self._strips.update({(row, len(strips)): strip for row, strip in enumerate(strips)})

    def make_ready(self, grid_size: int, changing_row: int) -> None:
        """Make what an edit in a row of sectors will leave as it is."""
        _ = self.head
        for row in range(grid_size):
            if row != changing_row:
                self.strip(row, grid_size)


class Pictures:
    """The last pictures; called from any thread.

    Args:
        limit_bytes: of all together; the newest is kept whatever its size.
    """

    def __init__(self, limit_bytes: int = KEPT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._kept: OrderedDict[str, Picture] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def held_bytes(self) -> int:
        """Memory that they take."""
        with self._lock:
            return sum(picture.held_bytes for picture in self._kept.values())

    def get(self, sha256: str) -> Picture | None:
        """A picture that is still kept."""
        with self._lock:
            if sha256 in self._kept:
                self._kept.move_to_end(sha256)
            return self._kept.get(sha256)

    def put(self, picture: Picture) -> None:
        """Keep a picture, and let go of those that were not used for longest."""
        with self._lock:
            self._kept[picture.sha256] = picture
            self._kept.move_to_end(picture.sha256)
            held = sum(each.held_bytes for each in self._kept.values())
            while len(self._kept) > 1 and (held > self._limit_bytes or len(self._kept) > KEPT_PICTURES):
                held -= self._kept.popitem(last=False)[1].held_bytes

    def read(self, encoded: bytes) -> Picture:
        """The picture of these bytes, decoded if it is not known. Raises UnreadableImage."""
        sha256 = hashlib.sha256(encoded).hexdigest()
        known = self.get(sha256)
        if known is None:
            known = Picture.read(encoded, sha256)
            self.put(known)
        return known
