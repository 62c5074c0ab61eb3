"""Turns a message into traits a learner can weigh: its ideas, who does what to whom, its words, their letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from typing import Any
from zlib import crc32

from flows.understanding.concepts import Concepts
from flows.understanding.linear import SIZE, Floats, Row
from flows.understanding.phrases import Phrases, Token, elements
from flows.understanding.typed import key

WORDS = 12
"""Words from which each trait counts less (see `breadth`)."""

NEAR = 7
"""Two ideas this many words apart still belong together."""

WORD, PAIR, LETTERS, IDEA, IDEAS, ACTS, SCENE = 1.0, 0.6, 0.35, 1.0, 0.7, 0.7, 1.5
"""How much a trait of each sort counts; ideas travel to other writers' words better than letters do."""

CALM = frozenset({"ask", "news", "past", "laugh", "pet", "job", "matter", "idiom"})
"""Ideas that may turn a scene of danger into a question, a story, a memory or a joke."""

UNSURE = CALM - {"job", "matter"}
"""Ideas beside which plain words of danger are weighed, not believed."""

MASK = SIZE - 1
IDIOM = Token("idiom", frozenset(("idiom",)))


class Traits:
    """Reads messages by a lexicon of ideas, harmless idioms, and scenes (ideas in an order that means one danger)."""

    def __init__(self, patterns: Mapping[str, Any], ordinary: Sequence[str] = ()) -> None:
        """`patterns`: the data of knowledge/danger; `ordinary`: words people use, which need no repair."""
        lexicon = patterns["concepts"]
        self.concepts = Concepts(lexicon, ordinary)
        self._order = {idea: at for at, idea in enumerate(lexicon)}
        ideas = [*lexicon, "to_me", "idiom", *(f"{idea}!" for idea in lexicon)]
        self._number = {idea: crc32(f"i {idea}".encode()) for idea in ideas}
        self._idioms = Phrases((elements(line), "idiom") for line in patterns["idioms"])
        self._scenes = Phrases((elements(line), kind) for kind, lines in patterns["scenes"].items() for line in lines)
        self._plain = Phrases((elements(line), "plain") for line in patterns["plain"])
        self._letters = {word: letters(word) for word in {key(word) for word in ordinary}}

    def tokens(self, text: str, met: dict[str, Sequence[Token]] | None = None) -> list[Token]:
        """The words of a text, with idioms folded into one word and phrases' ideas laid on their words.

        `met`: words read before, when parts of one text are read after the whole.
        """
        tokens = self.concepts.read(text, met)
        idioms = self._idioms.find(tokens)
        if idioms:
            for _, start, end in reversed(_apart(idioms)):
                tokens[start:end] = [IDIOM]
        for idea, start, _ in self.concepts.phrases.find(tokens):
            token = tokens[start]
            tokens[start] = Token(token.key, token.ideas | {idea, f"{idea}!"})
        return tokens

    def plain(self, tokens: Sequence[Token]) -> bool:
        """Whether danger is said in plain words, and nothing with it makes them a question, a story or a joke."""
        if not self._plain.find(tokens):
            return False
        return all(UNSURE.isdisjoint(token.ideas) for token in tokens)

    def scenes(self, tokens: Sequence[Token]) -> set[str]:
        """The kinds of danger whose scenes are present."""
        return {kind for kind, _, _ in self._scenes.find(tokens)}

    def stages(self, tokens: Sequence[Token]) -> set[tuple[int, int]]:
        """Where scenes of danger stand: their first word, and one past the last."""
        return {(first, end) for _, first, end in self._scenes.find(tokens)}

    def row(self, tokens: Sequence[Token]) -> Row:
        """Every trait's place and how much it counts, less in a long message."""
        places, values = self.meaning(tokens)
        for token in tokens:
            spelt = self._spelt(token.key)
            places += spelt
            values += [LETTERS] * len(spelt)
        share = breadth(tokens)
        return places, values if share == 1.0 else [value * share for value in values]

    def spelling(self, tokens: Iterable[Token], weights: Floats, known: Mapping[str, float]) -> float:
        """What the letters of the words weigh; `known`: sums worked out before (`spellings`)."""
        total = 0.0
        for token in tokens:
            here = known.get(token.key)
            total += LETTERS * float(weights[letters(token.key)].sum()) if here is None else here
        return total

    def spellings(self, weights: Floats) -> dict[str, float]:
        """What the letters of every ordinary word weigh."""
        return {word: LETTERS * float(weights[places].sum()) for word, places in self._letters.items()}

    def meaning(self, tokens: Sequence[Token]) -> Row:
        """The traits of words, ideas and scenes: their places (by arithmetic, which is fast) and values."""
        traits: dict[int, float] = {}
        number = self._number
        calm: set[str] = set()
        before, act, earlier = 1, 2, 3
        ideas: list[tuple[int, list[int]]] = []
        for at, token in enumerate(tokens):
            sound = crc32(token.key.encode()) if not token.key.isdecimal() else 4
            traits[sound & MASK] = WORD
            traits[(before * 31 + sound) & MASK] = PAIR
            before = sound
            here = []
            if token.ideas:
                foremost = min(token.ideas, key=self._rank)
                this = number[foremost]
                for idea in token.ideas:
                    mark = number[idea]
                    traits[mark & MASK] = IDEA
                    if idea in CALM:
                        calm.add(idea)
                    if idea[-1] != "!":
                        here.append(mark)
                        for _, marks in ideas:
                            for other in marks:
                                traits[(other * 131 + mark * 7) & MASK] = IDEAS
            else:
                this = sound
            traits[(act * 17 + this * 3) & MASK] = ACTS
            traits[(earlier * 1009 + act * 37 + this * 5) & MASK] = ACTS
            traits[(earlier * 41 + this * 11) & MASK] = ACTS
            earlier, act = act, this
            if here:
                ideas.append((at, here))
            if ideas and ideas[0][0] <= at + 1 - NEAR:
                del ideas[0]
        traits[(before * 31 + 5) & MASK] = PAIR
        traits[(act * 17 + 18) & MASK] = ACTS
        for kind in self.scenes(tokens):
            traits[6] = SCENE
            scene = crc32(kind.encode())
            traits[(scene * 3 + 1) & MASK] = SCENE
            for idea in calm:
                traits[(number[idea] * 5 + 7) & MASK] = SCENE
                traits[(scene * 19 + number[idea] * 23) & MASK] = SCENE
        return list(traits), list(traits.values())

    def outline(self, tokens: Sequence[Token], size: int) -> Row:
        """The fewer traits that tell one kind of danger from another: words, ideas and runs of letters."""
        traits: dict[int, float] = {}
        mask = size - 1
        before = 1
        for token in tokens:
            sound = crc32(token.key.encode())
            inside = f"^{token.key}$".encode()
            for width in (3, 4):
                for at in range(len(inside) - width + 1):
                    traits[crc32(inside[at : at + width]) & mask] = LETTERS
            traits[(before * 31 + sound) & mask] = PAIR
            traits[sound & mask] = WORD
            before = sound
            for idea in token.ideas:
                traits[self._number[idea] & mask] = SCENE
        return list(traits), list(traits.values())

    def _rank(self, idea: str) -> int:
        return self._order.get(idea, 99)

    def _spelt(self, word: str) -> list[int]:
        found = self._letters.get(word)
        return letters(word) if found is None else found


def breadth(tokens: Sequence[Token]) -> float:
    """How much each trait of a message counts: a long story says more of everything without meaning more by it."""
    return min(1.0, sqrt(WORDS / max(len(tokens), 1)))


def letters(word: str) -> list[int]:
    """The places of a word's runs of three to five letters."""
    inside = f"^{word}$".encode()
    return [crc32(inside[at : at + width]) & MASK for width in (3, 4, 5) for at in range(len(inside) - width + 1)]


def _apart(found: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int]]:
    """The finds that do not overlap an earlier one."""
    out: list[tuple[str, int, int]] = []
    for find in found:
        if not out or find[1] >= out[-1][2]:
            out.append(find)
    return out
