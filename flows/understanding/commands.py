"""Hears when a person steers the conversation (menu, back, a person, stop the notices …) instead of answering."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from rapidfuzz.distance import OSA

from flows.understanding.concepts import Concepts
from flows.understanding.linear import Floats, Row, fit, place
from flows.understanding.phrases import Phrases, Token, elements
from flows.understanding.typed import key, spelled

_CORRECTS = re.compile(
    r"\s*(no|perd[oó]n\w*|sorry|disculpe|ay)\s*[,.;:]+"
    r"\s*(soy|es|era|vivo|estoy|tengo|trabajo|mi|i'?m|it'?s|i am)\b[^?¿]*$",
    re.IGNORECASE,
)
"""An answer put right: "no, soy de Xela"; without the comma it may be a plain no."""

_ASKS = re.compile(r"[?¿]|\b(c[oó]mo|qu[eé]|d[oó]nde|cu[aá]nto|cu[aá]l|how|what|where)\b", re.IGNORECASE)
"""What makes a message a question, which no answer put right is."""

SIZE = 1 << 14
LONGEST = 14
"""Words after which a message is a story or a question, never a command."""

STRANGE = 2
"""One word in so many may be new for a likeness to count."""

SURE = 0.0
"""Log-odds from which an unseen wording is a command; on held-out wordings one more is wrong on either side."""

RIDGE, ROUNDS = 3e-4, 30
WORD, PAIR, LETTERS = 1.0, 0.8, 0.4


class Ways:
    """The ways of saying a command: its ideas in order, and nothing else in the message but filler."""

    def __init__(self, data: Mapping[str, Any], ordinary: Sequence[str]) -> None:
        self._filler = {sound for word in data["filler"] for sound in _sounds(word)}
        self._open = set(data["open"])
        self._order = {name: at for at, name in enumerate(data["ways"])}
        self._ideas = Concepts(data["ideas"], [*ordinary, *map(str, data["filler"])])
        lines = [(name, elements(way)) for name, ways in data["ways"].items() for way in ways]
        self._phrases = Phrases((line, (len(line), name)) for name, line in lines)
        self._never = Phrases((elements(way), "never") for way in data["never"])
        self._words: dict[str, set[str]] = {name: set() for name in self._order}
        self._meant: dict[str, set[str]] = {name: set() for name in self._order}
        for name, line in lines:
            for element in line:
                self._words[name] |= element.words
                self._meant[name] |= element.ideas

    def hear(self, text: str) -> str | None:
        """The command whose longest way is present in a message and explains all of it."""
        tokens = self._ideas.read(text)
        best: tuple[int, int, str] | None = None
        for (size, name), start, end in self._phrases.find(tokens):
            rank = (size, -self._order[name], name)
            if best is not None and rank <= best:
                continue
            rest = [token for token in (*tokens[:start], *tokens[end:]) if not self._explained(token, name)]
            inside = [token for token in tokens[start:end] if not self._explained(token, name)]
            carries = name in self._open and start < 3 and len(rest) < 5 and not _ASKS.search(text)
            if not inside and (carries or not rest):
                best = rank
        return best[2] if best else None

    def never(self, text: str) -> bool:
        """Whether a message says what no command says, though it uses its words."""
        return bool(self._never.find(self._ideas.read(text)))

    def _explained(self, token: Token, name: str) -> bool:
        if token.key in self._filler or token.key in self._words[name]:
            return True
        return not self._meant[name].isdisjoint(token.ideas)


class Commands:
    """The learnt ear for commands."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._polite = [tuple(_sounds(words)) for words in data["polite"]]
        self._exact: dict[str, str] = {
            _line(_sounds(words)): name for name, lines in data["exact"].items() for words in lines
        }
        self._known: dict[str, str | None] = {}
        counts: Counter[str] = Counter()
        others: set[str] = set()
        examples: list[tuple[list[str], str | None]] = []
        for name, lines in [*data["commands"].items(), (None, data["others"])]:
            for line in lines:
                sounds = self._core(_sounds(line))
                self._known[_line(sounds)] = name
                examples.append((sounds, name))
                if name:
                    counts.update(set(sounds))
                else:
                    others.update(sounds)
        self._common = {sound for sound, lines in counts.items() if lines > 1}
        self._words = set(counts)
        self._foreign = {sound for sound in others if len(sound) > 2 and sound not in counts}
        lines = [*data["others"], *(line for lines in data["commands"].values() for line in lines)]
        self._ways = Ways(data, [word for line in lines for word in spelled(line)])
        self.names = tuple(data["commands"])
        self._weights = self._train(examples)

    @classmethod
    def learn(cls, data: Mapping[str, Any]) -> Self:
        """From knowledge/commands.yaml, which says what each of its parts is."""
        return cls(data)

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
        if self._ways.never(text):
            return None
        return self._ways.hear(text) or self._guess(core)

    def _guess(self, core: list[str]) -> str | None:
        """By likeness to the examples; a word that only other messages use makes it none."""
        strange = sum(sound not in self._words for sound in core)
        if any(sound in self._foreign for sound in core) or strange * STRANGE > len(core):
            return None
        places, values = self._row(core)
        scores = self._weights[:, places] @ np.array(values, np.float32) + self._weights[:, -1]
        best = int(np.argmax(scores))
        return str(self.names[best]) if scores[best] >= SURE else None

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

    def _row(self, sounds: Sequence[str]) -> Row:
        traits: dict[str, float] = {f"n {min(len(sounds), 8)}": 0.5}
        strange = sum(sound not in self._common for sound in sounds)
        traits[f"u {min(strange, 4)}"] = 1.0
        before = "^"
        for sound in sounds:
            traits[f"w {sound}"] = WORD
            traits[f"b {before} {sound}"] = PAIR
            before = sound
            inside = f"^{sound}$"
            for width in (3, 4):
                for at in range(len(inside) - width + 1):
                    traits[inside[at : at + width]] = LETTERS
        traits[f"b {before} $"] = PAIR
        return [place(trait, SIZE) for trait in traits], list(traits.values())

    def _train(self, examples: Sequence[tuple[list[str], str | None]]) -> Floats:
        rows = [self._row(sounds) for sounds, _ in examples]
        weights = []
        for name in self.names:
            truth = np.array([found == name for _, found in examples], np.float32)
            weights.append(fit(rows, truth, 1.0 + 3.0 * truth, RIDGE, ROUNDS, SIZE))
        return np.stack(weights)


def _sounds(text: str) -> list[str]:
    return [key(word) for word in spelled(str(text))]


def _line(sounds: Sequence[str]) -> str:
    return " ".join(sounds)
