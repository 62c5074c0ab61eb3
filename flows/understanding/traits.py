"""Turns a message into the traits a learner can weigh: its ideas, who does what to whom, its words and their letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flows.understanding.age import is_minor
from flows.understanding.concepts import Concepts, Phrases, Token, elements
from flows.understanding.linear import Row, place

NEAR = 7
"""Two ideas this many words apart still belong together."""

WORD, PAIR, LETTERS, IDEA, IDEAS, SCENE = 1.0, 0.6, 0.25, 1.0, 0.7, 1.5
"""How much a trait of each sort counts; ideas travel to other writers' words better than letters do."""


class Traits:
    """Reads messages by a lexicon of ideas, harmless idioms, and scenes (ideas in an order that means one danger)."""

    def __init__(self, lexicon: Mapping[str, Any], idioms: Sequence[str], scenes: Mapping[str, Sequence[str]],
                 ordinary: Sequence[str] = ()) -> None:
        self.concepts = Concepts(lexicon, ordinary)
        self._idioms = Phrases((elements(idiom), "idiom") for idiom in idioms)
        self._scenes = Phrases((elements(scene), kind) for kind, lines in scenes.items() for scene in lines)

    def tokens(self, text: str) -> list[Token]:
        """The words of a text, with idioms folded into one word and phrases' ideas laid on their words."""
        tokens = self.concepts.read(text)
        for _, start, end in reversed(self._idioms.find(tokens)):
            tokens[start:end] = [Token("idiom", frozenset(("idiom",)))]
        for idea, start, _ in self.concepts.phrases.find(tokens):
            token = tokens[start]
            tokens[start] = Token(token.key, token.ideas | {idea})
        return tokens

    def scenes(self, tokens: Sequence[Token]) -> list[str]:
        """The kinds of danger whose scenes are present."""
        return [kind for kind, _, _ in self._scenes.find(tokens)]

    def row(self, tokens: Sequence[Token], text: str = "") -> Row:
        """The traits' places and values."""
        traits: dict[str, float] = {}
        before = "^"
        for token in tokens:
            sound = token.key if not token.key.isdecimal() else "#"
            traits[f"w {sound}"] = WORD
            traits[f"b {before} {sound}"] = PAIR
            before = sound
            inside = f"^{sound}$"
            for width in (3, 4, 5):
                for at in range(len(inside) - width + 1):
                    traits[inside[at : at + width]] = LETTERS
        traits[f"b {before} $"] = PAIR
        for at, token in enumerate(tokens):
            for idea in token.ideas:
                traits[f"i {idea}"] = IDEA
                for later in tokens[at + 1 : at + NEAR]:
                    for other in later.ideas:
                        traits[f"j {idea} {other}"] = IDEAS
        for kind in self.scenes(tokens):
            traits[f"s {kind}"] = SCENE
            traits["s"] = SCENE
        if text and is_minor(text):
            traits["i is_minor"] = 3.0
        return [place(trait) for trait in traits], list(traits.values())
