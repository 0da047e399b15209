"""Make ``generation_request.json``: the body of a ``/generate`` request with a photograph inside.

python examples/make_request.py examples/meadow.jpg --target BR --focus TL > generation_request.json
"""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path


def main() -> None:
    """Print the request."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("image", type=Path, help="PNG, JPEG or WebP")
    parser.add_argument("--target", default="BR", help="sector to change")
    parser.add_argument("--focus", default="TL", help="sector that the viewer looks at")
    parser.add_argument("--prompt", default="add a small ladybug in the lower right corner")
    arguments = parser.parse_args()
    request = {
        "image_base64": base64.b64encode(arguments.image.read_bytes()).decode("ascii"),
        "target_sector": arguments.target,
        "focus_sector": arguments.focus,
        "prompt": arguments.prompt,
    }
    print(json.dumps(request, indent=1))


if __name__ == "__main__":
    main()
