"""How well each engine does on lines it has not learnt from: the figures `puente train` prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

from bot import knowledge, learning
from flows.understanding.commands import Commands
from flows.understanding.danger import Dangers
from flows.understanding.occupations import Occupations
from flows.understanding.places import Places
from flows.understanding.scam import Scams
from flows.understanding.services import Services

STORY = frozenset({"narrative", "indirect"})
"""Styles of question that tell the need as a story or without its name."""

Line = Mapping[str, Any]


class Judged(NamedTuple):
    """One line and what an engine made of it. `marks`: each figure it counts for, and whether it was right there."""

    group: str
    text: str
    wanted: str
    got: str
    marks: Mapping[str, bool]


class Figure(NamedTuple):
    """A share of an engine on held-out lines."""

    engine: str
    name: str
    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else 0.0

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.engine:12} {self.name:40} {self.share:.3f} [{low:.3f}–{high:.3f}] {self.hits:5} of {self.of}"

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval."""
        if not self.of:
            return 0.0, 1.0
        z, share = 1.96, self.share
        middle = (share + z * z / (2 * self.of)) / (1 + z * z / self.of)
        half = z * sqrt(share * (1 - share) / self.of + z * z / (4 * self.of**2)) / (1 + z * z / self.of)
        return max(0.0, middle - half), min(1.0, middle + half)


def figures(engine: str, judged: Iterable[Judged]) -> list[Figure]:
    """One figure a mark, in the order the marks appear."""
    counted: dict[str, list[bool]] = {}
    for line in judged:
        for name, right in line.marks.items():
            counted.setdefault(name, []).append(right)
    return [Figure(engine, name, sum(marks), len(marks)) for name, marks in counted.items()]


def services(engine: Services, lines: Iterable[Line]) -> Iterator[Judged]:
    """Questions (`gold`, `expect`, `lang`, `style`), some without an answer of ours, and idle chatter."""
    for line in lines:
        found = engine.find(line["text"])
        gold, direct = set(line.get("gold") or ()), found.decision == "answer"
        marks: dict[str, bool] = {}
        if line.get("expect") == "no_direct_answer":
            tolerated = found.ids[:1] and found.ids[0] in (*gold, *line.get("tolerated", ()))
            marks["no answer of ours, yet answered directly"] = direct and not tolerated
        elif not gold:
            marks["out of scope, answered directly"] = direct
        else:
            first, three = bool(gold & set(found.ids[:1])), bool(gold & set(found.ids[:3]))
            names = ["English"] if line["lang"] == "en" else ["Spanish"]
            names += ["told as a story"] if line["style"] in STORY else []
            for name in names:
                marks |= {f"{name}, first": first, f"{name}, among three": three}
            marks["answered directly"] = direct
            if direct:
                marks["direct answers right"] = first
        group = f"{line.get('lang', 'es')} {line['style']}" if gold else "out of scope"
        yield Judged(group, line["text"], " ".join(sorted(gold)), " ".join((found.decision, *found.ids[:3])), marks)


def dangers(engine: Dangers, lines: Iterable[Line]) -> Iterator[Judged]:
    """Messages with their `kind` and `level`, and harmless ones, `kind` null, by `style`."""
    for line in lines:
        heard = engine.hear(line["text"])
        kind, style = line["kind"], str(line.get("style", "")).split("/")[0]
        if kind is None:
            marks = {f"false alarms on {_harmless(style)}": heard is not None}
        else:
            marks = {"recall": heard is not None}
            if heard is not None:
                marks |= {
                    "kind right": heard.kind == kind,
                    "level right": heard.level == line.get("level", heard.level),
                }
        got = f"{heard.kind} {heard.level}" if heard else "nothing"
        yield Judged(kind or f"harmless {style}", line["text"], f"{kind} {line.get('level')}", got, marks)


LOOK_ALIKES = frozenset({"idiom", "otros_sentidos", "pregunta_mismo_tema", "noticia", "pasado_tranquilo"})
"""Styles of harmless lines that are there because they share words with danger."""


def _harmless(style: str) -> str:
    named = {"story": "stories", "offer": "job offers"}
    return "look-alikes" if style in LOOK_ALIKES else named.get(style, "ordinary messages")


def occupations(engine: Occupations, lines: Iterable[Line]) -> Iterator[Judged]:
    for line in lines:
        codes = [trade.code for trade in engine.find(line["text"])]
        gold, style = set(line["gold"]), str(line.get("style", "words"))
        marks = {f"{style}, first": bool(gold & set(codes[:1])), f"{style}, among three": bool(gold & set(codes[:3]))}
        yield Judged(style, line["text"], " ".join(line["gold"]), " ".join(codes[:3]), marks)


