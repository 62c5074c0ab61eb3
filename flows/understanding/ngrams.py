"""Turns a message into what can be weighed in it: its words and pairs of words, their letters, the ideas behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import log, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from flows.understanding.concepts import Concepts

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

SHORTEST, LONGEST = 2, 5
"""Letters in a run; runs keep a word understood when its ending or its spelling is new."""

WEIGHED = (1.0, 0.6, 1.0)
"""How much the words, the letters and the ideas of a message count; letters travel least well to another writer."""

SEEN_TWICE = 2
"""Runs of letters and pairs seen in one example only say more about its writer than about the need."""


class Row(NamedTuple):
    """A message as places in the weights and how much each counts."""

    places: Places
    values: Floats


class Traits(NamedTuple):
    """The three views of a message; each counts the same however long the message (see `WEIGHED`)."""

    words: list[str]
    letters: list[str]
    ideas: list[str]


class Ngrams:
    """Reads messages by a thesaurus of ideas, and knows how telling each trait is (TF-IDF)."""

    def __init__(self, concepts: Concepts, examples: Iterable[str]) -> None:
        """`concepts`: the thesaurus, learnt; `examples`: messages whose traits become known."""
        self._concepts = concepts
        read = [self.traits(text) for text in examples]
        seen: Counter[str] = Counter()
        for traits in read:
            for view in traits:
                seen.update(view)
        kept = [trait for trait, times in seen.items() if times >= SEEN_TWICE or _alone(trait)]
        self._place = {trait: place for place, trait in enumerate(kept)}
        self._rare = log(1 + len(read)) + 1
        self._telling = [self._rare - log(1 + seen[trait]) for trait in kept]
        self.rows = [self._row(traits) for traits in read]
        """The examples, in order."""

    def __len__(self) -> int:
        return len(self._place)

    def row(self, text: str) -> Row:
        """The known traits of a text; what is unknown in it makes the known count less."""
        return self._row(self.traits(text))

    def traits(self, text: str) -> Traits:
        """Words and pairs by their sound, runs of letters ("#^tra"), ideas and pairs of ideas ("=work", "=bus=home")."""
        tokens = self._concepts.read(text)
        ideas = {idea for token in tokens for idea in token.ideas}
        ideas.update(idea for idea, _, _ in self._concepts.phrases.find(tokens))
        sounds = ["0" if token.key.isdecimal() and len(token.key) != 4 else token.key for token in tokens if token.key]
        words = dict.fromkeys(sounds) | dict.fromkeys(map(" ".join, zip(sounds, sounds[1:], strict=False)))
        letters: dict[str, None] = {}
        for sound in set(sounds):
            letters.update(_runs(sound))
        told = sorted(ideas)
        pairs = [f"={one}={other}" for at, one in enumerate(told) for other in told[at + 1 :]]
        return Traits(list(words), sorted(letters), [f"={idea}" for idea in told] + pairs)

    def _row(self, traits: Traits) -> Row:
        places: list[int] = []
        values: list[float] = []
        for view, counts in zip(traits, WEIGHED, strict=True):
            found = [place for trait in view if (place := self._place.get(trait)) is not None]
            telling = [self._telling[place] for place in found]
            unknown = sum(_alone(trait) and trait not in self._place for trait in view)
            norm = sqrt(sum(weight * weight for weight in telling) + unknown * self._rare**2)
            places += found
            values += [counts * weight / norm for weight in telling]
        return Row(np.array(places, np.int64), np.array(values, np.float32))


def _alone(trait: str) -> bool:
    """Whether a trait is one word or one idea, not a run of letters or a pair."""
    return trait[0] != "#" and " " not in trait and trait.count("=") < 2


def _runs(sound: str) -> dict[str, None]:
    inside = f"^{sound}$"
    return {
        f"#{inside[at : at + width]}": None
        for width in range(SHORTEST, LONGEST + 1)
        for at in range(len(inside) - width + 1)
    }
