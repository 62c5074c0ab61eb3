"""Hears danger in what people write: whether somebody is at risk, what kind of risk, and how soon help is needed.

Recall comes first: a false alarm costs the person one tap, a missed one may cost a life. A message is read for ideas
(who, what harm, to whom, when), for scenes they make together, and weighed by what labelled messages have taught.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from flows.understanding.age import declared_age, is_minor
from flows.understanding.levels import level
from flows.understanding.linear import SIZE, Floats, learn, table
from flows.understanding.normalise import MATCHED
from flows.understanding.phrases import Token
from flows.understanding.traits import Traits, breadth
from flows.understanding.typed import spelled

KINDS = (
    "suicide_selfharm",
    "immediate_danger",
    "medical_emergency",
    "child_alone_or_missing",
    "sexual_violence",
    "partner_or_family_violence",
    "trafficking_or_forced_labour",
    "extortion_or_threats",
    "missing_relative_on_route",
    "minor_writing_alone",
    "official_abuse",
    "no_shelter_tonight",
    "hunger_or_stranded",
)
"""The kinds of danger, the most severe first; the order decides between two that are as likely."""

ALARM = -1.6
"""Log-odds from which a message is danger; below even, because a missed message costs more than a false alarm."""

APART, AROUND, ABOUT = 2.0, 10, 10
"""How much surer a part must be than the whole, when so many words stand around it, growing over so many more: beside
a greeting or a question danger is danger, but a long story of bad times has its dreadful sentence."""

SURE = 1.5
"""Log-odds given to a message that says danger in plain words ("auxilio", "me quieren matar")."""

KIND_SIZE = 1 << 15
RIDGE, ROUNDS = 3e-5, 20
KIND_RIDGE, KIND_ROUNDS = 1e-4, 12
LONG, WINDOW, SENTENCES = 26, 20, 40
"""Words after which a message is also read in overlapping windows of so many words, so that small talk cannot drown
a cry for help; and how many sentences of one are looked at."""

_SENTENCE = re.compile(r"[.!?;\n…]+\s*")


class Danger(NamedTuple):
    """The kind of danger heard, its level (R0 now, R1 the same day, R2 within 72 hours) and how sure (0 to 1)."""

    kind: str
    level: str
    score: float


class Dangers:
    """The learnt ear for danger."""

    def __init__(self, traits: Traits, alarm: Floats, kinds: Floats) -> None:
        self._traits = traits
        self._alarm = alarm
        self._kinds = kinds
        self._spellings = traits.spellings(alarm)

    @classmethod
    def learn(
        cls,
        lines: Sequence[Mapping[str, Any]],
        patterns: Mapping[str, Any],
        weights: Mapping[str, Floats] | None = None,
    ) -> Self:
        """From labelled lines ({"text", "kind" or None}) and the lexicon; the same lines give the same ear.

        `patterns`: {"concepts": concepts.yaml, "ordinary": the list of ordinary.yaml, **scenes.yaml}.
        `weights`: what `train` returned for the same lines and patterns, to start faster.
        """
        traits = _traits(lines, patterns)
        weights = weights or _train(traits, lines)
        return cls(traits, weights["alarm"], weights["kinds"])

    @staticmethod
    def train(lines: Sequence[Mapping[str, Any]], patterns: Mapping[str, Any]) -> dict[str, Floats]:
        """The weights alone ("alarm" one row, "kinds" one a kind), to keep between starts."""
        return _train(_traits(lines, patterns), lines)

    def hear(self, text: str) -> Danger | None:
        """The most severe danger in a text, or None. Reads the first `MATCHED` characters; never raises."""
        best: tuple[float, list[Token]] | None = None
        parts = self._parts(text)  # the whole comes first
        for part in parts:
            score = self._weigh(part) - _doubt(len(parts[0]) - len(part))
            if best is None or score > best[0]:
                best = (score, part)
        minor = is_minor(text)
        if best is None or (best[0] < ALARM and not minor):
            return None
        score, tokens = best
        kind = self._kind(tokens) if score >= ALARM else "minor_writing_alone"
        if kind == "minor_writing_alone" and not minor and declared_age(text) is not None:
            return None  # "tengo 34" sounds like "tengo 14"
        chance = 1.0 / (1.0 + np.exp(ALARM - max(score, ALARM if minor else score)))
        ideas = frozenset(idea for token in tokens for idea in token.ideas)
        return Danger(kind, level(kind, ideas, minor), round(float(chance), 3))

    def _parts(self, text: str) -> list[list[Token]]:
        """The whole message, its sentences when it has several, and windows when it is long.

        Of many sentences and windows only those in which a scene of danger stands are weighed.
        """
        met: dict[str, Sequence[Token]] = {}
        whole = self._traits.tokens(text, met)
        if len(whole) < 6:
            return [whole] if whole else []
        sentences = [part for part in _SENTENCE.split(text[:MATCHED]) if part.strip()][:SENTENCES]
        read = [self._traits.tokens(sentence, met) for sentence in sentences] if len(sentences) > 1 else []
        few = len(read) < 4
        parts = [part for part in read if part and ((few and len(part) <= LONG) or self._traits.scenes(part))]
        if len(whole) > LONG:
            scenes = self._traits.stages(whole)
            for at in range(0, len(whole) - WINDOW // 2, WINDOW // 2):
                if any(at <= first and last <= at + WINDOW for first, last in scenes):
                    parts.append(whole[at : at + WINDOW])
        return [whole, *parts]

    def _weigh(self, tokens: Sequence[Token]) -> float:
        places, values = self._traits.meaning(tokens)
        score = float(np.dot(self._alarm[places], np.array(values, np.float32)))
        score += self._traits.spelling(tokens, self._alarm, self._spellings)
        score = score * breadth(tokens) + float(self._alarm[-1])
        if score < SURE and self._traits.plain(tokens):
            return SURE
        return score

    def _kind(self, tokens: Sequence[Token]) -> str:
        places, values = self._traits.outline(tokens, KIND_SIZE)
        scores = self._kinds[:, places] @ np.array(values, np.float32) + self._kinds[:, -1]
        return KINDS[int(np.argmax(scores))]


def _doubt(around: int) -> float:
    return APART * min(1.0, max(0.0, (around - AROUND) / ABOUT))


def _traits(lines: Sequence[Mapping[str, Any]], patterns: Mapping[str, Any]) -> Traits:
    written = [word for line in lines for word in spelled(line["text"])]
    return Traits(patterns, [*written, *patterns["ordinary"]])


def _train(traits: Traits, lines: Sequence[Mapping[str, Any]]) -> dict[str, Floats]:
    met: dict[str, Sequence[Token]] = {}
    read = [traits.tokens(line["text"], met) for line in lines]
    said = [at for at, tokens in enumerate(read) if tokens]
    danger = np.array([lines[at]["kind"] is not None for at in said], np.float32)
    alarm = learn(table([traits.row(read[at]) for at in said], SIZE, rarity=True), danger, RIDGE, ROUNDS)
    told = [at for at in said if lines[at]["kind"]]
    outlines = table([traits.outline(read[at], KIND_SIZE) for at in told], KIND_SIZE, rarity=True)
    kinds = []
    for kind in KINDS:
        truth = np.array([lines[at]["kind"] == kind for at in told], np.float32)
        kinds.append(learn(outlines, truth, KIND_RIDGE, KIND_ROUNDS, KIND_SIZE))
    return {"alarm": alarm, "kinds": np.stack(kinds)}
