"""What a person worked at, in their own words, as occupations of the international classification (ISCO-08).

*Hice roofing y shirroc*, *andaba con la pistola de clavos*: a worker's lexicon of verbs, tools, materials, brands and
misheard English decides; official job titles only fill its gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from rapidfuzz import process
from rapidfuzz.distance import OSA

from .trade_words import Word, made_from, read, stem

T = TypeVar("T")

ANSWERS = 5
_WORDS_READ = 40
_REACH = 7
"""Words of one phrase may stand this far apart: *lavaba todos los días los platos*."""
_PER_WORD = 0.7
"""What every further word of a phrase adds: *pintar carros* says more than *pintar*."""
_INFLECTED = {3: 0.55, 4: 0.8}
"""Trust in a word that only shares its stem: short stems are shared by chance (*casas*, *cashier*)."""
_INFLECTED_LONG, _MISSPELLED = 0.9, 0.8
_SETTING = 0.7
"""What is left of a word that says where (*server en un hotel*)."""
_INSIDE = 0.12
"""What is left of a phrase when a longer one holds all its words."""
_OFFICIAL = 0.45
_WHOLE = 1.3
_LATER = 0.01
"""The head of a Spanish phrase comes first: *tapicero de muebles*."""
_LEAST = 0.1
_REPAIRED, _TOO_SHORT = 4, 4
"""Unknown words looked up by nearness in one text, so that a long one costs no more; how long they must be."""


class Trade(NamedTuple):
    """An ISCO-08 unit group (four digits) and how much the words speak for it; only comparable in one answer."""

    code: str
    score: float


class _Entry(NamedTuple):
    sounds: tuple[str, ...]
    stems: tuple[str, ...]
    weights: tuple[tuple[str, float], ...]
    worker: bool
    """From the worker's lexicon, not from an official list."""


class _Heard(NamedTuple):
    stem: str
    sound: str
    at: int
    trust: float
    setting: bool = False


