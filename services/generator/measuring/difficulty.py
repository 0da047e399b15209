"""How hard a change should be to see: ingredients that papers found to bear on it, and one number of ours.

None of the papers' own programs or constants are here, and no figure of theirs is claimed: each function computes an
analogue of a paper's ingredient from the measures of this package. How far the analogue carries is for a study to find
out, which has its viewers' detections beside these numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

_HALF_MAGNITUDE = 1.0
"""Magnitude that counts as half of all change: a CIEDE2000 of 10 on a hundredth of the picture."""
_ORDINARY = 8.0
"""Makes a change of this magnitude half difficult where saliency is 0.5, and complexity 0.5 in the picture and around
the change."""


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What is measured of a change.

    Attributes:
        magnitude: root mean square over the whole picture of the visible part of CIEDE2000 (``differences.py``); for
            an even change, its visible part times the root of its area.
        complexity: of the picture before, 0 to below 1.
        clutter: the same of the surroundings of the change.
        saliency_before: percentile of the changed place, above 0 and below 1.
        saliency_after: the same in the changed picture.
    """

    magnitude: float
    complexity: float
    clutter: float
    saliency_before: float
    saliency_after: float

    @property
    def context_saliency(self) -> float:
        """Saliency of the place in whichever picture it is larger, less where its surroundings are cluttered."""
        return max(self.saliency_before, self.saliency_after) * (1 - self.clutter)

    @property
    def ma_2013(self) -> float:
        """Saliency of the place in its context, times the amount of change: 0 (missed) to 1 (seen).

        After L.-Q. Ma, K. Xu, T.-T. Wong, B.-Y. Jiang, S.-M. Hu, "Change blindness images", IEEE TVCG 19(11), 2013.
        Their model has a context-dependent saliency, which takes the complexity of the background into account, and a
        measure of the amount of change. Neither their saliency nor their measure of change nor any weight is used.
        """
        return self.context_saliency * self.magnitude / (self.magnitude + _HALF_MAGNITUDE)

    @property
    def le_moan_2019(self) -> dict[str, float]:
        """Two of the three features of S. Le Moan, M. Pedersen, "A three-feature model to predict colour change
        blindness", Vision 3(4):61, 2019: complexity of the picture and magnitude of the change. The third, the
        observer's experience, is the study's to add. Their definitions of the features and their regression, which
        is of cartoons and seconds, are not used."""
        return {"complexity": self.complexity, "magnitude": self.magnitude}

    @property
    def verma_2010(self) -> float:
        """Saliency of the place after, as a multiple of that before: 1 where they are balanced.

        After M. Verma, P. W. McOwan, "A semi-automated approach to balancing of bottom-up salience for predicting
        change detection performance", Journal of Vision 10(6):3, 2010, who balance the salience of original and
        changed picture. Theirs is a global value of peaks in feature contrast maps; this one is of the changed place.
        """
        return self.saliency_after / self.saliency_before

    @property
    def difficulty(self) -> float:
        """From 0, seen at once, to 1, very hard, and 1 where nothing has changed.

        ``1 / (1 + evidence)``, evidence being the product of the magnitude, the saliency in context, what the picture's
        complexity leaves (``1 - complexity``), and ``1 + |r - 1| / (r + 1)`` of the saliency ratio ``r``. So it falls
        as magnitude, saliency and imbalance grow, and rises with complexity and clutter. The form and its constants are
        ours and fitted to no data: it orders stimuli, and foretells no time and no share of viewers. Where the viewer
        looks is not in it: see :mod:`~services.generator.measuring.eccentricity`.
        """
        ratio = self.verma_2010
        imbalance = abs(ratio - 1) / (ratio + 1)
        amount = self.magnitude / _HALF_MAGNITUDE
        evidence = _ORDINARY * amount * self.context_saliency * (1 - self.complexity) * (1 + imbalance)
        return 1 / (1 + evidence)
