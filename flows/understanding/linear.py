"""Learns from labelled messages which traits of a text speak for a class, by logistic regression on hashed traits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Row = tuple[list[int], list[float]]
"""One text: the places of its traits in the weights, and how much each counts."""

SIZE = 1 << 17
"""Places for traits; with about 60,000 different ones, few share a place."""


RARE = 4.0
"""What the logarithm of a trait's rarity is divided by, so that an ordinary rare trait counts about once."""


def place(trait: str, size: int = SIZE) -> int:
    """Where a trait's weight stands; the same in every process and on every machine."""
    return crc32(trait.encode()) & (size - 1)


class Table(NamedTuple):
    """Many rows, laid end to end: which used place each trait has, how much it counts, and where each row begins."""

    used: npt.NDArray[np.int64]
    local: npt.NDArray[np.int64]
    value: Doubles
    starts: npt.NDArray[np.int64]
    row_of: npt.NDArray[np.int64]
    telling: Doubles


def table(rows: Sequence[Row], size: int = SIZE, rarity: bool = False) -> Table:
    """The rows made ready for `learn`; none may be empty. `rarity`: rare traits count more (inverse row frequency)."""
    lengths = np.array([len(places) for places, _ in rows])
    total = int(lengths.sum())
    at = np.fromiter(chain.from_iterable(places for places, _ in rows), np.int64, total)
    value = np.fromiter(chain.from_iterable(values for _, values in rows), np.float64, total)
    counts = np.bincount(at, minlength=size)
    used = np.flatnonzero(counts)
    where = np.zeros(size, np.int64)
    where[used] = np.arange(len(used))
    local = where[at]
    telling = np.log((len(rows) + 1) / (counts[used] + 1)) / RARE if rarity else np.ones(len(used))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return Table(used, local, value * telling[local], starts, np.repeat(np.arange(len(rows)), lengths), telling)


def fit(
    rows: Sequence[Row], targets: Floats, importance: Floats, ridge: float, rounds: int, size: int = SIZE
) -> Floats:
    """`learn` from rows, each with its `importance`."""
    return learn(table(rows, size), targets, ridge, rounds, size, importance)


def learn(
    told: Table, targets: Floats, ridge: float, rounds: int, size: int = SIZE, importance: Floats | None = None
) -> Floats:
    """Weights (size + 1, the last is the bias) for P(target) by L-BFGS; `targets` in 0…1, `importance` per row.

    Deterministic: no random start, fixed rounds. The weights are for traits as they are given, not for their rarity.
    """
    _, local, value, starts, row_of, _ = told
    each = np.ones(len(targets)) if importance is None else importance.astype(np.float64)
    each /= each.sum()

    def loss(weights: Doubles) -> tuple[float, Doubles]:
        logit = np.add.reduceat(weights[local] * value, starts) + weights[-1]
        soft = np.logaddexp(0.0, logit)
        cost = float((each * (soft - targets * logit)).sum())
        error = each * (1.0 / (1.0 + np.exp(-logit)) - targets)
        slope = np.empty_like(weights)
        slope[:-1] = (
            np.bincount(local, weights=value * error[row_of], minlength=len(told.used)) + ridge * weights[:-1]
        )
        slope[-1] = error.sum()
        return cost + 0.5 * ridge * float(weights[:-1] @ weights[:-1]), slope

    best = _descend(loss, np.zeros(len(told.used) + 1), rounds)
    weights = np.zeros(size + 1, np.float32)
    weights[told.used] = best[:-1] * told.telling
    weights[-1] = best[-1]
    return weights


def _descend(loss: Callable[[Doubles], tuple[float, Doubles]], weights: Doubles, rounds: int) -> Doubles:
    """L-BFGS with eight memories and backtracking."""
    cost, slope = loss(weights)
    memory: list[tuple[Doubles, Doubles, float]] = []
    for _ in range(rounds):
        way = slope.copy()
        alphas = []
        for step, change, rho in reversed(memory):
            alpha = rho * float(step @ way)
            way -= alpha * change
            alphas.append(alpha)
        if memory:
            step, change, rho = memory[-1]
            way *= 1.0 / (rho * float(change @ change))
        for (step, change, rho), alpha in zip(memory, reversed(alphas), strict=True):
            way += step * (alpha - rho * float(change @ way))
        size = 1.0
        while True:
            ahead = weights - size * way
            new_cost, new_slope = loss(ahead)
            if new_cost <= cost - 1e-4 * size * float(slope @ way) or size < 1e-6:
                break
            size *= 0.5
        step, change = ahead - weights, new_slope - slope
        weights, cost, slope = ahead, new_cost, new_slope
        curve = float(step @ change)
        if curve > 1e-12:
            memory = [*memory[-7:], (step, change, 1.0 / curve)]
        if float(np.abs(slope).max()) < 1e-6:
            break
    return weights
