"""How much a job offer reads like the false ones we know, when no single rule gives it away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import sqrt

import numpy as np

from flows.understanding.linear import fit

SEEN_OFTEN = 3
"""In how many examples a word must stand before it counts."""

LENGTH = 3.0
"""Every offer weighs the same, long or short: its marks are scaled to this length."""

CAUTION = 0.5
"""How much the weights are held back (L2); small sets learn by heart without it."""

ROUNDS = 150

Offer = tuple[Sequence[str], Iterable[str]]
"""The words of an offer by sound, and its signs."""


class Likeness:
    """A weight for every word, pair of words and sign of the examples; logistic regression, no randomness."""

    def __init__(self, weights: dict[str, float], bias: float, pairs: bool = True) -> None:
        self._weights = weights
        self._bias = bias
        self._pairs = pairs

    @classmethod
    def learn(
        cls, offers: Sequence[Offer], false: Sequence[bool], pairs: bool = True, rounds: int = ROUNDS
    ) -> Likeness:
        """`false` says which offers are; with no examples every offer is unlike. Some 0.2 s for 600 offers.

        `pairs`: whether two words side by side count as a mark of their own.
        """
        marked = [_marks(offer, pairs) for offer in offers]
        often = Counter(mark for marks in marked for mark in marks)
        known = {mark: i for i, mark in enumerate(sorted(m for m, n in often.items() if n >= SEEN_OFTEN))}
        if not known:
            return cls({}, -10.0, pairs)
        rows = []
        for marks in marked:
            at = [known[mark] for mark in marks if mark in known]
            rows.append((at, [LENGTH / sqrt(max(1, len(at)))] * len(at)))
        count = len(rows)
        truth, alike = np.array(false, np.float32), np.ones(count, np.float32)
        weights = fit(rows, truth, alike, CAUTION / count, rounds, len(known))
        return cls({mark: float(weights[i]) for mark, i in known.items()}, float(weights[-1]), pairs)

    def of(self, offer: Offer) -> float:
        """Log-odds that the offer is false: 0 is even, 2 is about seven to one."""
        found = [self._weights[mark] for mark in _marks(offer, self._pairs) if mark in self._weights]
        return self._bias + LENGTH * sum(found) / sqrt(max(1, len(found)))


def _marks(offer: Offer, pairs: bool) -> set[str]:
    words, signs = offer
    side_by_side = (f"{a} {b}" for a, b in pairwise(words)) if pairs else ()
    return {*words, *side_by_side, *(f"={sign}" for sign in signs)}
