"""Finds the services that answer what a person needs, and knows when it should ask or say that it does not know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import exp, log
from typing import Any, NamedTuple

import numpy as np

from flows.understanding import softmax
from flows.understanding.concepts import Concepts
from flows.understanding.ngrams import Floats, Ngrams, traits
from flows.understanding.normalise import fold
from flows.understanding.typed import key, spelled

SHOWN = ("yes", "confirm_first")
"""What `ship` says of a record that people may be told about."""

ANSWER, MENU = 0.8, 0.15
"""From which score the first service is the answer, and how likely one of three must be right to offer them."""

SLOPE, LENGTH, LIFT = 0.79, 0.51, 0.11
"""How a probability and a message's length become a score that is right as often as it says; fitted on messages the
weights had not seen (`python -m tests.understanding.report services calibration`)."""

NEAR = 0.4
"""How much a service that only comes close to a need counts in a menu; it never counts as an answer."""

NEXT = 0.98
"""How much less each further service of a need counts, so that they keep their order."""

LEFT = 0.3
"""What is left of a need once a service for it is listed: a menu shows different ways to understand the message."""

ROUNDS = 3

MOST = 5

_ACRONYM = re.compile(r"\b[A-ZÁÉÍÓÚÑ]{3,}\b")


class Decision(NamedTuple):
    """What a message asks for: `answer` (state the first service), `menu` (offer the first three) or `unknown`.

    `ids`: at most five services, best first; with `unknown` they are only what came closest, for staff.
    `score`: how likely the first service is right, 0…1.
    """

    decision: str
    ids: tuple[str, ...]
    score: float


class Need(NamedTuple):
    """Something people come for: the services that answer it, best first, and those that only come close."""

    ids: tuple[str, ...]
    near: tuple[str, ...] = ()


class Example(NamedTuple):
    """A text that stands for a need."""

    text: str
    need: int


class Services:
    """The directory as people ask for it."""

    def __init__(self, needs: Sequence[Need], concepts: Concepts, ngrams: Ngrams, weights: softmax.Weights) -> None:
        self._ids = sorted({id for need in needs for id in (*need.ids, *need.near)})
        self._right = np.zeros((len(needs), len(self._ids)), np.float32)
        for at, need in enumerate(needs):
            for rank, id in enumerate(need.ids):
                self._right[at, self._ids.index(id)] = NEXT**rank
        self._close = self._right.copy()
        for at, need in enumerate(needs):
            for rank, id in enumerate(need.near):
                self._close[at, self._ids.index(id)] = NEAR * NEXT**rank
        self._concepts = concepts
        self._ngrams = ngrams
        self._weights = weights

    @classmethod
    def learn(
        cls,
        records: Sequence[Mapping[str, Any]],
        cues: Mapping[str, Any],
        thesaurus: Mapping[str, Any],
        out_of_scope: Sequence[str],
    ) -> Services:
        """Learns the directory (services.yaml `services`) from what people say (service_cues.yaml, thesaurus.yaml).

        `out_of_scope`: messages no service answers. Records without cues are learnt from their own words.
        Deterministic; one to two seconds. What is learnt can be pickled.
        """
        needs, examples = _needs(records, cues, out_of_scope)
        words = {word for example in examples for word in spelled(example.text)}
        concepts = Concepts({**thesaurus, **_names(records, cues)}, map(key, sorted(words)))
        read = [traits(concepts, example.text) for example in examples]
        ngrams = Ngrams(read)
        rows = [ngrams.row(each) for each in read]
        weights = softmax.fit(rows, [example.need for example in examples], len(ngrams), len(needs), ROUNDS)
        return cls(needs, concepts, ngrams, weights)

    def find(self, text: str) -> Decision:
        """What a message asks for. Never raises; a few tenths of a millisecond."""
        read = traits(self._concepts, text)
        chances = self._weights.probabilities(self._ngrams.row(read))
        if not self._ids:
            return Decision("unknown", (), 0.0)
        score = _score(float((chances @ self._right).max()), sum(" " not in word for word in read.words))
        if score >= ANSWER:
            return Decision("answer", self._named(_listed(chances, self._right)), score)
        places = _listed(chances, self._close)
        likely = float((chances * self._close[:, places[:3]].max(1)).sum())
        return Decision("menu" if likely >= MENU else "unknown", self._named(places), score)

    def _named(self, places: Iterable[int]) -> tuple[str, ...]:
        return tuple(self._ids[place] for place in places)


def _listed(chances: Floats, serves: Floats) -> list[int]:
    """The likeliest service, then the likeliest for what the first does not answer, and so on."""
    left = chances.copy()
    listed: list[int] = []
    for _ in range(min(MOST, serves.shape[1])):
        likely = left @ serves
        likely[listed] = -1
        best = int(likely.argmax())
        listed.append(best)
        left[serves[:, best] > 0] *= LEFT
    return listed


def _score(chance: float, length: int) -> float:
    held = min(max(chance, 1e-6), 1 - 1e-6)
    return round(1 / (1 + exp(-(SLOPE * log(held / (1 - held)) + LENGTH * log(1 + length) + LIFT))), 3)


def _needs(
    records: Sequence[Mapping[str, Any]], cues: Mapping[str, Any], out_of_scope: Sequence[str]
) -> tuple[list[Need], list[Example]]:
    """Every need (one a record, the shared ones, and nothing-of-ours) and its examples."""
    shown = {str(record["id"]) for record in records if record.get("ship") in SHOWN}
    needs: list[Need] = []
    examples: list[Example] = []

    def add(ids: Iterable[str], near: Iterable[str], said: Iterable[str]) -> None:
        examples.extend(Example(text, len(needs)) for text in said)
        needs.append(Need(tuple(id for id in ids if id in shown), tuple(id for id in near if id in shown)))

    of_records = cues.get("records") or {}
    for record in records:
        said = _said(of_records.get(record["id"]) or {})
        add([str(record["id"])], (), (_name(record), *(said or _about(record))))
    for need in (cues.get("needs") or {}).values():
        add(need.get("ids") or (), need.get("near") or (), _said(need))
    add((), (), out_of_scope)
    return needs, examples


def _names(records: Sequence[Mapping[str, Any]], cues: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Each record's names as an idea of its own: who names an institution means it, whatever else they say."""
    known = cues.get("records") or {}
    found = {}
    for record in records:
        names = (known.get(record["id"]) or {}).get("names") or _ACRONYM.findall(str(record.get("name_es") or ""))
        found[f"@{record['id']}"] = {"phrases": [plain for name in names if (plain := fold(str(name)))]}
    return found


def _said(entry: Mapping[str, Any]) -> list[str]:
    return [str(text) for kind in ("cues", "es", "en") for text in entry.get(kind) or ()]


def _name(record: Mapping[str, Any]) -> str:
    return str(record.get("name_es") or record["id"])


def _about(record: Mapping[str, Any]) -> list[str]:
    """A record's own words, for one nobody has asked for yet: what it does, where, and for whom."""
    facts, tags = record.get("facts") or (), record.get("tags") or ()
    return [str(line) for line in (record.get("institution"), *facts, record.get("for_whom"), *tags) if line]
