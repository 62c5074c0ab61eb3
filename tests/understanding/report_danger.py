"""Prints how well danger and commands are heard on lines nobody taught.

`python -m tests.understanding.report_danger` learns from the lines marked `train` only and judges the `test` lines,
whose writers it has not read. `--errors` lists what it got wrong.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from math import sqrt
from typing import Any

from bot.heldout import LOOK_ALIKES
from bot.knowledge import danger_lines, danger_patterns, facts, lines
from flows.understanding.commands import Commands
from flows.understanding.danger import Dangers
from tests.understanding.mutations import mutated

Line = Mapping[str, Any]
FORTY = ("mi esposo quiere sacar su licencia de moto", "busco trabajo de albañil en Quetzaltenango",
         "mi marido me pega cuando llega borracho")  # fmt: skip


@cache
def learnt() -> Dangers:
    """The ear for danger, taught by the train lines alone."""
    return Dangers.learn(danger_lines("train"), danger_patterns())


@cache
def commands() -> Commands:
    """The ear for commands."""
    return Commands.learn(facts("commands.yaml"))


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
    return str(line["style"]).split("/")[0] in LOOK_ALIKES


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
    """Recall, false alarms, kinds, levels, mutations and CPU."""
    start = time.process_time()
    hear = learnt().hear
    print(f"danger: learnt in {time.process_time() - start:.1f} s of CPU")
    told = [(line, hear(line["text"])) for line in danger_lines("test")]
    real = [(line, heard) for line, heard in told if line["kind"]]
    calm = [(line, heard) for line, heard in told if not line["kind"]]
    heard_real = [(line, heard) for line, heard in real if heard]
    alike = [heard is not None for line, heard in calm if is_look_alike(line)]
    stories = [heard is not None for line, heard in calm if line["style"].startswith("story")]
    ordinary = [
        heard is not None for line, heard in calm if not is_look_alike(line) and not line["style"].startswith("story")
    ]
    print("recall                ", share(len(heard_real), len(real)))
    print("false, look-alikes    ", share(sum(alike), len(alike)))
    print("false, ordinary       ", share(sum(ordinary), len(ordinary)))
    print("false, stories        ", share(sum(stories), len(stories)))
    print("kind right, of heard  ", share(sum(h.kind == ln["kind"] for ln, h in heard_real), len(heard_real)))
    print("level right, of heard ", share(sum(h.level == ln["level"] for ln, h in heard_real), len(heard_real)))
    _by("recall", ((line["kind"], heard is not None) for line, heard in real))
    _by("recall", ((line["style"], heard is not None) for line, heard in real))
    _by("false ", ((str(line["style"]).split("/")[0], heard is not None) for line, heard in calm))
    _by("still heard after", (
        (name, hear(changed) is not None) for line, _ in heard_real for name, changed in mutated(line["text"])
    ))  # fmt: skip
    for text in FORTY:
        print(f"CPU, {len(text)} characters: {_milliseconds(hear, text, 500)}")
    print("CPU, 1000 characters:", _milliseconds(hear, (FORTY[0] + ". ") * 23, 30))
    if errors:
        for line, heard in real:
            if not heard:
                print("  missed", line["kind"], "|", line["text"])
        for line, heard in calm:
            if heard:
                print("  false ", heard.kind, heard.score, "|", line["text"])


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


if __name__ == "__main__":
    report_danger("--errors" in sys.argv)
    report_commands("--errors" in sys.argv)
