"""Finds the services that answer what a person needs, and knows when it should ask or say that it does not know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from flows.understanding import softmax
from flows.understanding.concepts import Concepts
from flows.understanding.ngrams import Ngrams
from flows.understanding.typed import key, spelled

SHOWN = ("yes", "confirm_first")
"""What `ship` says of a record that people may be told about."""

ANSWER, MENU = 0.55, 0.25
"""From which score the first service is the answer, and from which it is worth offering three."""

NEAR = 0.4
"""How much a service that only comes close to a need counts when a menu is ordered; it never counts as an answer."""

NEXT = 0.98
"""How much less each further service of a need counts, so that they keep their order."""

ROUNDS = 4
CUE, ABOUT = 1.0, 0.5
"""How much a cue word and a sentence of the record itself count beside a whole message somebody wrote."""

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
    counts: float


class Services:
    """The directory as people ask for it."""

    def __init__(self, needs: Sequence[Need], ngrams: Ngrams, weights: softmax.Weights) -> None:
        self._needs = needs
        self._ngrams = ngrams
        self._weights = weights

    @classmethod
    def learn(cls, records: Sequence[Mapping[str, Any]], cues: Mapping[str, Any], thesaurus: Mapping[str, Any],
              out_of_scope: Sequence[str]) -> Services:
        """Learns the directory (services.yaml `services`) from what people say (service_cues.yaml, thesaurus.yaml).

        `out_of_scope`: messages no service answers. Records without cues are learnt from their own words.
        Deterministic; about a second.
        """
        needs, examples = _needs(records, cues, out_of_scope)
        lexicon = {**thesaurus, **_names(records, cues)}
        words = (key(word) for example in examples for word in spelled(example.text))
        ngrams = Ngrams(Concepts(lexicon, words), (example.text for example in examples))
        weights = softmax.fit(
            ngrams.rows, [example.need for example in examples], [example.counts for example in examples],
            len(ngrams), len(needs), ROUNDS,
        )
        return cls(needs, ngrams, weights)

    def find(self, text: str) -> Decision:
        """What a message asks for. Never raises; a few tenths of a millisecond."""
        right, close = self._chances(text)
        first = max(right.values(), default=0.0)
        ids = tuple(sorted(close, key=lambda id: (-close[id], id))[:MOST])
        score = round(min(first, 1.0), 3)
        if score >= ANSWER:
            ids = tuple(sorted(right, key=lambda id: (-right[id], id))[:MOST])
            return Decision("answer", ids, score)
        offered = sum(sorted(close.values(), reverse=True)[:3])
        return Decision("menu" if offered >= MENU else "unknown", ids, score)

    def _chances(self, text: str) -> tuple[dict[str, float], dict[str, float]]:
        """How likely each service is right, and the same with those that only come close."""
        right: dict[str, float] = {}
        close: dict[str, float] = {}
        for need, chance in zip(self._needs, self._weights.probabilities(self._ngrams.row(text)).tolist(), strict=True):
            for id in need.ids:
                right[id] = right.get(id, 0.0) + chance
                close[id] = close.get(id, 0.0) + chance
                chance *= NEXT
            for id in need.near:
                close[id] = close.get(id, 0.0) + chance * NEAR
        return right, close


def _needs(records: Sequence[Mapping[str, Any]], cues: Mapping[str, Any],
           out_of_scope: Sequence[str]) -> tuple[list[Need], list[Example]]:
    """Every need (one a record, the shared ones, and nothing-of-ours) and its examples."""
    shown = {str(record["id"]) for record in records if record.get("ship") in SHOWN}
    needs: list[Need] = []
    examples: list[Example] = []

    def add(ids: Iterable[str], near: Iterable[str], said: Iterable[tuple[str, float]]) -> None:
        examples.extend(Example(text, len(needs), counts) for text, counts in said)
        needs.append(Need(tuple(id for id in ids if id in shown), tuple(id for id in near if id in shown)))

    of_records = cues.get("records") or {}
    for record in records:
        add([str(record["id"])], (), (*_said(of_records.get(record["id"]) or {}), *_about(record)))
    for need in (cues.get("needs") or {}).values():
        add(need.get("ids") or (), need.get("near") or (), _said(need))
    add((), (), ((text, 1.0) for text in out_of_scope))
    return needs, examples


def _names(records: Sequence[Mapping[str, Any]], cues: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Each record's names as an idea of its own: who names an institution means it, whatever else they say."""
    known = cues.get("records") or {}
    return {
        f"{record['id']}": {"phrases": [str(name) for name in (known.get(record["id"]) or {}).get("names") or
                                        _ACRONYM.findall(str(record.get("name_es") or ""))]}
        for record in records
    }


def _said(entry: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for text in entry.get("cues") or ():
        yield str(text), CUE
    for language in ("es", "en"):
        for text in entry.get(language) or ():
            yield str(text), 1.0


def _about(record: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """A record's own words: its name, and what it says it does and for whom."""
    yield str(record.get("name_es") or record["id"]), 1.0
    yield str(record.get("institution") or ""), ABOUT
    for text in (*(record.get("facts") or ()), record.get("for_whom") or ""):
        yield str(text), ABOUT
