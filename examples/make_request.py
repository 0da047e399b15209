"""Make the body of a ``/generate`` request, with a photograph inside.

python examples/make_request.py examples/sunset.jpg --focus BL --target TR

writes request.json, and prints how to send it. With ``--out -``, or where standard output is no terminal
(``> my_request.json``, ``| curl ...``), the request goes there.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
from pathlib import Path

DEFAULT = Path("request.json")
SEND = 'curl -X POST http://localhost:8001/generate -H "Content-Type: application/json" -d @{} > changed.png'


def main() -> None:
    """Write the request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path, help="PNG, JPEG or WebP")
    parser.add_argument("--target", default="BR", help="sector to change")
    parser.add_argument("--focus", default="TL", help="sector that the viewer looks at")
    parser.add_argument("--prompt", default="add a small ladybug in the lower right corner")
    parser.add_argument("--out", "-o", type=Path, help=f"file to write, - for standard output [{DEFAULT}]")
    arguments = parser.parse_args()
    try:
        image = arguments.image.read_bytes()
    except OSError as error:
        parser.error(f"{arguments.image} cannot be read: {error.strerror}")
    request = {
        "image_base64": base64.b64encode(image).decode("ascii"),
        "target_sector": arguments.target,
        "focus_sector": arguments.focus,
        "prompt": arguments.prompt,
    }
    text = json.dumps(request, indent=1)
    out: Path | None = arguments.out
    # Hundreds of kilobytes of base64 are of no use on a terminal.
    if str(out) == "-" or (out is None and not sys.stdout.isatty()):
        print(text)
        return
    path = out or DEFAULT
    try:
        path.write_text(f"{text}\n", encoding="ascii")
    except OSError as error:
        parser.error(f"{path} cannot be written: {error.strerror}")
    print(f"{path} is written; send it with:\n{SEND.format(path)}")


if __name__ == "__main__":
    main()
