"""Half an hour of ordinary days: a few messages a second, a death now and then, a disk that is full for a moment.

What grows without end shows here and nowhere else: memory, open files, threads, tasks, the log of SQLite, connections
to PostgreSQL. Every process writes down its own; the conversations are judged as in the crowd.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import signal
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import uvicorn

from bot import failpoints
from bot.record import Record
from tests.faults.crowd import Crew, Streets, _until_quiet, _verdict, forked, scripts
from tests.faults.kept import remember, remembered
from tests.faults.product import Databases, Product, databases, warm
from tests.faults.vendors import Vendors

PACE = 5.0
"""Messages a second."""

FULL = 3.0
"""Seconds for which the disk is full, twice."""

WARM = 0.25
"""The part of a process's life in which it may still fill its caches."""

MOST = 1.0
"""Megabytes of memory an hour that are no leak (SAFETY X20)."""

SETTLES = 900.0
"""Seconds of life before which memory is shown and not judged: an allocator takes its time to fill its arenas."""

MORE = {"files": 4, "threads": 2, "tasks": 6}
"""How many more of each, on average, the last third of a life may have than the one before it."""

LOG = 16 * 2**20
"""Bytes SQLite's log may have: four times what it is folded back at."""


class Ordinary(Crew):
    """The processes of one installation with all the waits of the real ones, each with a notebook."""

    def __init__(self, url: str, bases: Databases, vendors: Vendors, notes: Path, every: float) -> None:
        self.notes, self.every = notes, every
        super().__init__(url, bases, vendors)

    def fill_the_disk(self, dice: random.Random) -> None:
        os.kill(dice.choice(sorted(self._roles)), signal.SIGUSR1)

    async def _live(self, door: socket.socket | None, works: bool) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, full_for_a_moment)
        product = Product(self.url, self.bases, self.vendors, works)
        noting = asyncio.create_task(self._note())
        if door is None:
            await product.puente.start()
            await noting
        config = uvicorn.Config(product.app, log_config=None, access_log=False, lifespan="on")
        await uvicorn.Server(config).serve(sockets=[door] if door else None)

    async def _note(self) -> None:
        log = Path(self.url.removeprefix("sqlite:///") + "-wal")
        page = os.sysconf("SC_PAGE_SIZE")
        while True:
            remember(
                self.notes / f"{os.getpid()}.jsonl",
                at=time.monotonic(),
                memory=int(Path("/proc/self/statm").read_text().split()[1]) * page / 2**20,
                files=len(os.listdir("/proc/self/fd")),
                threads=threading.active_count(),
                tasks=len(asyncio.all_tasks()),
                log=log.stat().st_size if log.exists() else 0,
            )
            await asyncio.sleep(self.every)


def full_for_a_moment() -> None:
    until = time.monotonic() + FULL

    def full(driver: Any) -> None:
        if time.monotonic() < until:
            failpoints.arm("statement", full)
            failpoints.full(driver)

    failpoints.arm("statement", full)


