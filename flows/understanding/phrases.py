"""Finds in a message what people say in several words, where any of some words or ideas may fill a place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, TypeVar

from flows.understanding.typed import key, spelled

Meaning = TypeVar("Meaning")


class Token(NamedTuple):
    """One word as read: its sound and the ideas it may carry."""

    key: str
    ideas: frozenset[str]


class Element(NamedTuple):
    """One place in a phrase: the words or ideas that fill it, and how many words may stand before it."""

    words: frozenset[str]
    ideas: frozenset[str]
    reach: int


Entry = tuple[tuple[Element, ...], Meaning]
"""One phrase and what it stands for."""

CLOSE, WIDE = 2, 6
"""How many words on the next one of a phrase may stand: side by side or one apart, and over ".."."""


class _Begun(Generic[Meaning]):
    """The phrases that begin with one word or idea: those it is by itself, and the others by what comes second."""

    def __init__(self) -> None:
        self.alone: list[Meaning] = []
        self.by_word: dict[str, list[Entry[Meaning]]] = {}
        self.by_idea: dict[str, list[Entry[Meaning]]] = {}
        self.reach = 0

    def add(self, entry: Entry[Meaning]) -> None:
        phrase, meaning = entry
        if len(phrase) == 1:
            self.alone.append(meaning)
            return
        self.reach = max(self.reach, phrase[1].reach)
        for word in phrase[1].words:
            self.by_word.setdefault(word, []).append(entry)
        for idea in phrase[1].ideas:
            self.by_idea.setdefault(idea, []).append(entry)

    def seconds(self, token: Token) -> Sequence[Entry[Meaning]]:
        """The phrases whose second place a word fills."""
        found: Sequence[Entry[Meaning]] = self.by_word.get(token.key, ())
        for idea in token.ideas:
            more = self.by_idea.get(idea)
            if more is not None:
                found = [*found, *more]
        return found


class Phrases(Generic[Meaning]):
    """Sequences of words and ideas, found in a message without looking at every one of them."""

    def __init__(self, entries: Iterable[Entry[Meaning]]) -> None:
        self._by_word: dict[str, _Begun[Meaning]] = {}
        self._by_idea: dict[str, _Begun[Meaning]] = {}
        for entry in entries:
            for word in entry[0][0].words:
                self._by_word.setdefault(word, _Begun()).add(entry)
            for idea in entry[0][0].ideas:
                self._by_idea.setdefault(idea, _Begun()).add(entry)

    def find(self, tokens: Sequence[Token]) -> list[tuple[Meaning, int, int]]:
        """(meaning, first word, one past the last word) of every phrase present."""
        found: list[tuple[Meaning, int, int]] = []
        by_word, by_idea = self._by_word, self._by_idea
        for at, token in enumerate(tokens):
            begun = by_word.get(token.key)
            if begun is not None:
                _complete(tokens, at, begun, found)
            for idea in token.ideas:
                begun = by_idea.get(idea)
                if begun is not None:
                    _complete(tokens, at, begun, found)
        return found


def _complete(
    tokens: Sequence[Token], at: int, begun: _Begun[Meaning], found: list[tuple[Meaning, int, int]]
) -> None:
    """Add the phrases that begin at a word and go on after it, each once."""
    found += [(meaning, at, at + 1) for meaning in begun.alone]
    done: list[Entry[Meaning]] = []
    for place in range(at + 1, min(at + 1 + begun.reach, len(tokens))):
        for entry in begun.seconds(tokens[place]):
            phrase, meaning = entry
            if place - at > phrase[1].reach or any(entry is one for one in done):
                continue
            if end := _end(tokens, place + 1, phrase, 2):
                done.append(entry)
                found.append((meaning, at, end))


def _end(tokens: Sequence[Token], at: int, phrase: tuple[Element, ...], done: int) -> int:
    """Where the rest of a phrase ends, 0 when it is not there."""
    if done == len(phrase):
        return at
    words, ideas, reach = phrase[done]
    for place in range(at, min(at + reach, len(tokens))):
        token = tokens[place]
        if token.key in words or not ideas.isdisjoint(token.ideas):
            end = _end(tokens, place + 1, phrase, done + 1)
            if end:
                return end
    return 0


def elements(phrase: str) -> tuple[Element, ...]:
    """A written phrase, read: "<family|partner> .. golpe|palo" is either idea, then within six words either word."""
    out: list[Element] = []
    reach = CLOSE
    for part in phrase.lower().split():
        if part == "..":
            reach = WIDE
            continue
        inner = part[1:-1].split("|") if part[0] == "<" else ()
        words = () if inner else [sound for word in part.split("|") for sound in map(key, spelled(word))]
        out.append(Element(frozenset(words), frozenset(inner), reach))
        reach = CLOSE
    return tuple(out)
