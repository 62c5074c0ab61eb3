"""Hears when a person steers the conversation (menu, back, a person, stop the notices …) instead of answering."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from rapidfuzz.distance import OSA

from flows.understanding import softmax
from flows.understanding.concepts import Concepts
from flows.understanding.ngrams import Ngrams, Traits, told
from flows.understanding.phrases import Phrases, Token, elements
from flows.understanding.typed import key, spelled

_CORRECTS = re.compile(
    r"\s*(no|perd[oó]n\w*|sorry|disculpe|ay)\s*[,.;:]+"
    r"\s*(soy|es|son|era|eran|vivo|estoy|tengo|trabajo|mi|i'?m|it'?s|i am)\b[^?¿]*$",
    re.IGNORECASE,
)
"""An answer put right: "no, soy de Xela"; without the comma it may be a plain no."""

_ASKS = re.compile(r"[?¿]|\b(c[oó]mo|qu[eé]|d[oó]nde|cu[aá]nto|cu[aá]l|how|what|where)\b", re.IGNORECASE)
"""What makes a message a question, which no answer put right is."""

LONGEST = 14
"""Words after which a message is a story or a question, never a command."""

ROUNDS = 5

FOUND, ELEMENT = 3.0, 0.5
"""What a way of saying a command, found whole in a message, adds to its log-odds, and each element of that way."""

DOUBT = 0.5
"""What speaks against a command no way of which was found: a question unanswered costs more than a command missed."""


class Ways:
    """The ways of saying a command: its ideas in order, and nothing else in the message but filler."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.filler = {sound for word in data["filler"] for sound in _sounds(word)}
        self._open = set(data["open"])
        lines = [(name, elements(way)) for name, ways in data["ways"].items() for way in ways]
        self._phrases = Phrases((line, (len(line), name)) for name, line in lines)
        self._never = Phrases((elements(way), "never") for way in data["never"])
        self._words: dict[str, set[str]] = {name: set() for name in data["ways"]}
        self._meant: dict[str, set[str]] = {name: set() for name in data["ways"]}
        for name, line in lines:
            for element in line:
                self._words[name] |= element.words
                self._meant[name] |= element.ideas

    def find(self, tokens: Sequence[Token], asks: bool) -> dict[str, int]:
        """The commands a way of which is present and explains all of a message, with that way's elements."""
        found: dict[str, int] = {}
        for (size, name), start, end in self._phrases.find(tokens):
            if size <= found.get(name, 0):
                continue
            rest = [token for token in (*tokens[:start], *tokens[end:]) if not self._explained(token, name)]
            inside = [token for token in tokens[start:end] if not self._explained(token, name)]
            carries = name in self._open and start < 3 and len(rest) < 5 and not asks
            if not inside and (carries or not rest):
                found[name] = size
        return found

    def never(self, tokens: Sequence[Token]) -> bool:
        """Whether a message says what no command says, though it uses its words."""
        return bool(self._never.find(tokens))

    def _explained(self, token: Token, name: str) -> bool:
        if token.key in self.filler or token.key in self._words[name]:
            return True
        return not self._meant[name].isdisjoint(token.ideas)


