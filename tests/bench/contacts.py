"""What a contact costs: bytes on disk, memory while they wait, and whether a turn grows dearer with their number."""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import filled, machines
from tests.bench.contenders import Bench, Figure, Runner

FLAT = 1.15
"""Times the first figure that still counts as flat."""

BYTES = Figure("B each", lambda told: told["bytes"], "MB before", lambda told: told["before"] / 2**20)


def many(bench: Bench) -> None:
    """The same installation with more and more contacts in it: restart, memory, and the cost of a turn, in turn."""
    folder = bench.folder / "many"
    shutil.copytree(bench.folder / "template", folder)
    model = filled.first(folder)
    machines.started(folder, {}, bench.given.idle)  # the first start learns
    before, empty = 1, (folder / "puente.db").stat().st_size
    stands: dict[int, tuple[Path, float, machines.Start]] = {}
    for size in bench.given.sizes:
        filled.fill(folder, model, before, size)
        each, before = ((folder / "puente.db").stat().st_size - empty) / size, size
        stood = bench.folder / f"many{size}"
        shutil.copytree(folder, stood)
        stands[size] = stood, each, machines.started(stood, {}, bench.given.idle)
    told: dict[int, list[dict[str, Any]]] = {size: [] for size in stands}
    for number in range(bench.given.rounds):
        for size, (stood, _each, _start) in stands.items():
            told[size].append(_turns(bench, str(stood), 1000 * number))
    print(f"\nMore and more contacts, each with {len(filled.WROTE)} messages and answers; must: flat (≤ {FLAT} ×)")
    print(
        f"{'contacts':>10} {'B each':>8} {'start s':>8} {'MB':>6} {'turn µs':>9} {'÷ first':>9}  {'':7} {'waited µs':>10}"
    )
    first = [one["cpu"] for one in told[bench.given.sizes[0]]]
    for size, (_stood, each, start) in stands.items():
        cost, waited = (statistics.median(one[kind] for one in told[size]) * 1e6 for kind in ("cpu", "wall"))
        ratio = statistics.median(one["cpu"] / other for one, other in zip(told[size], first, strict=True))
        how = "flat" if ratio <= FLAT else "MISSED"
        print(f"{size:10,} {each:8.0f} {start.seconds:8.2f} {start.whole:6.0f} {cost:9.0f} {ratio:7.2f} ×  {how:7} "
              f"{waited:10.0f}", flush=True)  # fmt: skip
        bench.drawn.setdefault("contacts", []).append((size, 1e6 / waited, waited / 1000))


def _turns(bench: Bench, folder: str, first: int) -> dict[str, Any]:
    return bench.run(Runner("puente", "puente"), 20, "--installation", folder, "--first", str(first))


def waiting(bench: Bench) -> None:
    """Memory that everybody takes who is in the middle of something."""
    runners = (
        Runner("puente", "puente", must=None),
        Runner("python-telegram-bot, own SQLite", "ptb_sqlite"),
        Runner("floor: bare sqlite3", "floor"),
    )
    title = (
        f"Resident memory added by a contact in mid-conversation ({bench.given.held:,} of them); must ≤ 400 B, aim ~0"
    )
    bench.table(title, runners, 20, BYTES, "--hold", str(bench.given.held))


def long(bench: Bench) -> None:
    """One contact's first messages and their thousandth."""
    told = bench.run(Runner("puente", "long"), 1, "--messages", str(bench.given.messages), "--mind", bench.given.mind)
    blocks = [(number, seconds * 1e6) for number, seconds in told["blocks"]]
    print(f"\nOne contact writes {bench.given.messages:,} messages; understood: {bench.given.mind}; must: flat")
    print("  " + " · ".join(f"to {number:,}: {cost:.0f} µs" for number, cost in blocks))
    half = (len(blocks) + 1) // 2
    early, late = (statistics.median(cost for _n, cost in some) for some in (blocks[:half], blocks[-half:]))
    print(f"  second half {late / early:.2f} × the first  {'flat' if late <= early * FLAT else 'MISSED'}", flush=True)


MEASURED: dict[str, Callable[[Bench], None]] = {"waiting": waiting, "long": long, "contacts": many}
