"""One sender writes a thousand messages a minute beside two hundred ordinary people: do these wait longer than without?

Paired runs, each pair in a random order: the same people write the same words at the same moments, once alone and
once beside the sender. The product is a process of its own with its real paces; times are those of the vendors.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.faults.crowd import Crew, Streets, address
from tests.faults.kept import remember, remembered
from tests.faults.product import Databases, databases, warm
from tests.faults.vendors import Vendors

PEOPLE = 200
FLOOD = 1000 / 60
"""Messages a second of the one sender."""

EVERY = 10.0
"""Seconds between two messages of an ordinary person, about what reading an answer takes."""

WORDS = ("hola", "español", "no", "menú", "trabajo", "menú")
PAIRS = 9
WITHIN = 1.10
STUDENT = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31}
"""Two-sided 95 % of Student's t for so many pairs."""


class Run:
    """One run of everybody, with or without the sender; ends with how long each answer took, in seconds."""

    def __init__(self, bases: Databases, vendors: Vendors, seconds: float, seed: int, flooded: bool) -> None:
        self.bases, self.vendors, self.seconds, self.flooded = bases, vendors, seconds, flooded
        self.dice = random.Random(seed)
        self._ahead = vendors.ahead()

    def waits(self) -> list[float]:
        url = self.bases.fresh()
        since = {name: len(rows) for name, rows in self.vendors.taken().items()}
        crew = Crew(url, self.bases, self.vendors, paced=True)
        try:
            asked = asyncio.run(self._write([f"http://127.0.0.1:{door.getsockname()[1]}" for door in crew.doors]))
        finally:
            crew.end()
        answered: dict[str, list[float]] = {}
        for rows in self.vendors.taken(since).values():
            for row in rows:
                answered.setdefault(row["to"], []).append(row["at"])
        self.bases.drop(url)
        found = []
        for who, times in asked.items():
            if len(answered.get(who, [])) < len(times):
                raise AssertionError(f"{len(times) - len(answered.get(who, []))} answers never came")
            found += [at - when for when, at in zip(times, answered[who], strict=False)]
        return found

    async def _write(self, doors: list[str]) -> dict[str, list[float]]:
        streets = Streets(doors, [], Path(os.devnull), 0)
        limits = httpx.Limits(max_connections=64)
        asked: dict[str, list[float]] = {}
        async with httpx.AsyncClient(trust_env=False, timeout=20, limits=limits) as streets._client:
            await self._warm_up(streets)
            end = time.monotonic() + self.seconds
            flood = asyncio.create_task(self._flood(streets, end)) if self.flooded else None
            begins = [self.dice.uniform(0, EVERY) for _ in range(PEOPLE)]
            await asyncio.gather(*(self._live(streets, who, begin, end, asked) for who, begin in enumerate(begins)))
            if flood is not None:
                await flood
            await asyncio.sleep(4)  # the last answers
        return asked

    async def _warm_up(self, streets: Streets) -> None:
        """The product is up, and its first messages are behind it."""
        for number in range(PEOPLE + 10, PEOPLE + 20):
            while True:
                try:
                    await streets._bring("telegram" if number % 2 else "whatsapp", number, 0, "hola")
                    break
                except httpx.HTTPError:
                    await asyncio.sleep(0.1)
        await asyncio.sleep(1)

    async def _live(
        self, streets: Streets, who: int, begin: float, end: float, asked: dict[str, list[float]]
    ) -> None:
        channel = "telegram" if who % 2 else "whatsapp"
        await asyncio.sleep(begin)
        place = 0
        while time.monotonic() < end - 2:
            asked.setdefault(address(channel, who), []).append(time.time() + self._ahead)
            await streets._bring(channel, who, place, WORDS[place % len(WORDS)])
            place += 1
            await asyncio.sleep(EVERY)

    async def _flood(self, streets: Streets, end: float) -> None:
        place, next_at = 0, time.monotonic()
        bringing: set[asyncio.Task[int]] = set()
        while time.monotonic() < end:
            one = asyncio.create_task(streets._bring("telegram", PEOPLE + 1, place, f"hola {place}"))
            bringing.add(one)
            one.add_done_callback(bringing.discard)
            place += 1
            next_at += 1 / FLOOD
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))
        await asyncio.gather(*bringing)


def ratios(bases: Databases, vendors: Vendors, pairs: int, seconds: float, seed: int, kept: Path) -> Iterator[str]:
    """Both figures of each pair, flooded to alone; then their mean and its interval."""
    done = remembered(kept)
    for pair in range(len(done), pairs):
        order = [False, True]
        random.Random(seed * 1000 + pair).shuffle(order)
        found = {flooded: Run(bases, vendors, seconds, seed + pair, flooded).waits() for flooded in order}
        row = {
            name: [_quantile(found[flooded], at) for flooded in (False, True)]
            for name, at in (("median", 0.5), ("p95", 0.95), ("p99", 0.99))
        }
        remember(kept, **row)
        done.append(row)
        told = ", ".join(f"{name} {a * 1000:.0f} → {b * 1000:.0f} ms" for name, (a, b) in row.items())
        yield f"  {bases.kind} pair {pair + 1}: {len(found[False]):,} and {len(found[True]):,} answers; {told}"
    good, parts = True, []
    for name in ("median", "p95", "p99"):
        mean, low, high = _interval([row[name][1] / row[name][0] for row in done])
        good &= name == "p99" or mean <= WITHIN
        parts.append(f"{name} × {mean:.3f} ({low:.3f} to {high:.3f})")
    yield (
        f"{'PASS' if good else 'FAIL'} neighbours {bases.kind}: {PEOPLE} ordinary people beside one at 1,000 a minute, "
        f"{len(done)} pairs of {seconds:.0f} s, flooded to alone: {', '.join(parts)}"
    )


def _quantile(waits: list[float], at: float) -> float:
    return sorted(waits)[int(len(waits) * at)]


def _interval(found: list[float]) -> tuple[float, float, float]:
    """The geometric mean of ratios and its 95 % interval."""
    logs = [math.log(one) for one in found]
    mean = statistics.fmean(logs)
    wide = STUDENT[len(logs)] * statistics.stdev(logs) / math.sqrt(len(logs)) if len(logs) in STUDENT else 0.0
    return math.exp(mean), math.exp(mean - wide), math.exp(mean + wide)


def run(kinds: list[str], folder: Path, seed: int, share: float) -> Iterator[str]:
    """Nine pairs of 30 s with `share` 1.0, on one kind of database after the other."""
    warm()
    folder.mkdir(parents=True, exist_ok=True)
    vendors = Vendors()
    try:
        with databases(kinds, folder) as all_of_them:
            for bases in all_of_them:
                pairs = max(2, round(PAIRS * min(1.0, share * 3)))
                seconds = max(12.0, 30.0 * min(1.0, share * 3))
                yield from ratios(bases, vendors, pairs, seconds, seed, folder / f"{bases.kind}.jsonl")
    finally:
        vendors.close()
