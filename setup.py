"""What ``pyproject.toml`` cannot say: which files from beside the packages a wheel takes along.

They go into a folder of the project's own name, since ``examples`` and ``generation`` are nothing to put at the top of
an environment that others share; ``shared/system/places.py`` looks there. Each is in git once, where it belongs in a
checkout.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDER = "parafovea"
FILES = (
    "Procfile",
    "Procfile.windows",
    "examples/*.jpg",
    "examples/LICENCES.md",
    "generation/models/embedded/**/*",
    "generation/models/segmenter/*",
    "generation/sector_prompts.json",
)
"""What ships. Recordings, which lie under ``generation`` too, never do."""


class BuildWithFiles(build_py):
    """Copies them beside the packages. An editable install needs none: it has the checkout."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for source in self._sources():
                target = Path(self.build_lib, FOLDER, source)
                self.mkpath(str(target.parent))
                self.copy_file(source, str(target))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        copied = [] if self.editable_mode else [str(Path(self.build_lib, FOLDER, source)) for source in self._sources()]
        return [*super().get_outputs(include_bytecode), *copied]

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *self._sources()]

    @staticmethod
    def _sources() -> list[str]:
        found = []
        for pattern in FILES:
            files = sorted(path for path in Path().glob(pattern) if path.is_file())
            if not files:
                raise FileNotFoundError(f"{pattern}: nothing there to ship; build from a whole checkout")
            found += [path.as_posix() for path in files]
        return found


setup(cmdclass={"build_py": BuildWithFiles})
