"""How well people are understood: `python -m tests.bench understanding [--dev FOLDER] [--only PART …]`.

Parts: `held` (our own held-out lines, by group, with the worst errors), `dev` (the lines of a folder), `without`
(each part of an engine off), `speed` (times, memory, start-up) and `rivals` (rapidfuzz and SQLite FTS5 on the same
questions). Engines that learn are learnt from training lines alone.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bot import heldout
from bot.heldout import LOW, Figure, Judged
from tests.bench import understanding_rivals, understanding_speed, understanding_without

PARTS = ("held", "dev", "without", "speed", "rivals")
WORST = 10
CUT = 110

BARS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "services": {
        "Spanish, first": (0.78, 0.90), "Spanish, among three": (0.90, 0.97),
        "told as a story, first": (0.50, 0.70), "told as a story, among three": (0.70, 0.88),
        "English, first": (0.70, 0.85), "English, among three": (0.88, 0.95),
        "direct answers right": (0.92, 0.97), "answered directly": (0.50, 0.70),
        "out of scope, answered directly": (0.02, 0.005),
    },
    "dangers": {
        "recall": (0.90, 0.98), "false alarms on ordinary messages": (0.08, 0.03),
        "false alarms on look-alikes": (0.25, 0.08), "answered directly as an ordinary question": (0.01, 0.0),
    },
    "occupations": {
        "words, first": (0.75, 0.92), "words, among three": (0.88, 0.98),
        "activity, first": (0.55, 0.75), "activity, among three": (0.72, 0.90),
    },
    "places": {"right": (0.95, 0.99), "wrong": (0.02, 0.005), "shared names asked": (1.0, 1.0),
               "abroad recognised": (1.0, 1.0)},
    "scams": {"scams red or yellow": (0.92, 0.98), "honest offers red or yellow": (0.12, 0.04)},
    "commands": {"right": (0.93, 0.99)},
}  # fmt: skip
"""What each figure must reach, and what we are out for."""

KEPT = Path(__file__).parents[2] / ".pytest_cache" / "learnt"
"""Where what is learnt for tests and measurements is kept between runs."""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench understanding", description=__doc__)
    parser.add_argument("--dev", type=Path, help="a folder of further lines")
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part; may be given again")
    given = parser.parse_args(arguments)
    parts = given.only or [part for part in PARTS if part != "dev" or given.dev]
    engines = heldout.engines(KEPT)
    if "held" in parts:
        for name in engines:
            held(name, list(heldout.JUDGES[name](engines[name], heldout.lines(name))))
        table("dangers", list(through(engines)), "dangers through the whole path")
    if "dev" in parts and given.dev:
        for title, judged in dev(engines, given.dev):
            table(title.rpartition(": ")[2], judged, title)
            errors(judged)
    if "without" in parts:
        understanding_without.main(engines)
    if "speed" in parts:
        understanding_speed.main(KEPT)
    if "rivals" in parts:
        understanding_rivals.main(engines["services"])


def held(name: str, judged: list[Judged]) -> None:
    table(name, judged, f"{name}: our own held-out lines")
    groups: dict[str, list[Judged]] = {}
    for line in judged:
        groups.setdefault(line.group, []).append(line)
    if len(groups) > 1:
        for group in sorted(groups):
            print(f"  {group}")
            for figure in heldout.figures(name, groups[group]):
                show(figure, indent=4)
    errors(judged)


def through(engines: Mapping[str, Any]) -> Iterator[Judged]:
    """Dangers that no engine heard as one or as a command, and that were answered as a question about a service."""
    for line in heldout.lines("dangers"):
        if line["kind"] is None:
            continue
        passed = engines["dangers"].hear(line["text"]) is None and engines["commands"].hear(line["text"]) is None
        found = engines["services"].find(line["text"]) if passed else None
        answered = found is not None and found.decision == "answer"
        got = " ".join(found.ids[:1]) if found and answered else "heard, or asked back"
        marks = {"answered directly as an ordinary question": answered}
        yield Judged(line["kind"], line["text"], f"{line['kind']} {line['level']}", got, marks)


def table(engine: str, judged: Sequence[Judged], title: str) -> None:
    print(f"\n{title} ({len(judged)} lines){'':6} share  95 % interval                bar   aim")
    for figure in heldout.figures(engine, judged):
        show(figure)


def show(figure: Figure, indent: int = 2) -> None:
    low, high = figure.interval
    name = f"{'':{indent}}{figure.name}"
    print(f"{name:46} {figure.share:6.3f}  {low:.3f}–{high:.3f}  {figure.hits:4} of {figure.of:4}  {reached(figure)}")


def reached(figure: Figure) -> str:
    """The bar and the aim of a figure, and whether it is there."""
    if figure.name not in BARS.get(figure.engine, {}):
        return ""
    bar, aim = BARS[figure.engine][figure.name]
    low = figure.name.startswith((*LOW, "answered directly as"))
    there = [figure.share <= goal if low else figure.share >= goal for goal in (bar, aim)]
    return f"{bar:5.3g} {aim:5.3g}  {'aim' if there[1] else 'bar' if there[0] else 'BELOW'}"


def errors(judged: Iterable[Judged]) -> None:
    """The worst first: what is wrong on most counts, and an answer that is wrong before one that is missing."""
    wrong = [
        (
            line,
            sum(right == name.startswith(LOW) for name, right in line.marks.items() if name != "answered directly"),
        )
        for line in judged
    ]
    worst = sorted((found for found in wrong if found[1]), key=lambda found: (-found[1], found[0].got == "nothing"))
    if worst:
        print(f"  worst {min(WORST, len(worst))} of {len(worst)}")
    for line, _count in worst[:WORST]:
        print(f"    {line.text[:CUT]!r}\n      wanted {line.wanted or 'nothing'}; got {line.got}")


def dev(engines: Mapping[str, Any], folder: Path) -> Iterator[tuple[str, list[Judged]]]:
    """Every file of the folder we know the shape of, judged by the engine it is for."""
    for file in sorted(folder.glob("*.jsonl")):
        lines = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]
        for start, judge in SHAPES.items():
            if file.stem.startswith(start):
                yield from judge(engines, file.stem, lines)


def _urgent(engines: Mapping[str, Any], name: str, lines: list[Any]) -> Iterator[tuple[str, list[Judged]]]:
    """Danger to be heard; its kinds have names of their own, so only that is counted."""
    heard = [(line, engines["dangers"].hear(line["text"])) for line in lines]
    yield f"{name}: dangers", [
        Judged(line["style"], line["text"], line["style"], f"{found.kind} {found.level}" if found else "nothing",
               {"recall": found is not None}) for line, found in heard
    ]  # fmt: skip


def _asked(engines: Mapping[str, Any], name: str, lines: list[Any]) -> Iterator[tuple[str, list[Judged]]]:
    yield f"{name}: services", list(heldout.services(engines["services"], lines))
    calm = ({**line, "kind": None, "style": "questions"} for line in lines)
    yield f"{name}: dangers", list(heldout.dangers(engines["dangers"], calm))


def _one(engine: str) -> Callable[..., Iterator[tuple[str, list[Judged]]]]:
    def judge(engines: Mapping[str, Any], name: str, lines: list[Any]) -> Iterator[tuple[str, list[Judged]]]:
        yield f"{name}: {engine}", list(heldout.JUDGES[engine](engines[engine], lines))

    return judge


SHAPES: Mapping[str, Callable[..., Iterator[tuple[str, list[Judged]]]]] = {
    "services_urgent": _urgent,
    "services_questions": _asked,
    "services_out": _asked,
    "oos": _asked,
    "occupations": _one("occupations"),
    "places": _one("places"),
    "danger": _one("dangers"),
    "scam": _one("scams"),
    "command": _one("commands"),
}
"""How a file's name begins, and what its lines are for; the longer beginning first."""
