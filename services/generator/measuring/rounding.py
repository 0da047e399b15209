"""Numbers as they stand in notes."""

from __future__ import annotations

_SIGNIFICANT_DIGITS = 4


def rounded(value: float) -> float:
    """To four significant digits: short in JSON, and the same where another processor's last bits differ."""
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")
