"""Processors of models that also see: what makes of a prompt and a picture the numbers that their text encoder takes.

transformers makes some of them only where torchvision is installed. What it is wanted for has nothing to do with the
pictures here: Qwen's processors come with a part for videos, Pixtral's resizes pictures faster. So without torchvision
they are put together from their other parts, and a pipeline is given them before or after it is loaded.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VIDEO = "video_processor"


@dataclass(frozen=True, slots=True)
class Processors:
    """What a pipeline's ``from_pretrained`` cannot load here, by the part's name.

    Attributes:
        given: for ``from_pretrained``, which takes them as they are.
        later: for ``register_modules`` of the loaded pipeline; ``from_pretrained`` would refuse them by their class.
    """

    given: dict[str, Any] = field(default_factory=dict)
    later: dict[str, Any] = field(default_factory=dict)

    def options(self) -> dict[str, Any]:
        """For ``from_pretrained``: None keeps it from looking for what comes later."""
        return self.given | dict.fromkeys(self.later)

    def complete(self, pipeline: Any) -> Any:
        """The loaded pipeline, with the parts that come later."""
        if self.later:
            pipeline.register_modules(**self.later)
        return pipeline


def processors_of(folder: Path) -> Processors:
    """Of the pipeline in ``folder``; none where torchvision is installed, or where no part needs it."""
    found = Processors()
    for name, said in _index(folder).items():
        if isinstance(said, list) and len(said) == 2 and said[0] == "transformers" and _needs_torchvision(said[1]):
            whole = _is_hidden(said[1])
            (found.later if whole else found.given)[name] = load_processor_without_torchvision(folder, name)
    return found


def load_processor_without_torchvision(folder: Path, subfolder: str = "processor") -> Any:
    """A pipeline folder's processor, of its own class but without the part for videos. Reads only this folder.

    Where transformers hides the class, what stands in for it: for pictures alone, a slower class that does the same;
    for texts too, the tokenizer, which writes them with the same template.

    Raises OSError or ValueError: files are missing or odd.
    """
    import transformers
    from transformers import AutoImageProcessor, AutoTokenizer

    class_name = _index(folder)[subfolder][1]
    place = folder / subfolder
    if "ImageProcessor" in class_name:
        return AutoImageProcessor.from_pretrained(place, local_files_only=True)
    if _is_hidden(class_name):
        # As PixtralProcessor loads it: what the folder names as the tokenizer's class may be another's.
        from transformers import PreTrainedTokenizerFast

        tokenizer = PreTrainedTokenizerFast.from_pretrained(place, local_files_only=True)
        tokenizer.chat_template = _chat_template(place) or tokenizer.chat_template
        return tokenizer
    whole = getattr(transformers, class_name)
    parts: dict[str, Any] = {
        "image_processor": AutoImageProcessor.from_pretrained(place, local_files_only=True),
        "tokenizer": AutoTokenizer.from_pretrained(place, local_files_only=True),
        VIDEO: None,
    }
    if unknown := set(whole.get_attributes()) - set(parts):
        raise ValueError(f"{class_name} has parts that only torchvision makes: {', '.join(sorted(unknown))}.")
    template = _chat_template(place) or parts["tokenizer"].chat_template
    return without_video(whole)(**parts, chat_template=template)


def without_video(whole: type[Any]) -> type[Any]:
    """The class of a processor, of which one may be made with None for the part for videos."""

    def check(self: Any, name: str, argument: Any) -> Any:
        if name == VIDEO and argument is None:
            return type(None)
        return whole.check_argument_for_proper_class(self, name, argument)

    return type(whole.__name__, (whole,), {"check_argument_for_proper_class": check, "__module__": whole.__module__})


def _needs_torchvision(class_name: str | None) -> bool:
    if class_name is None or "Processor" not in class_name or importlib.util.find_spec("torchvision"):
        return False
    if _is_hidden(class_name):
        return True
    import transformers

    attributes = getattr(getattr(transformers, class_name, None), "get_attributes", None)
    return attributes is not None and VIDEO in attributes()


def _is_hidden(class_name: str) -> bool:
    """Whether transformers shows only a stand-in, whose use raises ImportError, for want of another library."""
    import transformers

    return bool(getattr(getattr(transformers, class_name, None), "is_dummy", False))


def _chat_template(place: Path) -> str | None:
    """From a file of its own, as transformers keeps a processor's: the new form, or the one before."""
    if (new := place / "chat_template.jinja").is_file():
        return new.read_text(encoding="utf-8")
    if (old := place / "chat_template.json").is_file():
        return str(json.loads(old.read_text(encoding="utf-8"))["chat_template"])
    return None


def _index(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    return found
