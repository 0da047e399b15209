"""A whole request as a model with a closed vocabulary understands it: prompt, negative prompt and sector together."""

from __future__ import annotations

from dataclasses import replace

from services.generator.language.places import place_words, position
from services.generator.language.tokens import tokenize
from services.generator.language.vocabulary import Vocabulary
from services.generator.language.wishes import NOTHING_DRAWN, ResolvedPrompt
from shared import sectors
from shared.bus.requests.generator import Generate
from shared.errors import InvalidRequest
from shared.sectors import Region

MAX_NAMES = 100
"""Known objects that a refusal lists."""
MAX_REASON_CHARS = 600


def understand(
    vocabulary: Vocabulary, prompt: str, negative_prompt: str | None, region: Region, picture_size: tuple[int, int]
) -> ResolvedPrompt:
    """What to draw in a sector of a picture (width, height), with everything that is not done in its ``fallback``."""
    resolved = vocabulary.resolve(prompt)
    reasons = [resolved.fallback] if resolved.fallback else []
    if side := _other_side(prompt, region, *picture_size):
        reasons.append(f"the prompt says {side!r}, and the sector that is to change lies elsewhere")
    if negative_prompt and negative_prompt.strip():
        resolved, reason = _kept_out(vocabulary, resolved, negative_prompt)
        reasons += [reason] if reason else []
    fallback = "; ".join(reasons)
    if len(fallback) > MAX_REASON_CHARS:
        fallback = fallback[: MAX_REASON_CHARS - 1] + "…"
    return replace(resolved, fallback=fallback or None)


def refuse_what_is_not_done(vocabulary: Vocabulary | None, request: Generate, picture_size: tuple[int, int]) -> None:
    """For a request that is to be done as it was asked for, or not at all. A model that takes any text refuses none.
    Raises InvalidRequest: something of it would not be done; it says what, and names what the model knows."""
    if vocabulary is None:
        return
    region = sectors.region(request.target_sector, request.grid_size, *picture_size)
    reason = understand(vocabulary, request.prompt, request.negative_prompt, region, picture_size).fallback
    if reason is None:
        return
    names = list(vocabulary.objects)
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    raise InvalidRequest(
        f"prompt: strict is asked for, and not all of it would be done: {reason}. The model knows: "
        f"{', '.join(names[:MAX_NAMES])}{more}. GET /vocabulary has their other names, colours and sizes.",
        fields={"prompt": reason},
    )


def _other_side(prompt: str, region: Region, width: int, height: int) -> str | None:
    """The side that the prompt names, where the sector lies wholly in the other half."""
    words = tokenize(prompt)
    places = place_words(words)
    across, down = position([word if at in places else "" for at, word in enumerate(words)])
    wrong = {
        "left": across < 0 and 2 * region.left >= width - 1,
        "right": across > 0 and 2 * region.right <= width + 1,
        "top": down < 0 and 2 * region.top >= height - 1,
        "bottom": down > 0 and 2 * region.bottom <= height + 1,
    }
    return next((side for side, is_wrong in wrong.items() if is_wrong), None)


def _kept_out(
    vocabulary: Vocabulary, resolved: ResolvedPrompt, negative_prompt: str
) -> tuple[ResolvedPrompt, str | None]:
    """What is left of a wish when a negative prompt is heeded, and what of that is not heeded. One object is drawn, so
    any other that is named is kept out anyway."""
    named, unknown = vocabulary.mentioned(negative_prompt)
    if resolved.object is not None and resolved.object in named:
        if not resolved.by_name:
            nothing = ResolvedPrompt("", None, None, resolved.size, "any", 1, None)
            return nothing, f"negative_prompt keeps out the {resolved.object} that would stand in; {NOTHING_DRAWN}"
        return resolved, f"negative_prompt names the {resolved.object} that the prompt asks for"
    return resolved, f"negative_prompt has {unknown}, which the model does not know" if unknown else None
