"""Processors for text encoders that see, made without torchvision, and written as in a downloaded folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from services.generator.models.processors import without_video
from tests.support.families.tokens import mistral_tokenizer, qwen_tokenizer


def qwen_processor(name: str = "Qwen2VLProcessor", patch: int = 14) -> Any:
    """Of the Qwen family."""
    import transformers
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    images = Qwen2VLImageProcessorPil(
        patch_size=patch, size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 64}, merge_size=2
    )
    tokenizer = qwen_tokenizer()
    whole = getattr(transformers, name)
    written = type(name, (without_video(whole),), {"save_pretrained": _save, "__module__": whole.__module__})
    return written(
        image_processor=images, tokenizer=tokenizer, video_processor=None, chat_template=tokenizer.chat_template
    )


def pixtral_tokenizer() -> Any:
    """Flux 2's processor but for its pictures: transformers has the class only where torchvision is installed. It is
    saved as the whole."""
    tokenizer = mistral_tokenizer()
    save = tokenizer.save_pretrained

    def save_all(place: str | Path, **_: Any) -> None:
        save(place)
        images = {"image_processor_type": "PixtralImageProcessorFast", "processor_class": "PixtralProcessor"}
        whole = {"processor_class": "PixtralProcessor", "patch_size": 14, "spatial_merge_size": 2}
        for name, said in (("preprocessor_config.json", images), ("processor_config.json", whole)):
            (Path(place) / name).write_text(json.dumps(said), encoding="utf-8")

    tokenizer.save_pretrained = save_all
    return tokenizer


def _save(processor: Any, place: str | Path, **_: Any) -> None:
    """As the folders on the hub have it: pictures, videos, tokens and template in files of their own."""
    folder = Path(place)
    folder.mkdir(parents=True, exist_ok=True)
    processor.tokenizer.save_pretrained(folder)
    said = processor.image_processor.to_dict()
    said["image_processor_type"] = type(processor.image_processor).__name__.removesuffix("Pil") + "Fast"
    said["processor_class"] = type(processor).__name__
    (folder / "preprocessor_config.json").write_text(json.dumps(said, indent=2, default=str), encoding="utf-8")
    videos = said | {"video_processor_type": "Qwen2VLVideoProcessor"}
    del videos["image_processor_type"]
    (folder / "video_preprocessor_config.json").write_text(json.dumps(videos, default=str), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(processor.chat_template, encoding="utf-8")
