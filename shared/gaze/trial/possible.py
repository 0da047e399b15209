"""Whether a trial can be as it is set up."""

from __future__ import annotations

from shared.gaze.trial.config import DECISION_VERSION, TrialConfig
from shared.gaze.trial.course import Course
from shared.gaze.trial.policies.choosing import CHOOSERS
from shared.gaze.trial.policies.triggers import TRIGGERS


class ImpossibleTrial(ValueError):
    """A trial cannot be as it is set up; the message says why, and what there is."""


def check(config: TrialConfig) -> None:
    """See that a trial can be. Raises ImpossibleTrial: a policy, a trigger or a detectors' parameter that there is not,
    or a trial that was decided by another version."""
    if config.decision_version != DECISION_VERSION:
        raise ImpossibleTrial(
            f"it was decided by version {config.decision_version} of detectors and decision, and this is version "
            f"{DECISION_VERSION}: decide it again with the Parafovea that recorded it"
        )
    for what, name, known in (
        ("policy", config.policy.name, sorted(CHOOSERS)),
        ("trigger", config.trigger.name, sorted(TRIGGERS)),
    ):
        if name not in known:
            raise ImpossibleTrial(f"there is no {what} {name[:100]!r}; there are {', '.join(known)}")
    try:
        Course(config)
    except TypeError as error:
        raise ImpossibleTrial(f"the detectors' parameters cannot be used: {error}") from None
