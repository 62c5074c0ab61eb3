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
    if "dev" in parts and given.dev:
        for title, judged in dev(engines, given.dev):
            table(title, judged)
            errors(judged)
    if "without" in parts:
        understanding_without.main(engines)
    if "speed" in parts:
        understanding_speed.main(KEPT)
    if "rivals" in parts:
        understanding_rivals.main(engines["services"])


def held(name: str, judged: list[Judged]) -> None:
    table(f"{name}: our own held-out lines", judged)
    groups: dict[str, list[Judged]] = {}
    for line in judged:
        groups.setdefault(line.group, []).append(line)
    if len(groups) > 1:
        for group in sorted(groups):
            print(f"  {group}")
            for figure in heldout.figures(name, groups[group]):
                show(figure, indent=4)
    errors(judged)


def table(title: str, judged: Sequence[Judged]) -> None:
    print(f"\n{title} ({len(judged)} lines)")
    for figure in heldout.figures(title, judged):
        show(figure)


def show(figure: Figure, indent: int = 2) -> None:
    low, high = figure.interval
    name = f"{'':{indent}}{figure.name}"
    print(f"{name:46} {figure.share:6.3f}  {low:.3f}–{high:.3f}  {figure.hits:4} of {figure.of}")


def errors(judged: Iterable[Judged]) -> None:
    """The worst first: what is wrong on most counts, and an answer that is wrong before one that is missing."""
    wrong = [(line, sum(right == name.startswith(LOW) for name, right in line.marks.items())) for line in judged]
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