class Evenly(Streets):
    """The people, at one pace for all of them together."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._next = time.monotonic()

    async def _bring(self, channel: str, number: int, place: int, text: str) -> int:
        self._next = max(self._next + 1 / PACE, time.monotonic())
        await asyncio.sleep(self._next - time.monotonic())
        return await super()._bring(channel, number, place, text)


def soak(bases: Databases, vendors: Vendors, folder: Path, seed: int, until: float) -> Iterator[str]:
    told, url = scripts(bases, seed), bases.fresh()
    since = {name: len(rows) for name, rows in vendors.taken().items()}
    log, notes = folder / f"soak-{bases.kind}.jsonl", folder / f"notes-{bases.kind}"
    log.unlink(missing_ok=True)
    notes.mkdir(parents=True, exist_ok=True)
    for old in notes.iterdir():
        old.unlink()
    began = time.monotonic()
    lasts = max(until - began, 20.0)
    crew = Ordinary(url, bases, vendors, notes, every=max(0.25, lasts / 400))
    streets = Evenly([f"http://127.0.0.1:{door.getsockname()[1]}" for door in crew.doors], told, log, seed)
    people = forked(lambda: (asyncio.run(streets.live(10**9, began + lasts)), os._exit(0))[0])
    dice = random.Random(seed)
    # the first life is long enough to measure; then deaths, and a full disk in either half
    plan = [(0.2, "full"), (0.6, "kill"), (0.75, "full"), (0.85, "kill")]
    connections: list[int] = []
    while os.waitpid(people, os.WNOHANG)[0] == 0:
        if plan and time.monotonic() > began + plan[0][0] * lasts:
            crew.kill(dice) if plan.pop(0)[1] == "kill" else crew.fill_the_disk(dice)
        connections.append(_connections(url, bases))
        time.sleep(max(0.25, lasts / 100))
    quiet = _until_quiet(url)
    crew.end()
    verdict, done = _verdict(url, bases, vendors, since, told, log)
    for kind in ("lost", "doubled", "stuck", "wrong"):
        for finding in getattr(verdict, kind)[:5]:
            yield f"  {kind}: {json.dumps(finding, ensure_ascii=False)}"
    messages = sum(row["done"] for row in done)
    yield (
        f"{'PASS' if verdict.clean and done else 'FAIL'} soak {bases.kind}: {lasts / 60:.1f} min, {len(done):,} "
        f"conversations, {messages:,} messages, 2 processes killed, the disk full twice, quiet {quiet:.0f} s after "
        f"the last: {len(verdict.lost)} lost, {len(verdict.doubled)} doubled, {len(verdict.stuck)} stuck, "
        f"{len(verdict.wrong)} wrong; uncertain and listed {verdict.uncertain}"
    )
    yield from _grew([remembered(path) for path in sorted(notes.iterdir())], lasts)
    if bases.kind == "postgres":
        early, late = _thirds(connections)[1:]
        flat = statistics.mean(late) <= statistics.mean(early) + 4
        yield (
            f"{'PASS' if flat else 'FAIL'} connections to PostgreSQL: {statistics.mean(early):.0f}, then "
            f"{statistics.mean(late):.0f}; {max(connections)} at most"
        )


def _connections(url: str, bases: Databases) -> int:
    if bases.kind != "postgres":
        return 0
    record = Record(url)
    try:
        row = record.do(
            lambda tx: tx.one("SELECT COUNT(*) AS n FROM pg_stat_activity WHERE datname = current_database()")
        )
    finally:
        record.close()
    return int(row["n"]) - 1  # without this one


def _grew(lives: Sequence[list[dict[str, Any]]], lasts: float) -> Iterator[str]:
    """One line a process that lived for at least half of the time."""
    for life in lives:
        if len(life) < 40 or life[-1]["at"] - life[0]["at"] < lasts / 2:
            continue
        steady = life[int(len(life) * WARM) :]
        slope, within = _slope([line["at"] / 3600 for line in steady], [line["memory"] for line in steady])
        findings = [f"memory {slope:+.1f} ± {within:.1f} MB/h at {steady[-1]['memory']:.0f} MB"]
        bad = slope - within > MOST and life[-1]["at"] - life[0]["at"] > SETTLES
        for name, more in MORE.items():
            early, late = (statistics.mean(line[name] for line in part) for part in _thirds(life)[1:])
            findings.append(f"{name} {early:.1f} then {late:.1f}")
            bad |= late > early + more
        log = max(line["log"] for line in steady)
        bad |= log > LOG
        findings.append(f"log {log / 2**20:.1f} MB at most")
        yield (
            f"{'FAIL' if bad else 'PASS'} a process of {(life[-1]['at'] - life[0]['at']) / 60:.1f} min: "
            + ", ".join(findings)
        )


def _slope(at: Sequence[float], values: Sequence[float], blocks: int = 12) -> tuple[float, float]:
    """Least squares over the means of blocks, which do not hang on one another as neighbours do; with its 95 %."""
    size = max(1, len(at) // blocks)
    cuts = range(0, len(at) - size + 1, size)
    xs = [statistics.mean(at[cut : cut + size]) for cut in cuts]
    ys = [statistics.mean(values[cut : cut + size]) for cut in cuts]
    fit = statistics.linear_regression(xs, ys)
    rest = [y - fit.slope * x - fit.intercept for x, y in zip(xs, ys, strict=True)]
    spread = math.sqrt(sum(one * one for one in rest) / (len(xs) - 2))
    middle = statistics.mean(xs)
    return fit.slope, 2.2 * spread / math.sqrt(sum((x - middle) ** 2 for x in xs))


def _thirds(values: Sequence[Any]) -> list[Sequence[Any]]:
    third = len(values) // 3
    return [values[:third], values[third : 2 * third], values[2 * third :]]


def run(kinds: list[str], folder: Path, seed: int, until: float) -> Iterator[str]:
    """One after the other on each kind of database, as long as there is time; half an hour in full."""
    warm()
    folder.mkdir(parents=True, exist_ok=True)
    vendors = Vendors()
    try:
        with databases(kinds, folder) as all_of_them:
            for place, bases in enumerate(all_of_them):
                end = time.monotonic() + (until - time.monotonic()) / (len(all_of_them) - place)
                yield from soak(bases, vendors, folder, seed + place, end)
    finally:
        vendors.close()
