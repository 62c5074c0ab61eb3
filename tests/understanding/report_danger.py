"""Prints how well danger and commands are heard on lines nobody taught.

`python -m tests.understanding.report_danger` learns from the lines marked `train` only and judges the `test` lines,
whose writers it has not read: shares with 95 % intervals by kind, writer and sort, confusions, disguises, CPU and the
ten worst errors. `--errors` lists all it got wrong; `--ablations` prints the figures with each part left out.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from math import sqrt
from typing import Any

from bot import heldout
from bot.knowledge import danger_lines, danger_patterns, elsewhere, facts, lines
from flows.understanding.commands import Commands
from flows.understanding.danger import Dangers
from tests.bench import understanding_without
from tests.understanding.mutations import mutated

Line = Mapping[str, Any]
WORST = 10

FORTY = ("mi esposo quiere sacar su licencia de moto", "busco trabajo de albañil en Quetzaltenango",
         "mi marido me pega cuando llega borracho")  # fmt: skip


@cache
def learnt() -> Dangers:
    """The ear for danger, taught by the train lines alone."""
    return Dangers.learn(danger_lines("train"), danger_patterns())


@cache
def commands() -> Commands:
    """The ear for commands."""
    return Commands.learn(facts("commands.yaml"), elsewhere())


def share(right: int, of: int) -> str:
    """A share with its 95 % interval (Wilson)."""
    if not of:
        return "none"
    p, z = right / of, 1.96
    middle = (p + z * z / (2 * of)) / (1 + z * z / of)
    half = z * sqrt(p * (1 - p) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return f"{p:.3f} [{middle - half:.3f} {middle + half:.3f}] of {of}"


def is_look_alike(line: Line) -> bool:
    """Whether a harmless line shares its words with danger."""
    return str(line["style"]).split("/")[0] in heldout.LOOK_ALIKES


def _by(name: str, found: Iterable[tuple[str, bool]]) -> None:
    groups: dict[str, list[bool]] = defaultdict(list)
    for group, right in found:
        groups[group].append(right)
    for group, rights in sorted(groups.items()):
        print(f"  {name} {group:32} {share(sum(rights), len(rights))}")


def _milliseconds(hear: Callable[[str], object], text: str, times: int) -> str:
    taken = []
    for _ in range(times):
        start = time.process_time_ns()
        hear(text)
        taken.append((time.process_time_ns() - start) / 1e6)
    taken.sort()
    return f"p50 {taken[len(taken) // 2]:.3f} ms, p95 {taken[int(len(taken) * 0.95)]:.3f} ms"


def report_danger(errors: bool) -> None:
    """Recall, false alarms, kinds, levels, mutations and CPU; with `errors` all of them, else the ten worst."""
    start = time.process_time()
    hear = learnt().hear
    print(f"danger: learnt in {time.process_time() - start:.1f} s of CPU")
    _figures(learnt())
    told = [(line, hear(line["text"])) for line in heldout.lines("dangers")]
    real = [(line, heard) for line, heard in told if line["kind"]]
    alarms = sorted(((h.score, line, h) for line, h in told if h and not line["kind"]), key=lambda one: -one[0])
    heard_real = [(line, heard) for line, heard in real if heard]
    _by("recall by kind", ((line["kind"], heard is not None) for line, heard in real))
    _by("kind right", ((line["kind"], heard.kind == line["kind"]) for line, heard in heard_real))
    _by("level right", ((line["kind"], heard.level == line["level"]) for line, heard in heard_real))
    _by("recall by writer", ((line["style"], heard is not None) for line, heard in real))
    _by("false alarms on", ((_sort(line), heard is not None) for line, heard in told if not line["kind"]))
    mistaken = Counter((line["kind"], heard.kind) for line, heard in heard_real if heard.kind != line["kind"])
    for (kind, other), times in mistaken.most_common(WORST):
        print(f"  {times} x {kind} heard as {other}")
    changes = ((name, hear(changed)) for line, _ in heard_real for name, changed in mutated(line["text"]))
    _by("still heard after", ((name, heard is not None) for name, heard in changes))
    for text in FORTY:
        print(f"CPU, {len(text)} characters: {_milliseconds(hear, text, 500)}")
    print("CPU, 1000 characters:", _milliseconds(hear, (FORTY[0] + ". ") * 23, 30))
    missed = [line for line, heard in real if not heard]
    for line in missed if errors else missed[:WORST]:
        print("  missed", line["kind"], "|", line["text"])
    for score, line, heard in alarms if errors else alarms[:WORST]:
        print("  false ", heard.kind, score, "|", line["text"])


def report_parts() -> None:
    """The same figures with a part of the ear missing."""
    for name, made in understanding_without.dangers():
        print(f"danger, {name}")
        _figures(made())


def _figures(ear: Dangers) -> None:
    for figure in heldout.figures("danger", heldout.dangers(ear, heldout.lines("dangers"))):
        print(figure)


def _sort(line: Line) -> str:
    """What sort of harmless line it is; the many styles of small talk are one."""
    style = str(line["style"]).split("/")[0]
    return style if style in heldout.LOOK_ALIKES | {"story", "offer", "questions", "trabajo"} else "small talk"


def report_commands(errors: bool) -> None:
    """Right answers on unseen commands and on messages that only look like one."""
    hear = commands().hear
    told = [(line, hear(line["text"])) for line in lines("commands_test.jsonl")]
    print("commands right        ", share(sum(heard == line["command"] for line, heard in told), len(told)))
    others = [heard is not None for line, heard in told if not line["command"]]
    print("others taken for one  ", share(sum(others), len(others)))
    _by("right", ((line["command"], heard == line["command"]) for line, heard in told if line["command"]))
    print("CPU:", _milliseconds(hear, FORTY[0], 500))
    if errors:
        for line, heard in told:
            if heard != line["command"]:
                print("  ", line["text"], "|", line["command"], "→", heard)


def main(args: Sequence[str]) -> None:
    report_danger("--errors" in args)
    report_commands("--errors" in args)
    if "--ablations" in args:
        report_parts()


if __name__ == "__main__":
    main(sys.argv[1:])