class Commands:
    """The learnt ear for commands."""

    def __init__(self, data: Mapping[str, Any], elsewhere: Sequence[str]) -> None:
        self._polite = [tuple(_sounds(words)) for words in data["polite"]]
        self._exact: dict[str, str] = {
            _line(_sounds(words)): name for name, lines in data["exact"].items() for words in lines
        }
        self.names: tuple[str | None, ...] = (None, *data["commands"])
        said: list[tuple[str, str | None]] = [
            (line, name) for name, lines in data["commands"].items() for line in lines
        ]
        said += [(line, None) for line in data["others"]]
        self._known = {_line(self._core(_sounds(line))): name for line, name in said}
        examples = [*said, *((line, None) for line in elsewhere)]
        spoken = [
            word for line in (*map(str, data["filler"]), *(line for line, _ in examples)) for word in spelled(line)
        ]
        self._ideas = Concepts(data["ideas"], spoken)
        self._ways = Ways(data)
        read = [self._traits(line, self._ideas.read(line)) for line, _ in examples]
        self._ngrams = Ngrams(read)
        rows = [self._ngrams.row(traits) for traits in read]
        meant = [self.names.index(name) for _, name in examples]
        self._weights = softmax.fit(rows, meant, len(self._ngrams), len(self.names), ROUNDS)

    @classmethod
    def learn(cls, data: Mapping[str, Any], elsewhere: Sequence[str] = ()) -> Self:
        """From knowledge/commands.yaml, which says what each of its parts is, and what people write that is none."""
        return cls(data, elsewhere)

    def hear(self, text: str) -> str | None:
        """The command a whole message is, or None: "ayuda" is `help`, "ayuda con mi DPI" is a question."""
        sounds = _sounds(text)
        if not sounds or len(sounds) > LONGEST + 4:
            return None
        core = self._core(sounds)
        whole, line = _line(sounds), _line(core)
        for written in (whole, line):
            if found := self._exact.get(written) or self._slip(written):
                return found
        for written in (whole, line):
            if written in self._known:
                return self._known[written]
        if len(core) > LONGEST or not any(sound.isalpha() for sound in core):
            return None
        if _CORRECTS.match(text) and len(sounds) < 9:
            return "correction"
        tokens = self._ideas.read(text)
        return None if self._ways.never(tokens) else self._weigh(text, tokens)

    def _weigh(self, text: str, tokens: Sequence[Token]) -> str | None:
        """The likeliest command, by likeness to the examples and by the ways of saying it; none when none is likelier."""
        odds = self._weights.odds(self._ngrams.row(self._traits(text, tokens)))
        found = self._ways.find(tokens, bool(_ASKS.search(text)))
        odds[self.names.index(None)] += 0.0 if found else DOUBT
        for name, size in found.items():
            odds[self.names.index(name)] += FOUND + ELEMENT * size
        return self.names[int(np.argmax(odds))]

    def _traits(self, text: str, tokens: Sequence[Token]) -> Traits:
        """Its words, letters and ideas, with what comes first and last, how ideas follow each other, and its length."""
        words, letters, ideas = told(self._ideas, tokens)
        ends = [f"^ {tokens[0].key}", f"{tokens[-1].key} $"] if tokens else []
        shape = [f"{min(len(tokens), 8)} words", "asks ?" if "?" in text or "¿" in text else "tells ."]
        line = [min(t.ideas, default=t.key) for t in tokens if t.ideas or t.key not in self._ways.filler]
        order = [f"={one}={next_}=" for one, next_ in pairwise(["^", *line, "$"])]
        return Traits([*words, *ends, *shape], letters, [*ideas, *order])

    def _slip(self, written: str) -> str | None:
        """A word that stands alone (*ocultar*, *BAJA*) typed with one slip, when it is long enough to be sure."""
        if len(written) < 6 or len(written) > 16:
            return None
        for exact, name in self._exact.items():
            if len(exact) > 5 and OSA.distance(written, exact, score_cutoff=1) <= 1:
                return name
        return None

    def _core(self, sounds: list[str]) -> list[str]:
        """The words without greetings and courtesies around them; all of them when nothing else is left."""
        start, end = 0, len(sounds)
        moved = True
        while moved and start < end:
            moved = False
            for polite in self._polite:
                width = len(polite)
                if tuple(sounds[start : start + width]) == polite and start + width <= end:
                    start, moved = start + width, True
                if end - width >= start and tuple(sounds[end - width : end]) == polite:
                    end, moved = end - width, True
        return sounds[start:end] or sounds


def _sounds(text: str) -> list[str]:
    return [key(word) for word in spelled(str(text))]


def _line(sounds: Sequence[str]) -> str:
    return " ".join(sounds)
