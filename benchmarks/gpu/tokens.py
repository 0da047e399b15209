"""Tokenizers made in code: a token a letter. Texts are filled up to the length that the real ones have, so that what
encodes them works as long as with a real vocabulary."""

from __future__ import annotations

import string
from pathlib import Path

CLIP_TOKENS = 77
T5_TOKENS = 512
CLIP_BEGINS, CLIP_ENDS = 512, 513
"""Numbers of the tokens that begin and end a text: behind 256 letters, each with and without a word's end."""
CLIP_LETTERS = 514
T5_LETTERS = 128
"""At least as many tokens as there are."""


def save_clip(folder: Path) -> None:
    """CLIP's byte-level tokenizer with no merges."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    names = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {name: number for number, name in enumerate(names)}
    CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=CLIP_TOKENS).save_pretrained(folder)


def save_t5(folder: Path) -> None:
    """T5's, with the letters of English."""
    from transformers import T5Tokenizer

    special = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    signs = [(letter, -2.0) for letter in ["▁", *string.ascii_letters, *string.digits, *string.punctuation]]
    T5Tokenizer(vocab=special + signs, extra_ids=0, model_max_length=T5_TOKENS).save_pretrained(folder)
