"""Run the fault harnesses: `python -m tests.faults [--budget 3m] [--only NAME] [--on sqlite,postgres] [--seed N]`.

Each prints its figures and PASS or FAIL; the exit status is 1 if any failed. `--resume DIR` keeps what was done there
and goes on after it. A budget is shared out over all; `--whole` gives every harness its full size whatever it takes.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import inspect
import logging
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot import logs
from tests.cluster import NoPostgres, binaries

HARNESSES = {
    # name: (module, seconds that its full size takes on two quiet cores)
    "sweep": ("sweep", 5400.0),
    "storm": ("storms", 420.0),
    "takeover": ("races", 1500.0),
    "texts": ("texts", 1800.0),
    "upgrade": ("upgrade", 150.0),
    "sender": ("sender", 900.0),
    "crowd": ("crowd", 3000.0),
    "neighbours": ("neighbours", 600.0),
    "providers": ("providers", 120.0),
    "outage": ("outage", 60.0),
}


def main() -> int:
    asked = _arguments()
    signal.signal(signal.SIGTERM, lambda *_given: sys.exit(143))  # the server and the vendors end with us
    logs.configure(logging.CRITICAL)
    kinds = [kind for kind in asked.on.split(",") if kind]
    try:
        binaries()
    except NoPostgres as none:
        print(f"without PostgreSQL: {none}")
        kinds = [kind for kind in kinds if kind != "postgres"]
    names = [asked.only] if asked.only else list(HARNESSES)
    budget = sum(HARNESSES[name][1] for name in names) if asked.whole else _seconds(asked.budget)
    end = time.monotonic() + budget
    failed = False
    with _folder(asked.resume) as folder:
        for place, name in enumerate(names):
            rest = sum(HARNESSES[one][1] ** 0.5 for one in names[place:])
            mine = (end - time.monotonic()) * HARNESSES[name][1] ** 0.5 / rest
            share = min(1.0, max(0.0005, mine / HARNESSES[name][1]))
            began = time.monotonic()
            for line in _run(name, kinds, folder / name, asked.seed, share, began + mine):
                failed |= line.startswith("FAIL")
                print(line, flush=True)
            print(f"     {name}: {time.monotonic() - began:.0f} s, seed {asked.seed}", flush=True)
    return int(failed)


def _run(name: str, kinds: list[str], folder: Path, seed: int, share: float, until: float) -> Iterator[str]:
    """One harness, given of these what it takes."""
    run: Any = importlib.import_module(f"tests.faults.{HARNESSES[name][0]}").run
    offered = {"kinds": kinds, "folder": folder, "seed": seed, "share": share, "until": until, "whole": share > 0.02}
    try:
        yield from run(**{name: offered[name] for name in inspect.signature(run).parameters})
    except Exception as error:
        yield f"FAIL {name}: it broke: {type(error).__name__}: {error}"


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
    ask = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__.splitlines()[0])
    ask.add_argument("--budget", default="3m", help="how long all of it may take: 90s, 3m, 2h")
    ask.add_argument("--whole", action="store_true", help="full sizes, however long they take")
    ask.add_argument("--only", choices=sorted(HARNESSES))
    ask.add_argument("--on", default="sqlite,postgres", help="databases, comma-separated")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--resume", metavar="DIR", help="keep results here, and do not repeat what is done")
    return ask.parse_args()


if __name__ == "__main__":
    sys.exit(main())
