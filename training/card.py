"""Writes measured figures into the model card, between two marks, so that no figure there is typed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

START, END = "<!-- figures: written by `python -m training.evaluate --card` -->", "<!-- end of figures -->"


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown tables."""
    judges: dict[str, Any] = figures["judges"]
    spread = figures["diversity"]

    def row(label: str, key: str) -> str:
        return f"| {label} | " + " | ".join(f"{100 * judge[key]:.1f} %" for judge in judges.values()) + " |"

    missed = [word for word in next(iter(judges.values()))["worst"] if not word.endswith(" 100%")]
    rows = [
        f"{figures['edits']} edits of the sample photographs (1024 x 1024, {figures['objects']} objects, "
        f"{figures['device']}, median {figures['seconds_median']} s an edit).",
        "",
        "| measure | " + " | ".join(f"{name} judge" for name in judges) + " |",
        "|---" * (len(judges) + 1) + "|",
        row("names the object asked for", "accuracy"),
        row("has it among its first three", "accuracy_of_three"),
        row("own error, drawings of a set it never saw", "error_on_kept_set"),
        row("own error, the model's training drawings themselves", "error_on_models_drawings"),
        "",
        "| measure | value |",
        "|---|---|",
        f"| edits in which nothing was drawn | {figures['nothing_drawn']} |",
        f"| pixels changed that are neither object nor shadow, all edits | {figures['strayed_pixels']} |",
        f"| distance between seeds of one prompt (layers, before pose and tint) | {spread['between_seeds']:.3f} |",
        f"| distance between the training drawings of one object | {spread['between_training_drawings']:.3f} |",
        f"| ratio of the two | {spread['ratio']:.2f} |",
        f"| distance between seeds that fell on the same manner | {spread['between_seeds_of_one_manner']} |",
        "",
        f"Most often missed by the {next(iter(judges))} judge: " + (", ".join(missed) or "none") + ".",
    ]
    return "\n".join(rows)


def fill(card: Path, figures: dict[str, Any]) -> None:
    """Replace what stands between the marks.

    Raises ``ValueError`` when the card has no marks.
    """
    text = card.read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{card} has no marks for the figures")
    card.write_text(f"{before}{START}\n\n{table(figures)}\n\n{END}{after}", encoding="utf-8")
