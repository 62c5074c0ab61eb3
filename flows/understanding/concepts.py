"""Finds the ideas behind the words of a message: who, what harm, to whom, with what, when.

A lexicon lists each idea's verbs, words and phrases as people say them; here every person, tense and pronoun of a verb
is derived from its infinitive, misspelt words are repaired to the nearest known one, and glued words are cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Generic, NamedTuple, TypeVar

from rapidfuzz import process
from rapidfuzz.distance import OSA

from flows.understanding.typed import key, spelled

Meaning = TypeVar("Meaning")
Entry = tuple[tuple[str, ...], Meaning]
"""One phrase: its elements (a word's key, `<idea>` or `..`) and what it stands for."""

AR = """a o as amos ais an e es aste o amos asteis aron aba abas abamos aban are ara aras aremos aran aria arias
arian e emos en ando ado ada ados adas ara aran aste ase asen ar""".split()
ER = """o e es emos imos en i iste io imos ieron ia ias iamos ian ere era eras eremos eran eria erian ire ira iras iremos
iran iria irian iendo ido ida idos idas a as amos an iera ieran iese er ir is""".split()
CLITICS = "me te se le nos lo la los las les mela melo sela selo noslo nosla mele".split()
TAKES_CLITIC = ("ar", "er", "ir", "ando", "iendo", "a", "e", "en")
TO_US = ("me", "nos", "mela", "melo", "noslo", "nosla", "mele")


class Token(NamedTuple):
    """One word as read: its sound and the ideas it may carry."""

    key: str
    ideas: frozenset[str]


NONE: frozenset[str] = frozenset()


class Concepts:
    """The lexicon, learnt: words to ideas, phrases to ideas, and the words it knows for repairing others."""

    def __init__(self, lexicon: Mapping[str, Mapping[str, Sequence[str]]], ordinary: Iterable[str] = ()) -> None:
        """`lexicon`: idea → verbs, words, phrases (see knowledge/danger/concepts.yaml).

        `ordinary`: words that need no repair, because people use them otherwise.
        """
        ideas: dict[str, set[str]] = {}
        self._prefixes: dict[str, set[str]] = {}
        phrases: list[Entry[str]] = []
        for idea, entry in lexicon.items():
            for verb in entry.get("verbs", ()):
                for form, to_us in conjugated(verb):
                    ideas.setdefault(form, set()).add(idea)
                    if to_us:
                        ideas[form].add("to_me")
            for word in entry.get("words", ()):
                for form in _plurals(str(word)):
                    ideas.setdefault(form, set()).add(idea)
                if str(word).endswith("*"):
                    self._prefixes.setdefault(key(_plain(word[:-1])), set()).add(idea)
            phrases += [(line, idea) for phrase in entry.get("phrases", ()) for line in elements(phrase)]
        self._ideas = {form: frozenset(found) for form, found in ideas.items()}
        self.phrases = Phrases(phrases)
        self._known = {form: 3 for form in self._ideas}
        for elements_, _ in phrases:
            for element in elements_:
                self._known.setdefault(element, 2)
        for word in ordinary:
            self._known[word] = self._known.get(word, 0) + 1
        self._shelves: dict[tuple[str, int], list[str]] = {}
        for word in self._known:
            if len(word) > 3 and word.isalpha():
                for length in (len(word) - 1, len(word), len(word) + 1):
                    self._shelves.setdefault((word[0], length), []).append(word)
        self._tokens: dict[str, Token] = {}
        for word in self._known:
            self._tokens[word] = Token(word, self._ideas.get(word, NONE) | self._by_prefix(word))

    def read(self, text: str) -> list[Token]:
        """The words of a text with the ideas each carries alone."""
        return self.of(key(word) for word in spelled(text))

    def of(self, sounds: Iterable[str]) -> list[Token]:
        """The same for words already read by their sound."""
        found: list[Token] = []
        for sound in sounds:
            token = self._tokens.get(sound)
            if token is not None:
                found.append(token)
            elif len(sound) > 9 and (parts := self._cut(sound)):
                found += [self._tokens[part] for part in parts]
            else:
                found.append(self._repaired(sound))
        return found

    def _repaired(self, sound: str) -> Token:
        """The nearest known word, one slip away (two in a long word), or the word as it is."""
        if len(sound) > 3 and sound.isalpha():
            shelf = self._shelves.get((sound[0], len(sound)))
            if shelf:
                slips = 2 if len(sound) > 8 else 1
                best = process.extractOne(sound, shelf, scorer=OSA.distance, score_cutoff=slips)
                if best is not None:
                    return self._tokens[best[0]]
        return Token(sound, self._by_prefix(sound))

    def _by_prefix(self, sound: str) -> frozenset[str]:
        if not self._prefixes:
            return NONE
        found: set[str] = set()
        for end in range(4, len(sound) + 1):
            found |= self._prefixes.get(sound[:end], NONE)
        return frozenset(found) if found else NONE

    def _cut(self, glued: str) -> list[str]:
        """Known words that spell a glued text, fewest first; nothing when they do not."""
        best: list[tuple[int, list[str]] | None] = [(0, [])] + [None] * len(glued)
        for end in range(1, len(glued) + 1):
            for start in range(max(0, end - 14), end):
                before = best[start]
                if before is None or glued[start:end] not in self._known:
                    continue
                cost = before[0] + 1 + 3 * (end - start == 1)
                if (now := best[end]) is None or cost < now[0]:
                    best[end] = (cost, [*before[1], glued[start:end]])
        last = best[len(glued)]
        return last[1] if last is not None and last[0] <= len(glued) / 2 else []


class Phrases(Generic[Meaning]):
    """Sequences of words and ideas, found in a message without looking at every one of them."""

    GAP, WIDE = 1, 5

    def __init__(self, entries: Iterable[Entry[Meaning]]) -> None:
        self._by_word: dict[str, list[Entry[Meaning]]] = {}
        for entry in entries:
            self._by_word.setdefault(entry[0][0], []).append(entry)

    def find(self, tokens: Sequence[Token]) -> list[tuple[Meaning, int, int]]:
        """(meaning, first word, one past the last word) of every phrase present."""
        found: list[tuple[Meaning, int, int]] = []
        for at, token in enumerate(tokens):
            for start in (token.key, *(f"<{idea}>" for idea in token.ideas)):
                for elements_, idea in self._by_word.get(start, ()):
                    end = self._matches(tokens, at + 1, elements_, 1)
                    if end:
                        found.append((idea, at, end))
        return found

    def _matches(self, tokens: Sequence[Token], at: int, wanted: tuple[str, ...], done: int) -> int:
        """Where the rest of a phrase ends, 0 when it is not there."""
        if done == len(wanted):
            return at
        reach = self.GAP
        if wanted[done] == "..":
            reach, done = self.WIDE, done + 1
        element = wanted[done]
        for place in range(at, min(at + reach + 1, len(tokens))):
            token = tokens[place]
            if token.key == element or (element[0] == "<" and element[1:-1] in token.ideas):
                end = self._matches(tokens, place + 1, wanted, done + 1)
                if end:
                    return end
        return 0


def elements(phrase: str) -> list[tuple[str, ...]]:
    """A written phrase as sounds, once for each way through its alternatives ("<family|partner> .. golpe|palo")."""
    ways = [
        [part] if part == ".." else
        [f"<{idea}>" for idea in part[1:-1].split("|")] if part[0] == "<" else
        [key(_plain(word)) for word in part.split("|")]
        for part in phrase.lower().split()
    ]
    return [tuple(way) for way in product(*ways)]


def conjugated(verb: str) -> Iterable[tuple[str, bool]]:
    """Every form of a verb by its sound, each with whether it ends in *me* or *nos*; "encerrar/encierr" adds a stem."""
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
    word = _plain(word).rstrip("*")
    return (key(word), key(word + "s"), key(word + "es"))


def _plain(text: Any) -> str:
    return " ".join(spelled(str(text))) if len(str(text)) > 1 else str(text)
