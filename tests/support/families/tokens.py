"""Tokenizers made in code: a token a letter, and the special tokens that the real ones have."""

from __future__ import annotations

import functools
import string
from typing import Any

from services.generator.models.tiny import _tokenizer

QWEN_SPECIAL = (
    "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>",
    "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>",
    "<|video_pad|>", "<think>", "</think>",
)  # fmt: skip
_CHAT = (
    "{%- for message in messages -%}<|im_start|>{{ message.role }}\n"
    "{%- if message.content is string -%}{{ message.content }}"
    "{%- else -%}{%- for part in message.content -%}"
    "{%- if part.type == 'image' or 'image' in part -%}<|vision_start|><|image_pad|><|vision_end|>"
    "{%- elif 'text' in part -%}{{ part.text }}{%- endif -%}{%- endfor -%}{%- endif -%}<|im_end|>\n{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|im_start|>assistant\n"
    "{%- if enable_thinking is defined and not enable_thinking -%}<think>\n\n</think>\n\n{%- endif -%}{%- endif -%}"
)
_MISTRAL_CHAT = (
    "{{- bos_token -}}{%- for message in messages -%}[{{ message.role }}]"
    "{%- if message.content is string -%}{{ message.content }}"
    "{%- else -%}{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}[IMG]{%- else -%}{{ part.text }}{%- endif -%}{%- endfor -%}{%- endif -%}"
    "{%- endfor -%}"
)


@functools.cache
def letters() -> tuple[str, ...]:
    """What byte-level tokenizers write the 256 bytes as."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return tuple(bytes_to_unicode().values())


def clip_tokenizer() -> Any:
    """CLIP's, of 514 tokens; texts have 24."""
    return _tokenizer()


def qwen_tokenizer() -> Any:
    """Qwen's, which has a chat template; :func:`qwen_ids` has the numbers of its special tokens."""
    from transformers import Qwen2Tokenizer

    tokenizer = Qwen2Tokenizer(
        vocab={name: number for number, name in enumerate([*letters(), "<|endoftext|>"])},
        merges=[],
        model_max_length=131072,
    )
    tokenizer.add_special_tokens({"additional_special_tokens": list(QWEN_SPECIAL)})
    tokenizer.chat_template = _CHAT
    return tokenizer


def qwen_ids() -> dict[str, int]:
    """The special tokens by their names, as a model's configuration has them."""
    return {name: 257 + number for number, name in enumerate(QWEN_SPECIAL)}


QWEN_VOCABULARY = 257 + len(QWEN_SPECIAL)


def t5_tokenizer() -> Any:
    """T5's, with the letters of English."""
    from transformers import T5Tokenizer

    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    signs = [(letter, -2.0) for letter in ["▁", *string.ascii_letters, *string.digits, *string.punctuation]]
    return T5Tokenizer(vocab=special + signs, extra_ids=0, model_max_length=512)


T5_VOCABULARY = 128
"""At least as many as the tokenizer has."""


def mistral_tokenizer() -> Any:
    """Mistral's, as Flux 2 has it."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from transformers import PreTrainedTokenizerFast

    special = ["<unk>", "<s>", "</s>", "<pad>", "[IMG]", "[IMG_BREAK]", "[IMG_END]"]
    backend = Tokenizer(BPE(vocab={name: number for number, name in enumerate([*special, *letters()])}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        additional_special_tokens=special[4:],
        padding_side="left",
        chat_template=_MISTRAL_CHAT,
    )


MISTRAL_VOCABULARY = 263
