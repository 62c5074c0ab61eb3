"""Learns from examples which need each trait of a message speaks for, so that every need gets a probability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flows.understanding.ngrams import Floats, Places, Row

BATCH, STEP, EVEN = 64, 0.5, 1e-3
"""Examples a step, how far a step goes, and what keeps the first steps from jumping (AdaGrad)."""


class Batch(NamedTuple):
    """Some examples: the places they touch, their values there, and which need each is (a row an example)."""

    places: Places
    values: Floats
    truth: Floats


class Weights(NamedTuple):
    """What was learnt: (traits × needs, kept in half the bytes) and what each need weighs by itself."""

    traits: npt.NDArray[np.float16]
    alone: Floats

    def probabilities(self, row: Row) -> Floats:
        """The probability of each need; without one known trait, how common each need's examples are."""
        chances: Floats = _softmax(self.odds(row)[None, :])[0]
        return chances

    def odds(self, row: Row) -> Floats:
        """What speaks for each need, as log-odds before they are made to sum to one."""
        odds: Floats = row.values @ self.traits[row.places].astype(np.float32) + self.alone
        return odds


def fit(rows: Sequence[Row], needs: Sequence[int], traits: int, kinds: int, rounds: int) -> Weights:
    """Multinomial logistic regression by AdaGrad in a fixed order: the same rows give the same weights.

    `needs`: each row's need, 0 … `kinds` - 1.
    """
    weights, alone = np.zeros((traits, kinds), np.float32), np.zeros(kinds, np.float32)
    travelled = np.full((traits, kinds), EVEN, np.float32)
    order = np.random.default_rng(0).permutation(len(rows))
    chunks = [order[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    batches = [_batch([rows[at] for at in chunk], [needs[at] for at in chunk], kinds) for chunk in chunks]
    for _ in range(rounds):
        for places, values, truth in batches:
            here = weights[places]
            error = _softmax(values @ here + alone) - truth
            slope = values.T @ error
            far = travelled[places] + slope * slope
            travelled[places] = far
            weights[places] = here - STEP * slope / np.sqrt(far)
            alone -= 0.05 * STEP * error.mean(0)
    return Weights(weights.astype(np.float16), alone)


def _batch(rows: Sequence[Row], needs: Sequence[int], kinds: int) -> Batch:
    places, local = np.unique(np.concatenate([row.places for row in rows]), return_inverse=True)
    values = np.zeros((len(rows), len(places)), np.float32)
    values[np.repeat(np.arange(len(rows)), [len(row.places) for row in rows]), local] = np.concatenate(
        [row.values for row in rows]
    )
    truth = np.zeros((len(rows), kinds), np.float32)
    truth[np.arange(len(rows)), list(needs)] = 1
    return Batch(places, values, truth)


def _softmax(logits: Floats) -> Floats:
    raised = np.exp(logits - logits.max(1, keepdims=True))
    result: Floats = raised / raised.sum(1, keepdims=True)
    return result