def places(engine: Places, lines: Iterable[Line]) -> Iterator[Judged]:
    """`gold` codes; AMB is to be asked, NONE no place of Guatemala (`abroad` where that is known)."""
    for line in lines:
        where = engine.find(line["text"])
        first = line["gold"][0]
        if first == "AMB":
            marks = {"shared names asked": where.decision == "ask"}
        elif first == "NONE":
            marks = {"not a place of Guatemala": where.decision == "unknown"}
            if line.get("abroad"):
                marks["abroad recognised"] = where.abroad
        else:
            right = where.decision == "place" and where.codes[0] in line["gold"]
            marks = {"right": right, "wrong": where.decision == "place" and not right}
        got = " ".join((where.decision, *where.codes[:3], *(["abroad"] if where.abroad else [])))
        yield Judged(
            {"AMB": "shared", "NONE": "none"}.get(first, "place"), line["text"], " ".join(line["gold"]), got, marks
        )


def scams(engine: Scams, lines: Iterable[Line]) -> Iterator[Judged]:
    for line in lines:
        verdict = engine.judge(line["text"])
        name = "scams red or yellow" if line["scam"] else "honest offers red or yellow"
        got = " ".join((verdict.label, *verdict.reasons))
        yield Judged(
            line["kind"], line["text"], "scam" if line["scam"] else "honest", got, {name: verdict.label != "green"}
        )


def commands(engine: Commands, lines: Iterable[Line]) -> Iterator[Judged]:
    for line in lines:
        heard = engine.hear(line["text"])
        wanted = line["command"]
        right = heard == wanted
        yield Judged(wanted or "none", line["text"], str(wanted), str(heard), {"right": right})


JUDGES: Mapping[str, Callable[..., Iterator[Judged]]] = {
    "services": services, "dangers": dangers, "occupations": occupations, "places": places, "scams": scams,
    "commands": commands,
}  # fmt: skip

LOW = ("out of scope", "no answer of ours", "false alarms", "wrong", "honest offers")
"""How a figure begins that should be low."""


def engines(kept: Path | None = None) -> dict[str, Any]:
    """Every engine, those that learn from lines learnt from the `train` ones alone."""

    def learn_services() -> Services:
        idle = knowledge.out_of_scope("train")
        records = knowledge.facts("services.yaml")["services"]
        return Services.learn(records, knowledge.facts("service_cues.yaml"), knowledge.facts("thesaurus.yaml"), idle)

    def learn_dangers() -> Dangers:
        return Dangers.learn(knowledge.danger_lines("train"), knowledge.danger_patterns())

    return {
        "services": learning.kept(kept, "heldout-services", knowledge.sources("services"), learn_services),
        "dangers": learning.kept(kept, "heldout-dangers", knowledge.sources("dangers"), learn_dangers),
        "occupations": knowledge.trades(),
        "places": knowledge.places(),
        "scams": Scams.learn(knowledge.facts("scam_rules.yaml"), _part("scam_examples.jsonl", "train")),
        "commands": Commands.learn(knowledge.facts("commands.yaml"), knowledge.elsewhere()),
    }


def lines(engine: str) -> Sequence[Line]:
    """Our own held-out lines of an engine: other writers, styles or voices than it has learnt from."""
    match engine:
        case "services":
            return [*knowledge.lines("service_questions_test.jsonl"), *_part("out_of_scope.jsonl", "test")]
        case "dangers":
            calm = [
                {**line, "kind": None, "style": "story" if line["style"] in STORY else "questions"}
                for line in knowledge.lines("service_questions_test.jsonl")
                if not _of_danger(line)
            ]
            return [*knowledge.danger_lines("test"), *calm]
        case "occupations":
            return _part("trades/test.jsonl", "held_out")
        case "places":
            return knowledge.lines("places_test.jsonl")
        case "scams":
            return _part("scam_examples.jsonl", "test")
        case "commands":
            return knowledge.lines("commands_test.jsonl")
    raise ValueError(engine)


def _part(file: str, split: str) -> Sequence[Line]:
    return [line for line in knowledge.lines(file) if line["split"] == split]


def _of_danger(question: Line) -> bool:
    """Whether a question is about a service for people in danger: such a story may well be heard as one."""
    records = {record["id"]: record for record in knowledge.facts("services.yaml")["services"]}
    about = [records[id]["dimension"] for id in question["gold"] if id in records]
    return not {"proteccion", "psicosocial", "salud", "social"}.isdisjoint(about)
