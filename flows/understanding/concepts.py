"""Finds the ideas behind the words of a message: who, what harm, to whom, with what, when.

A lexicon lists each idea's verbs, words and phrases as people say them; here every person, tense and pronoun of
a verb is derived from its infinitive, misspelt words are repaired to the nearest known one, and glued words are cut.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import OSA

from flows.understanding.phrases import Entry, Phrases, Token, elements
from flows.understanding.typed import key, spelled

AR = (
    "a",
    "o",
    "as",
    "amos",
    "ais",
    "an",
    "e",
    "es",
    "aste",
    "asteis",
    "aron",
    "aba",
    "abas",
    "abamos",
    "aban",
    "are",
    "ara",
    "aras",
    "aremos",
    "aran",
    "aria",
    "arias",
    "arian",
    "emos",
    "en",
    "ando",
    "ado",
    "ada",
    "ados",
    "adas",
    "ase",
    "asen",
    "ar",
)
ER = (
    "o",
    "e",
    "es",
    "emos",
    "imos",
    "en",
    "i",
    "iste",
    "io",
    "ieron",
    "ia",
    "ias",
    "iamos",
    "ian",
    "ere",
    "era",
    "eras",
    "eremos",
    "eran",
    "eria",
    "erian",
    "ire",
    "ira",
    "iras",
    "iremos",
    "iran",
    "iria",
    "irian",
    "iendo",
    "ido",
    "ida",
    "idos",
    "idas",
    "a",
    "as",
    "amos",
    "an",
    "iera",
    "ieran",
    "iese",
    "er",
    "ir",
    "is",
)
CLITICS = (
    "me",
    "te",
    "se",
    "le",
    "nos",
    "lo",
    "la",
    "los",
    "las",
    "les",
    "mela",
    "melo",
    "sela",
    "selo",
    "noslo",
    "nosla",
    "mele",
)
TAKES_CLITIC = ("ar", "er", "ir", "ando", "iendo", "a", "e", "en")
TO_US = ("me", "nos", "mela", "melo", "noslo", "nosla", "mele")


NONE: frozenset[str] = frozenset()

LONG = 16
"""Letters from which a text is certainly several words, run together or spaced out letter by letter."""

CLEAR = 2.5
"""What a letter may cost (its share of the words' log-odds) for a glued text to be read as several words."""

WORDY, FIGURE, STRANGE = 14, 8.0, 12.0
"""The longest word looked for in a glued text; what a figure in it costs, and, with its letters, an unknown word."""

ENDING = re.compile(
    r"(?:ar|er|ir|aron|ieron|aban|ian|ando|ad[ao]s?|id[ao]s?|iendo|mente|sion|siones|ura|uras"
    r"|(?:[aei]r|ando|iendo)(?:me|te|se|le|lo|la|nos|les|los|las))$"
)
"""How words end that are one word though its halves be words too: *contaron*, *comprobar*, *mantenerla*."""

USUAL = 20
"""Lines in which a short word must stand for another to be taken for its slip: *kero* for *kiero*."""


class Concepts:
    """The lexicon, learnt: words to ideas, phrases to ideas, and the words it knows for repairing others."""

    def __init__(self, lexicon: Mapping[str, Mapping[str, Sequence[str]]], ordinary: Iterable[str] = ()) -> None:
        """`lexicon`: idea → verbs, words, phrases (see knowledge/danger/concepts.yaml).

        `ordinary`: the words people write (as `typed.spelled` gives them), as often as they do; they need no repair.
        """
        ideas: dict[str, set[str]] = {}
        phrases: list[Entry[str]] = []
        written: set[str] = set()
        for idea, entry in lexicon.items():
            for verb in entry.get("verbs", ()):
                for form, to_us in conjugated(verb):
                    ideas.setdefault(form, set()).update({idea, "to_me"} if to_us else {idea})
            for word in entry.get("words", ()):
                for form in _plurals(str(word)):
                    ideas.setdefault(form, set()).add(idea)
                    written.add(form)
            phrases += [(elements(phrase), idea) for phrase in entry.get("phrases", ())]
        self.phrases = Phrases(phrases)
        spelt = Counter(ordinary)
        seen = Counter(key(word) for word in spelt.elements())
        spoken = {word for phrase, _ in phrases for element in phrase for word in element.words}
        same: dict[frozenset[str], frozenset[str]] = {}
        self._known: dict[str, frozenset[str]] = {}
        for word in {*ideas, *spoken, *seen}:
            found = frozenset(ideas.get(word, ()))
            self._known[word] = same.setdefault(found, found)
        self._spelt = _shelves(word for word in sorted(spelt) if len(word) > 4 or seen[key(word)] >= USUAL)
        self._heard = _shelves(word for word in sorted(written.union(seen)) if len(word) > 4 or seen[word] >= USUAL)
        total = sum(spelt.values())
        self._price = {
            word: log(total / count) + (count == 1)
            for word, count in spelt.items()
            if len(word) > 1 or word in "aeiouy"
        }

    def read(self, text: str, met: dict[str, Sequence[Token]] | None = None) -> list[Token]:
        """The words of a text with the ideas each carries alone; `met`: words read before, to read them once."""
        known = {} if met is None else met
        out: list[Token] = []
        for word in spelled(text):
            tokens = known.get(word)
            if tokens is None:
                tokens = known[word] = self._meant(word)
            out += tokens
        return out

    def _meant(self, word: str) -> Sequence[Token]:
        """The known word a written one is, or the several written together, or the nearest."""
        if token := self._token(key(word)):
            return (token,)
        near = self._repaired(word)
        if len(word) > 4 and (near is None or len(word) < 6) and (parts := self._cut(word)):
            return [self._token(key(part)) or self._repaired(part) or Token(key(part), NONE) for part in parts]
        return (near or Token(key(word), NONE),)

    def _token(self, sound: str) -> Token | None:
        ideas = self._known.get(sound)
        return None if ideas is None else Token(sound, ideas)

    def _repaired(self, word: str) -> Token | None:
        """The nearest word people are known to write, one slip away (two in a long word), by letters or by sound."""
        for form, shelves in ((word, self._spelt), (key(word), self._heard)):
            if len(form) < 4 or not form.isalpha():
                return None
            shelf = shelves.get((form[0], len(form)))
            slips = 2 if len(form) > 9 else 1
            best = process.extractOne(form, shelf, scorer=OSA.distance, score_cutoff=slips) if shelf else None
            if best is not None:
                return self._token(best[0] if shelves is self._heard else key(best[0]))
        return None

    def _cut(self, glued: str) -> list[str]:
        """The words people write that spell a glued text best; nothing when none do.

        A short text is cut in two words at most (*mequiero*): in more pieces anything can be read into it.
        """
        best: list[tuple[float, int] | None] = [(0.0, 0)] + [None] * len(glued)
        for end in range(1, len(glued) + 1):
            for start in range(max(0, end - WORDY), end):
                before = best[start]
                if before is None:
                    continue
                part = glued[start:end]
                price = FIGURE if part.isdecimal() else self._price.get(part)
                if price is None and len(glued) >= LONG:
                    price = STRANGE + 2.0 * len(part)
                if price is not None and ((now := best[end]) is None or before[0] + price < now[0]):
                    best[end] = (before[0] + price, start)
        found = best[len(glued)]
        if found is None or found[0] > (CLEAR if len(glued) < LONG else 2 * CLEAR) * len(glued):
            return []
        parts: list[str] = []
        end = len(glued)
        while end:
            start = (best[end] or found)[1]
            parts.append(glued[start:end])
            end = start
        whole = len(parts[0]) < 4 and len(glued) < LONG and ENDING.search(glued)
        return parts[::-1] if not whole and (len(glued) > 7 or len(parts) < 3) else []


def _shelves(words: Iterable[str]) -> dict[tuple[str, int], list[str]]:
    """Words by their first letter and every length a slip could give them."""
    shelves: dict[tuple[str, int], list[str]] = {}
    for word in words:
        if word.isalpha():
            for length in range(len(word) - 1, len(word) + 2):
                shelves.setdefault((word[0], length), []).append(word)
    return shelves


def conjugated(verb: str) -> Iterable[tuple[str, bool]]:
    """Every form of a verb by its sound, and whether it ends in *me* or *nos*; "encerrar/encierr" adds a stem."""
    infinitive, _, others = verb.partition("/")
    spoken = key(_plain(infinitive))
    endings = AR if infinitive.endswith("ar") else ER
    stems = [spoken[:-2], *(key(_plain(stem) + infinitive[-2])[:-1] for stem in others.split(",") if stem)]
    for stem in stems:
        for ending in endings:
            form = key(stem + ending) if stem[-1] in "aeio" else stem + ending
            yield form, False
            if ending in TAKES_CLITIC:
                for clitic in CLITICS:
                    yield form + clitic, clitic in TO_US


def _plurals(word: str) -> tuple[str, ...]:
    word = _plain(word)
    if len(word) < 3:
        return (key(word),)  # "no" has no plural; "nos" is another word
    return (key(word), key(word + ("s" if word[-1:] in "aeiou" else "es")), key(word + "s"))


def _plain(text: Any) -> str:
    return " ".join(spelled(str(text))) if len(str(text)) > 1 else str(text)
