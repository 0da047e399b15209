"""The project's version: the only place where it stands. ``docs/versions.md`` says what it promises.

A literal, not read from what is installed: a checkout beside an older install, and a wheel that was only unpacked, say
what they are.
"""

from __future__ import annotations

VERSION = "0.2.0.dev0"
"""Of the next release, with ``.dev0`` until it is made."""
