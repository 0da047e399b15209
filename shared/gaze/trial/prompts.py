"""What to ask the model for next, sector by sector: each goes round its list."""

from __future__ import annotations

from collections import Counter

from shared.gaze.trial.config import TrialPrompts


class PromptLists:
    """Where each sector's list has come to."""

    def __init__(self, prompts: TrialPrompts) -> None:
        self._lists = prompts
        self._used: Counter[str] = Counter()

    def next_of(self, sector: str) -> str:
        """The next of a sector's list; without a list the model draws what it likes."""
        prompts = self._lists.of(sector)
        return prompts[self._used[sector] % len(prompts)] if prompts else ""

    def use(self, sector: str) -> None:
        """The list of a sector goes on: its next prompt is used."""
        self._used[sector] += 1
