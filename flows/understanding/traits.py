"""Turns a message into the traits a learner can weigh: its ideas, who does what to whom, its words and their letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flows.understanding.concepts import Concepts, Phrases, Token, elements
from flows.understanding.linear import Row, place

NEAR = 7
"""Two ideas this many words apart still belong together."""

WORD, PAIR, LETTERS, IDEA, IDEAS, ACTS, SCENE = 1.0, 0.6, 0.35, 1.0, 0.7, 0.7, 1.5
"""How much a trait of each sort counts; ideas travel to other writers' words better than letters do."""


CALM = ("ask", "news", "past", "laugh", "pet", "job", "idiom")
"""Ideas that may turn a scene of danger into a question, a story, a memory or a joke."""


UNSURE = frozenset({"ask", "news", "laugh", "pet", "idiom", "past"})
"""Ideas beside which plain words of danger are weighed, not believed."""


class Traits:
    """Reads messages by a lexicon of ideas, harmless idioms, and scenes (ideas in an order that means one danger)."""

    def __init__(self, lexicon: Mapping[str, Any], idioms: Sequence[str], scenes: Mapping[str, Sequence[str]],
                 plain: Sequence[str], ordinary: Sequence[str] = ()) -> None:
        """The data of knowledge/danger; `ordinary`: words people use, which need no repair."""
        self.concepts = Concepts(lexicon, ordinary)
        self._order = {idea: at for at, idea in enumerate(lexicon)}
        self._idioms = Phrases((line, "idiom") for idiom in idioms for line in elements(idiom))
        self._scenes = Phrases(
            (line, kind) for kind, lines in scenes.items() for scene in lines for line in elements(scene)
        )

        self._plain = Phrases((line, "plain") for words in plain for line in elements(words))

    def tokens(self, text: str) -> list[Token]:
        """The words of a text, with idioms folded into one word and phrases' ideas laid on their words."""
        tokens = self.concepts.read(text)
        for _, start, end in reversed(self._idioms.find(tokens)):
            tokens[start:end] = [Token("idiom", frozenset(("idiom",)))]
        for idea, start, _ in self.concepts.phrases.find(tokens):
            token = tokens[start]
            tokens[start] = Token(token.key, token.ideas | {idea, f"{idea}!"})
        return tokens

    def scenes(self, tokens: Sequence[Token]) -> list[str]:
        """The kinds of danger whose scenes are present."""
        return [kind for kind, _, _ in self._scenes.find(tokens)]

    def _act(self, token: Token) -> str:
        """A word by its foremost idea, so that *mi marido me golpea* and *mi papá nos pega* read alike."""
        if not token.ideas:
            return "#" if token.key.isdecimal() else token.key
        return min(token.ideas, key=lambda idea: self._order.get(idea, 99))

    def plain(self, tokens: Sequence[Token]) -> bool:
        """Whether danger is said in plain words, and nothing said with it makes them a question, a story or a joke."""
        if any(token.ideas & UNSURE for token in tokens):
            return False
        return bool(self._plain.find(tokens))

    def row(self, tokens: Sequence[Token]) -> Row:
        """The places of a message's traits, and how much each counts."""
        traits: dict[str, float] = {}
        self._words(tokens, traits)
        self._ideas(tokens, traits)
        acts = ["^", *(self._act(token) for token in tokens), "$"]
        for at in range(len(acts) - 1):
            traits[f"a {acts[at]} {acts[at + 1]}"] = ACTS
            if at + 2 < len(acts):
                traits[f"a {acts[at]} {acts[at + 1]} {acts[at + 2]}"] = ACTS
                traits[f"a {acts[at]} _ {acts[at + 2]}"] = ACTS
        self._add_scenes(tokens, traits)
        return [place(trait) for trait in traits], list(traits.values())

    def outline(self, tokens: Sequence[Token], size: int) -> Row:
        """The few traits that tell one kind of danger from another: words, ideas and scenes."""
        traits = {f"w {token.key}": WORD for token in tokens}
        for token in tokens:
            traits |= {f"i {idea}": 1.5 for idea in token.ideas}
        self._add_scenes(tokens, traits)
        return [place(trait, size) for trait in traits], list(traits.values())

    def _words(self, tokens: Sequence[Token], traits: dict[str, float]) -> None:
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

    def _ideas(self, tokens: Sequence[Token], traits: dict[str, float]) -> None:
        for at, token in enumerate(tokens):
            for idea in token.ideas:
                traits[f"i {idea}"] = IDEA
                if idea[-1] == "!":
                    continue
                for later in tokens[at + 1 : at + NEAR]:
                    for other in later.ideas:
                        traits[f"j {idea} {other}"] = IDEAS

    def _add_scenes(self, tokens: Sequence[Token], traits: dict[str, float]) -> None:
        calm = [idea for idea in CALM if any(idea in token.ideas for token in tokens)]
        for kind in self.scenes(tokens):
            traits["s"] = traits[f"s {kind}"] = SCENE
            for idea in calm:
                traits[f"t {idea}"] = traits[f"t {idea} {kind}"] = SCENE

    def _act(self, token: Token) -> str:
        """A word by its foremost idea, so that *mi marido me golpea* and *mi papá nos pega* read alike."""
        if not token.ideas:
            return "#" if token.key.isdecimal() else token.key
        return min(token.ideas, key=lambda idea: self._order.get(idea, 99))
