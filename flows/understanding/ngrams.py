"""Turns a message into what can be weighed in it: its words, their letters and the ideas behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import pairwise
from math import log, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flows.understanding.concepts import Concepts
from flows.understanding.normalise import MATCHED
from flows.understanding.phrases import Token

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

SHORTEST, LONGEST = 3, 4
"""Letters in a run; runs keep a word understood when its ending or its spelling is new."""

WEIGHED = (1.0, 0.6, 1.0)
"""How much the words, the letters and the ideas of a message count; letters travel least well to another writer."""

OFTEN = 3
"""Runs of letters and pairs seen in fewer examples say more about their writers than about the need."""


WORD = 32
"""Letters of a word that are read; beyond, it is no word."""


class Row(NamedTuple):
    """A message as places in the weights and how much each counts."""

    places: Places
    values: Floats


class Traits(NamedTuple):
    """The three views of a message; each counts the same however long the message (see `WEIGHED`)."""

    words: list[str]
    letters: list[str]
    ideas: list[str]


def traits(concepts: Concepts, text: str) -> Traits:
    """Words and pairs by their sound, runs of letters ("#^tra"), ideas and pairs of ideas ("=work", "=bus=home")."""
    return told(concepts, concepts.read(" ".join(word[:WORD] for word in text[:MATCHED].split())))


def told(concepts: Concepts, tokens: Sequence[Token]) -> Traits:
    """The `traits` of a message already read into words."""
    ideas = {idea for token in tokens for idea in token.ideas}
    ideas.update(idea for idea, _, _ in concepts.phrases.find(tokens))
    sounds = [_figures(token.key) for token in tokens if token.key]
    words = dict.fromkeys([*sounds, *map(" ".join, pairwise(sounds))])
    letters: set[str] = set()
    for sound in sounds:
        letters |= _runs(sound)
    told = sorted(ideas)
    pairs = [f"={one}={other}" for at, one in enumerate(told) for other in told[at + 1 :]]
    return Traits([*words], sorted(letters), [f"={idea}" for idea in told] + pairs)


class Ngrams:
    """The traits that examples have shown, and how telling each is (TF-IDF)."""

    def __init__(self, examples: Collection[Traits]) -> None:
        seen = Counter(trait for example in examples for view in example for trait in view)
        kept = [trait for trait, times in seen.items() if times >= OFTEN or _alone(trait)]
        self._place = {trait: place for place, trait in enumerate(kept)}
        self._rare = log(1 + len(examples)) + 1
        self._telling = [self._rare - log(1 + seen[trait]) for trait in kept]

    def __len__(self) -> int:
        return len(self._place)

    def row(self, traits: Traits) -> Row:
        """The known traits of a text; what is unknown in it makes the known count less."""
        places: list[int] = []
        values: list[float] = []
        for view, counts in zip(traits, WEIGHED, strict=True):
            found, unknown = [], 0
            for trait in view:
                place = self._place.get(trait)
                if place is not None:
                    found.append(place)
                elif _alone(trait):
                    unknown += 1
            telling = [self._telling[place] for place in found]
            norm = sqrt(sum(weight * weight for weight in telling) + unknown * self._rare**2)
            places += found
            values += [counts * weight / norm for weight in telling]
        return Row(np.array(places, np.int64), np.array(values, np.float32))


def _alone(trait: str) -> bool:
    """Whether a trait is one word or one idea, not a run of letters or a pair."""
    return trait[0] != "#" and " " not in trait and trait.count("=") < 2


def _figures(sound: str) -> str:
    """A number as any number, unless it is as long as the short lines people know by heart (1572, 1555)."""
    return "0" if sound.isdecimal() and len(sound) != 4 else sound


def _runs(sound: str) -> set[str]:
    inside = f"^{sound}$"
    return {
        f"#{inside[at : at + width]}"
        for width in range(SHORTEST, LONGEST + 1)
        for at in range(len(inside) - width + 1)
    }
