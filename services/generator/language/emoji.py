"""Emoji as words: by their names in Unicode, but where those mislead."""

from __future__ import annotations

import re
import unicodedata

from services.generator.language.words import by_word

_NAMES = by_word(
    "heart: ❤ ♥; star: ⭐ 🌟; sun: ☀ 🌞; umbrella: ☂ ☔ ⛱; cup: ☕ 🍵; gift: 🎁; house: 🏠 🏡; "
    "snowman: ⛄ ☃; shell: 🐚; lantern: 🏮; daisy: 🌼; tree: 🌳; whale: 🐳; car: 🚗; maple leaf: 🍁; "
    "moon: 🌛 🌜 🌝 🌕; cherry blossom: 🌸; bell: 🔔; airplane: ✈; red apple: 🍎; green apple: 🍏"
)
_PLAIN = re.compile(r"\b(face|symbol|sign|emoji|black|white|heavy|medium|small)\b|\bwith .*")
_MARKS = re.compile("[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]")
"""Joiners, choices between text and picture, skin colours."""
_EMOJI_START, _EMOJI_END = "\ue000", "\ue001"
_UNMARKED = str.maketrans(_EMOJI_START + _EMOJI_END, "  ")
_ROW = re.compile(f"{_EMOJI_END}(\\s*){_EMOJI_START}")
"""One emoji right behind another: two things, not one of two words."""
_DECORATION = re.compile(
    "[\u2700-\u2763\u2795-\u27bf\U0001f300-\U0001f303\U0001f440-\U0001f450\U0001f600-\U0001f64f✨💫🎨🖼]"
)
"""Faces, gestures and ornaments beside a sentence: they ask for nothing."""


def spelt_out(text: str) -> str:
    """The text with each emoji as the words for what it shows, one that follows another apart from it."""
    if text.isascii():
        return text
    return _ROW.sub(r"\1, ", "".join(_spelt(letter) for letter in _MARKS.sub("", text))).translate(_UNMARKED)


def _spelt(letter: str) -> str:
    if letter in _NAMES:
        return f"{_EMOJI_START} {_NAMES[letter]} {_EMOJI_END}"
    if _DECORATION.match(letter):
        return " "
    if unicodedata.category(letter) != "So":
        return letter
    name = unicodedata.name(letter, "").lower().replace("-", " ")
    return f"{_EMOJI_START} {_PLAIN.sub('', name).strip()} {_EMOJI_END}"