class Occupations:
    """The lexicon, ready to be looked up."""

    def __init__(
        self,
        entries: Iterable[_Entry],
        roles: Mapping[str, Sequence[tuple[str, str]]],
        titles: Mapping[str, Mapping[str, str]],
    ) -> None:
        worker: set[str] = set()
        self._by_stem: dict[str, list[_Entry]] = {}
        self._sounds: dict[str, str] = {}
        for entry in entries:
            self._by_stem.setdefault(max(entry.stems, key=len), []).append(entry)
            self._sounds.update(zip(entry.sounds, entry.stems, strict=True))
            if entry.worker:
                worker.update(entry.sounds)
        self._stems = frozenset(self._sounds.values())
        self._repairable: dict[tuple[str, int], list[str]] = {}
        for heard in self._sounds:
            if len(heard) > _TOO_SHORT and heard in worker:
                self._repairable.setdefault((heard[0], len(heard)), []).append(heard)
        self._by_root = {root: heard for heard, root in self._sounds.items() if heard in worker}
        self._roles = dict(roles)
        self._titles = dict(titles)

    @classmethod
    def learn(
        cls,
        lexicon: Sequence[Mapping[str, str]],
        titles: Sequence[Mapping[str, str]],
        official: Sequence[Mapping[str, str]] = (),
    ) -> Occupations:
        """Lexicon rows are `phrase` and `codes` ("7115 7111:0.8": codes with a weight, 1 when none is given).

        A row whose codes read "71>9313" is a role: *ayudante* makes a builder of 71.. a building labourer (9313).
        Titles: `code`, `es`, `en`, as in `knowledge/isco08.csv`. Official job titles have the lexicon's shape and
        count less.
        """
        merged: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, float], bool]] = {}
        roles: dict[str, list[tuple[str, str]]] = {}
        for rows, share in ((lexicon, 1.0), (official, _OFFICIAL)):
            for row in rows:
                spoken = read(row["phrase"])
                if ">" in row["codes"]:
                    roles[spoken[0].stem] = [_shift(rule) for rule in row["codes"].split()]
                    continue
                if not spoken or (share < 1 and tuple(sorted({w.sound for w in spoken})) in merged):
                    continue
                distinct = {word.sound: word for word in spoken}
                key = tuple(sorted(distinct, key=lambda sound: (distinct[sound].stem, sound)))
                _, weights, _ = merged.setdefault(key, (tuple(distinct[k].stem for k in key), {}, share == 1))
                for code, weight in _weights(row["codes"]):
                    weights[code] = max(weights.get(code, 0.0), weight * share)
        same: dict[object, Any] = {}  # thousands of phrases mean the same trades: one copy of them is kept

        def once(value: T) -> T:
            return cast(T, same.setdefault(value, value))

        entries = (
            _Entry(once(sounds), once(stems), once(tuple(map(once, weights.items()))), worker)
            for sounds, (stems, weights, worker) in merged.items()
        )
        return cls(entries, roles, {row["code"]: row for row in titles})

    def find(self, text: str) -> tuple[Trade, ...]:
        """The likeliest occupations, best first; none when no word was understood."""
        heard = self._hear(read(text)[:_WORDS_READ])
        matches = self._matches(heard)
        strongest: dict[tuple[tuple[str, ...], str], float] = {}
        for entry, strength in matches:
            inside = any(set(entry.stems) < set(other.stems) for other, _ in matches)
            for code, weight in entry.weights:
                key = (entry.stems, code)
                strongest[key] = max(strongest.get(key, 0.0), weight * strength * (_INSIDE if inside else 1.0))
        scores: dict[str, float] = {}
        for (_, code), score in strongest.items():
            scores[code] = scores.get(code, 0.0) + score
        self._take_roles(heard, scores)
        ranked = sorted(scores.items(), key=lambda scored: (-scored[1], scored[0]))
        return tuple(Trade(code, round(score, 3)) for code, score in ranked[:ANSWERS] if score > _LEAST)

    def title(self, code: str, locale: str) -> str:
        """The title to show to a person, in Spanish unless the locale is English. KeyError for an unknown code."""
        return self._titles[code]["en" if locale.startswith("en") else "es"]

    def _hear(self, spoken: list[Word]) -> dict[str, list[_Heard]]:
        """The known stems of a text and where they stand; misspelled and split words are repaired."""
        heard: dict[str, list[_Heard]] = {}
        repairs = 0
        for at, word in enumerate(spoken):
            if word.stem in self._stems:
                self._note(heard, word.sound, at, 1.0, word)
            elif (as_s := word.sound.replace("ch", "s")) in self._sounds:
                self._note(heard, as_s, at, 1.0, word)
            elif repairs < _REPAIRED and len(word.sound) > _TOO_SHORT:
                repairs += 1
                if near := self._near(word.sound):
                    self._note(heard, near, at, _MISSPELLED, word)
            if at + 1 < len(spoken) and (joined := word.sound + spoken[at + 1].sound) in self._sounds:
                self._note(heard, joined, at, 1.0, word)
        return heard

    def _note(self, heard: dict[str, list[_Heard]], sound: str, at: int, trust: float, word: Word) -> None:
        known = self._sounds.get(sound, word.stem)
        heard.setdefault(known, []).append(_Heard(known, sound, at, trust, word.setting))

    def _near(self, sound: str) -> str | None:
        root = made_from(sound)
        if root and (made := self._by_root.get(root) or self._by_root.get(stem(root))):
            return made
        slips = 1 if len(sound) < 8 else 2
        lengths = range(len(sound) - slips, len(sound) + slips + 1)
        alike = [heard for length in lengths for heard in self._repairable.get((sound[0], length), ())]
        found = process.extractOne(sound, alike, scorer=OSA.distance, score_cutoff=slips)
        return str(found[0]) if found else None

    def _matches(self, heard: Mapping[str, list[_Heard]]) -> list[tuple[_Entry, float]]:
        size = len({at.at for found in heard.values() for at in found})
        matches = []
        for known in heard:
            for entry in self._by_stem.get(known, ()):
                if all(part in heard for part in entry.stems) and (trust := _trust(entry, heard)):
                    strength = trust * (1 + _PER_WORD * (len(entry.stems) - 1))
                    matches.append((entry, strength * (_WHOLE if len(entry.stems) >= size else 1.0)))
        return matches

    def _take_roles(self, heard: Mapping[str, list[_Heard]], scores: dict[str, float]) -> None:
        """*Ayudante de plomero*, *encargada de limpieza*: the role moves the trade to its own group."""
        for known in heard:
            rules = self._roles.get(known, ())
            best = sorted(scores.items(), key=lambda scored: -scored[1])[:3]
            for code, score in best:
                shifted = next((to for prefix, to in rules if code.startswith(prefix)), None)
                if shifted and shifted != code:
                    scores[shifted] = max(scores.get(shifted, 0.0), score * 1.05)
                    break


def _trust(entry: _Entry, heard: Mapping[str, list[_Heard]]) -> float:
    """How surely the words of this entry were written: as they are or inflected, well or badly spelled, close by."""
    trust = 1.0
    first = heard[entry.stems[0]][0].at
    trust -= first * _LATER
    for sound, part in zip(entry.sounds, entry.stems, strict=True):
        near = [found for found in heard[part] if abs(found.at - first) <= _REACH]
        if not near:
            return 0.0
        trust *= max(found.trust * _likeness(found, sound) for found in near)
    if len(entry.stems) == 1 and all(found.setting for found in heard[entry.stems[0]]):
        trust *= _SETTING
    return trust


def _likeness(found: _Heard, sound: str) -> float:
    """1 when equal but for number (*techo*, *techos*)."""
    if found.sound.rstrip("s") == sound.rstrip("s"):
        return 1.0
    return _INFLECTED.get(len(found.stem), _INFLECTED_LONG)


def _weights(codes: str) -> Iterable[tuple[str, float]]:
    for part in codes.split():
        code, _, weight = part.partition(":")
        yield code, float(weight or 1)


def _shift(rule: str) -> tuple[str, str]:
    prefix, _, to = rule.partition(">")
    return prefix, to
