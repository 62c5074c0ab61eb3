"""Finds the services that answer what a person needs, and knows when it should ask or say that it does not know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from math import exp, log
from typing import Any, NamedTuple

from flows.understanding import softmax
from flows.understanding.concepts import Concepts
from flows.understanding.ngrams import Ngrams, Row, traits
from flows.understanding.typed import key, spelled

SHOWN = ("yes", "confirm_first")
"""What `ship` says of a record that people may be told about."""

ANSWER, MENU = 0.75, 0.2
"""From which score the first service is the answer, and from which likelihood of the first three they are offered."""

SLOPE, LENGTH, LIFT = 0.8, 0.4, 0.25
"""How a probability and a message's length become a score that is right as often as it says; fitted on messages the
weights had not seen (`python -m tests.understanding.report calibration`)."""

NEAR = 0.4
"""How much a service that only comes close to a need counts when a menu is ordered; it never counts as an answer."""

NEXT = 0.98
"""How much less each further service of a need counts, so that they keep their order."""

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
        self._needs = needs
        self._concepts = concepts
        self._ngrams = ngrams
        self._weights = weights

    @classmethod
    def learn(cls, records: Sequence[Mapping[str, Any]], cues: Mapping[str, Any], thesaurus: Mapping[str, Any],
              out_of_scope: Sequence[str]) -> Services:
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
        right, close = self._chances(self._ngrams.row(read))
        best, nearest = _ranked(right), _ranked(close)
        score = _score(right[best[0]], sum(" " not in word for word in read.words)) if best else 0.0
        if score >= ANSWER:
            return Decision("answer", best, score)
        offered = sum(close[id] for id in nearest[:3])
        return Decision("menu" if offered >= MENU else "unknown", nearest, score)

    def _chances(self, row: Row) -> tuple[dict[str, float], dict[str, float]]:
        """How likely each service is right, and the same with those that only come close."""
        right: dict[str, float] = {}
        close: dict[str, float] = {}
        for need, chance in zip(self._needs, self._weights.probabilities(row).tolist(), strict=True):
            for id in need.ids:
                right[id] = right.get(id, 0.0) + chance
                close[id] = close.get(id, 0.0) + chance
                chance *= NEXT
            for id in need.near:
                close[id] = close.get(id, 0.0) + chance * NEAR
        return right, close


def _ranked(chances: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(sorted(chances, key=lambda service: (-chances[service], service))[:MOST])


def _score(chance: float, length: int) -> float:
    held = min(max(chance, 1e-6), 1 - 1e-6)
    return round(1 / (1 + exp(-(SLOPE * log(held / (1 - held)) + LENGTH * log(1 + length) + LIFT))), 3)


def _needs(records: Sequence[Mapping[str, Any]], cues: Mapping[str, Any],
           out_of_scope: Sequence[str]) -> tuple[list[Need], list[Example]]:
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
        found[f"@{record['id']}"] = {"phrases": [name for name in map(str, names) if spelled(name)]}
    return found


def _said(entry: Mapping[str, Any]) -> list[str]:
    return [str(text) for kind in ("cues", "es", "en") for text in entry.get(kind) or ()]


def _name(record: Mapping[str, Any]) -> str:
    return str(record.get("name_es") or record["id"])


def _about(record: Mapping[str, Any]) -> list[str]:
    """A record's own words, for one nobody has asked for yet: what it does, where, and for whom."""
    facts, tags = record.get("facts") or (), record.get("tags") or ()
    return [str(line) for line in (record.get("institution"), *facts, record.get("for_whom"), *tags) if line]
