"""What a trial is set up with: recorded with it, so that it can be decided again."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from shared import sectors
from shared.body import Body
from shared.fields import (
    MAX_WORD_CHARS,
    NO_CONTROLS,
    WHOLE,
    Count,
    Details,
    Flag,
    Fraction,
    GridSize,
    Guidance,
    MessageId,
    Milliseconds,
    Prompt,
    Sector,
    Seed,
    Sha256,
    Steps,
    Strength,
    WaitMs,
    bounded,
)
from shared.frame import SessionStamp

DECISION_VERSION = 1
"""Raised with each change of detectors or decision after which the same inputs may give other outcomes."""
DWELL_MS = 800.0
DEADLINE_MS = 50.0
"""After its detection a blink goes on for longer than this in 93 of 100 cases, and a saccade's end and the 60 ms after
it are not over (Loschky and Wolverton, ACM TOMM 3(4), 2007)."""
DARK_MS = 250.0
"""A blackout hides the view for about as long as a blink does."""
AFTER_DARK_MS = 150.0
"""A picture that is exchanged at the end of a blackout may be late by so much: it comes with the light."""
AT_ONCE_MS = 1000.0
NEAR = 0.04
"""So close to a sector one sees what changes in it, as a share of the picture's width or height. On a picture 50 cm
wide, 60 cm away, it is about two degrees of visual angle: what is seen sharply, and what a tracker is off by."""
MAX_PROMPTS = 1000
MAX_LISTED = 10_000
MAX_FIELDS_CHARS = 16 * 1024

PositiveMs = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=600_000)]
Pixels = Annotated[int, Field(strict=True, ge=1, le=100_000), WHOLE]
Metres = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0.001, le=100)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_WORD_CHARS, pattern=NO_CONTROLS)]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
"""Of a participant: a code, never a name."""


class ScreenSize(Body):
    """The screen that degrees are worked out from."""

    px: tuple[Pixels, Pixels]
    m: tuple[Metres, Metres]
    distance_m: Metres
    is_assumed: Flag = False


class Policy(Body):
    """When a change is asked for, and of what. ``name`` says which sector is chosen.

    Attributes:
        name: ``opposite`` (the sector across the centre, or another one where that is looked at), ``farthest`` (from
            the gaze), ``random`` (drawn from the seed), ``listed`` (``targets``, one after another, round and round).
        ask: ``dwell`` (the gaze stays in one sector for ``dwell_ms``, at least 100) or ``fixation`` (a fixation goes on
            for ``dwell_ms``, which may be 0: as soon as it is detected).
        when_looked_at: what becomes of a change that is being made, or waits, where the viewer looks now: ``hold`` (it
            waits until they look away) or ``choose`` (another is asked for; where one waits, only after
            ``outwaited_ms``).
        near: so close to a sector it counts as looked at, as a share of the picture.
        again_ms: so long after a change, or a refusal, nothing is asked for.
        ahead: how many changes are kept ready, of different sectors, for a display that takes sectors: one of them is
            shown at a trigger, wherever the gaze rests. 0: one is asked for when the gaze has rested, as it is for
            other displays.
    """

    name: Name = "opposite"
    ask: Literal["dwell", "fixation"] = "dwell"
    dwell_ms: Milliseconds = DWELL_MS
    targets: Annotated[tuple[Sector, ...], Field(max_length=MAX_LISTED)] = ()
    when_looked_at: Literal["choose", "hold"] = "choose"
    outwaited_ms: Milliseconds = 5000.0
    near: Fraction = NEAR
    again_ms: Milliseconds = 0.0
    ahead: Annotated[int, Field(strict=True, ge=0, le=9), WHOLE] = 4


class Trigger(Body):
    """When a picture that is ready may be shown.

    Attributes:
        name: ``blink``, ``saccade``, ``key``, ``blackout`` or ``at_once``.
        deadline_ms: by when it must be on the screen, after the trigger was detected. None: 50 for a blink or saccade,
            400 where the view is dark (250 of it dark), 1000 for ``at_once``.
        saccade_deg_s: the speed at which a saccade is fast enough to trigger.
        interval_s: mean time from one blackout to the next.
        keys: the keys of ``key``; empty: any.
    """

    name: Name = "blink"
    deadline_ms: PositiveMs | None = None
    saccade_deg_s: Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=2000)] = 100.0
    interval_s: Annotated[float, Field(strict=True, allow_inf_nan=False, ge=1.5, le=600)] = 60 / 17
    keys: Annotated[tuple[Name, ...], Field(max_length=100)] = ()

    @property
    def is_dark(self) -> bool:
        """Whether the display goes dark around the change."""
        return self.name in ("key", "blackout")

    @property
    def within_ns(self) -> int:
        """Nanoseconds from the trigger's detection to its deadline."""
        if self.deadline_ms is not None:
            return round(self.deadline_ms * 1e6)
        usual = DARK_MS + AFTER_DARK_MS if self.is_dark else AT_ONCE_MS if self.name == "at_once" else DEADLINE_MS
        return round(usual * 1e6)


class TrialPrompts(Body):
    """What to ask the model for, by sector; each goes round its list."""

    default: Annotated[tuple[Prompt, ...], Field(max_length=MAX_PROMPTS)] = ()
    sectors: dict[Sector, Annotated[tuple[Prompt, ...], Field(max_length=MAX_PROMPTS)]] = Field(default_factory=dict)

    def of(self, sector: str) -> tuple[str, ...]:
        """The list of a sector; empty where there is none."""
        return self.sectors.get(sector) or self.default  # type: ignore[call-overload]


class ModelOptions(Body):
    """What each request asks of the model beside its prompt."""

    negative_prompt: Prompt | None = None
    steps: Steps | None = None
    guidance_scale: Guidance | None = None
    strength: Strength | None = None
    timeout_ms: WaitMs = 120_000.0


class TrialConfig(Body):
    """All that a trial's outcomes depend on beside its inputs.

    Attributes:
        trial_id: of this trial alone.
        session: the one it is recorded in; None for a trial that is not recorded.
        picture_sha256: of the picture that it begins with.
        seed: of every draw.
        catch_rate: share of changes at which the trigger fires and nothing is changed, by the seed.
        sham_rate: share at which the same picture is drawn again.
        view: name of the view that displays show it in.
        fields: what the experimenter says of the trial.
        detectors: the detectors' parameters, as :class:`shared.gaze.detectors.parameters.DetectorParameters` has them.
    """

    trial_id: MessageId
    decision_version: Count = DECISION_VERSION
    session: SessionStamp | None = None
    picture_sha256: Sha256
    grid_size: GridSize = 3
    policy: Policy = Policy()
    trigger: Trigger = Trigger()
    prompts: TrialPrompts = TrialPrompts()
    model: ModelOptions = ModelOptions()
    seed: Seed = 0
    catch_rate: Fraction = 0.0
    sham_rate: Fraction = 0.0
    view: Name = "default"
    participant: Code | None = None
    fields: Annotated[dict[str, Any], bounded(MAX_FIELDS_CHARS)] = Field(default_factory=dict)
    screen: ScreenSize
    source: Name = "page"
    detectors: Details = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        if self.catch_rate + self.sham_rate > 1:
            raise ValueError("catch_rate and sham_rate are shares of all changes: together at most 1")
        if strange := [name for name in self.policy.targets if name not in sectors.names(self.grid_size)]:
            raise ValueError(f"a grid of {self.grid_size} has no sector {strange[0]}")
        if self.policy.name == "listed" and not self.policy.targets:
            raise ValueError("the policy 'listed' needs targets, a list of sectors")
        return self
