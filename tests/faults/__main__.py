"""Break Puente on purpose, everywhere it can break, and count what was lost, doubled or stuck.

Each harness prints its figures and PASS or FAIL, and for what went wrong the command that replays it; the exit
status is 1 if any failed. A budget is shared out over the harnesses named (all of them, if none is); with --whole
each has its full size, however long it takes. With --resume a run that was interrupted goes on where it stood.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import inspect
import logging
import os
import re
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bot import logs
from tests.cluster import NoPostgres, binaries
from tests.faults.kept import remember, remembered


class Harness(NamedTuple):
    """Its module, the seconds its full size takes on two quiet cores, and in how many rounds it is done.

    Rounds of a seed each, on one kind of database each, are what an interrupted run does not repeat; without any, the
    harness remembers by itself what it has done.
    """

    module: str
    seconds: float
    rounds: int = 1


HARNESSES = {
    "sweep": Harness("sweep", 7200.0, 0),
    "migration": Harness("starts", 900.0, 0),
    "storm": Harness("storms", 420.0),
    "takeover": Harness("races", 1500.0, 4),
    "texts": Harness("texts", 1800.0, 10),
    "upgrade": Harness("upgrade", 150.0),
    "sender": Harness("sender", 900.0, 4),
    "crowd": Harness("crowd", 3000.0, 10),
    "soak": Harness("soak", 3600.0, 0),
    "outage": Harness("outage", 90.0),
    "providers": Harness("providers", 300.0),
    "neighbours": Harness("neighbours", 1400.0, 0),
}


LONG = 0.2
"""The share of its full size from which a harness takes the long conversation instead of the short one."""


def main() -> int:
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_given: sys.exit(143))  # the server and the vendors end with us
    logs.configure(logging.CRITICAL)
    kinds = [kind for kind in asked.on.split(",") if kind]
    try:
        binaries()
    except NoPostgres as none:
        print(f"without PostgreSQL: {none}")
        if os.environ.get("CI"):
            return 1
        kinds = [kind for kind in kinds if kind != "postgres"]
    names = asked.names or list(HARNESSES)
    budget = 1e6 if asked.whole else _seconds(asked.budget)
    end = time.monotonic() + budget
    failed, used = False, sum(os.times()[:4])
    with _folder(asked.resume) as folder:
        for place, name in enumerate(names):
            rest = sum(HARNESSES[one].seconds ** 0.5 for one in names[place:])
            mine = (end - time.monotonic()) * HARNESSES[name].seconds ** 0.5 / rest
            share = min(1.0, max(0.0005, mine / HARNESSES[name].seconds))
            began = time.monotonic()
            for line in _run(name, kinds, folder / name, asked, share, began + mine):
                failed |= line.startswith("FAIL")
                print(line, flush=True)
            cpu = sum(os.times()[:4]) - used
            used += cpu
            took = time.monotonic() - began
            print(f"     {name}: {took:.0f} s, {cpu:.0f} s of them at work, seed {asked.seed}", flush=True)
    return int(failed)


def _run(
    name: str, kinds: list[str], folder: Path, asked: argparse.Namespace, share: float, until: float
) -> Iterator[str]:
    """One harness, in rounds; those that stand in the folder already are told, not done again."""
    whole = asked.whole or share > LONG
    rounds = HARNESSES[name].rounds
    if not rounds:
        yield from _round(name, kinds, folder, asked, asked.seed, share, until, whole)
        return
    rounds = rounds if whole else 1
    kept = folder / "rounds.jsonl"
    done = {row["round"]: row["lines"] for row in remembered(kept)}
    todo = [(number, kind) for number in range(rounds) for kind in kinds]
    for place, (number, kind) in enumerate(todo):
        key = f"{kind} {number} {asked.seed} {'whole' if asked.whole else asked.budget}"
        if key not in done:
            mine = time.monotonic() + (until - time.monotonic()) / (len(todo) - place)
            seed = asked.seed + 1000 * number
            done[key] = list(_round(name, [kind], folder, asked, seed, share / rounds, mine, whole))
            folder.mkdir(parents=True, exist_ok=True)
            remember(kept, round=key, lines=done[key])
        yield from done[key]


def _round(
    name: str, kinds: list[str], folder: Path, asked: argparse.Namespace, seed: int, share: float, until: float,
    whole: bool,
) -> Iterator[str]:  # fmt: skip
    """The harness itself, given of these what it takes."""
    run: Any = importlib.import_module(f"tests.faults.{HARNESSES[name].module}").run
    offered = {
        "kinds": kinds, "folder": folder, "seed": seed, "case": asked.case, "share": share, "until": until,
        "whole": whole, "most": asked.most,
    }  # fmt: skip
    failed = False
    try:
        for line in run(**{name: offered[name] for name in inspect.signature(run).parameters}):
            failed |= line.startswith("FAIL")
            yield line
    except Exception as error:
        traceback.print_exc()
        failed = True
        yield f"FAIL {name}: it broke: {type(error).__name__}: {error}"
    if failed and not asked.case:
        size = "--whole" if asked.whole else f"--budget {asked.budget}"
        yield f"  again: python -m tests.faults {name} --on {','.join(kinds)} --seed {seed} {size}"


@contextlib.contextmanager
def _folder(resume: str | None) -> Iterator[Path]:
    if resume is not None:
        Path(resume).mkdir(parents=True, exist_ok=True)
        yield Path(resume)
        return
    with tempfile.TemporaryDirectory(prefix="puente-faults-") as made:
        yield Path(made)


def _seconds(budget: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", budget)
    if found is None:
        raise SystemExit(f"--budget {budget}: a number with s, m or h, such as 3m")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def _arguments() -> argparse.Namespace:
    harnesses = "\n".join(f"  {name:11} {_about(one.module)}" for name, one in HARNESSES.items())
    ask = argparse.ArgumentParser(
        prog="python -m tests.faults",
        description=__doc__,
        epilog=f"harnesses:\n{harnesses}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    ask.add_argument("names", nargs="*", metavar="NAME", help="which harnesses, in this order (all)")
    ask.add_argument("--budget", default="3m", help="how long all of it may take: 90s, 3m, 2h (3m)")
    ask.add_argument("--whole", action="store_true", help="full sizes, however long they take")
    ask.add_argument("--on", default="sqlite,postgres", help="databases, comma-separated (sqlite,postgres)")
    ask.add_argument("--seed", type=int, default=1, help="of all that is random (1)")
    ask.add_argument("--case", help="one case of one harness, as a replay line names it")
    ask.add_argument("--most", type=int, metavar="N", help="at most N cases on each database (sweep, migration)")
    ask.add_argument("--resume", metavar="DIR", help="keep what is done here, and go on after it")
    asked = ask.parse_args()
    if unknown := set(asked.names) - HARNESSES.keys():
        ask.error(f"no harness {', '.join(sorted(unknown))}; there are: {', '.join(HARNESSES)}")
    if asked.case and len(asked.names) != 1:
        ask.error("--case is of one harness: name it")
    return asked


def _about(module: str) -> str:
    """The first line of a harness, read without loading it: `--help` should not take a second."""
    source = (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0]


if __name__ == "__main__":
    sys.exit(main())
