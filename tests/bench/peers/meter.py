"""Running one contender in a process of its own: people answering the ten questions, the CPU that cost, and a proof."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import json
import os
import time
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

import uvloop

from tests.bench.peers import clocks, profile

WARM = 5
"""People who have the whole conversation before the clock runs."""

AT_ONCE = 100
"""People whose messages are made at a time where memory is measured: ours are not to count."""

PATIENCE = 60.0
"""Seconds one person's conversation may take; then something is broken."""


class Contender(Protocol):
    """A bot that is running. `hear` returns when the reply has gone out and the state is durable."""

    prelude: tuple[str, ...]
    """What a person writes before the first question is put."""

    between: dict[str, str]
    """What a person writes besides the answers: after a field, one more message."""

    def delivered(self, person: int, number: int, text: str) -> Any:
        """One message as its provider brings it, made before the clock runs."""

    async def hear(self, person: int, update: Any) -> None: ...

    async def rest(self) -> None:
        """Return when nothing is under way any more."""

    def kept(self) -> int:
        """How many people's ten answers stand in the durable store."""


def cpu(servers: list[int]) -> float:
    """Seconds of CPU so far: this process with all its threads, its children, and the servers (whole trees) named."""
    own = os.times()
    return time.process_time() + own.children_user + own.children_system + sum(map(tree, servers))


def tree(pid: int) -> float:
    """Seconds a server and all below it have been on a CPU, to the nanosecond while they live."""
    family = {pid}
    parents = {int(entry.name): _parent(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    for _generation in range(3):
        family |= {child for child, parent in parents.items() if parent in family}
    return sum(map(_spent, family))


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0  # it has just ended


def _spent(pid: int) -> float:
    """Every thread's time, and what children that have ended took (by the kernel's coarser tick)."""
    process = Path(f"/proc/{pid}")
    try:
        alive = sum(int(task.read_text().split()[0]) for task in process.glob("task/*/schedstat")) / 1e9
        ended = (process / "stat").read_text().rsplit(")", 1)[1].split()[13:15]
    except OSError:
        return 0.0
    return alive + sum(map(int, ended)) / os.sysconf("SC_CLK_TCK")


def main(opened: object) -> None:
    """Measure what `opened(arguments)` opens, and print one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--url", default="")
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--servers", type=int, nargs="*", default=[])
    parser.add_argument("--mind", default="deaf")
    parser.add_argument("--send", type=float, default=0.0, help="seconds the provider takes to answer a send")
    parser.add_argument("--updates", choices=("one", "many"), help="python-telegram-bot's queue: how many at a time")
    parser.add_argument("--first", type=int, default=0, help="the first person's number")
    parser.add_argument("--hold", type=int, default=0, help="only: leave so many people waiting, and read the memory")
    parser.add_argument("--installation", type=Path, help="of ours: go on in this one")
    parser.add_argument("--where", action="store_true", help="of ours: where the time goes")
    given = parser.parse_args()
    measure = _hold if given.hold else _measure
    print(json.dumps(uvloop.run(measure(opened(given), given))))  # type: ignore[operator]


async def _measure(opening: AbstractAsyncContextManager[Contender], given: argparse.Namespace) -> dict[str, Any]:
    watched = clocks.Clocks()
    if given.where:
        watched.start()
    async with opening as bot:
        before_us = bot.kept()
        counted = range(given.first, given.first + given.people)
        people = {person: profile.answers(person, given.seed) for person in counted}
        await _all(bot, _brought(bot, {person: list(bot.prelude) for person in people}, 1), given.at_once)
        warm = {500_001 + given.first + person: profile.answers(-1 - person, given.seed) for person in range(WARM)}
        scripts = {person: [*bot.prelude, *_script(bot, said)] for person, said in warm.items()}
        await _all(bot, _brought(bot, scripts, 1), given.at_once)
        await bot.rest()
        asked = {person: _script(bot, said) for person, said in people.items()}
        brought = _brought(bot, asked, len(bot.prelude) + 1)
        gc.collect()
        watched.clear()
        served = sum(map(tree, given.servers))
        before, began = cpu(given.servers), time.perf_counter()
        turns = await _all(bot, brought, given.at_once)
        await bot.rest()
        spent, wall = cpu(given.servers) - before, time.perf_counter() - began
        served = sum(map(tree, given.servers)) - served
        kept = bot.kept() - before_us
        if kept != given.people + WARM and given.mind != "whole":  # who hears more may ask back
            raise SystemExit(f"{kept} of {given.people + WARM} people's answers were kept: nothing was measured")
        parts = {part: (seconds / turns, watched.calls[part] / turns) for part, seconds in watched.spent.items()}
        return {"turns": turns, "cpu": spent / turns, "server": served / turns, "wall": wall / turns, "parts": parts}


async def _hold(opening: AbstractAsyncContextManager[Contender], given: argparse.Namespace) -> dict[str, Any]:
    """What the process grows by when people stop in the middle. As many before them fill caches that have an end."""
    async with opening as bot:
        taken = []
        for begin in range(0, 2 * given.hold, AT_ONCE):
            if begin in (0, given.hold - given.hold % AT_ONCE):
                taken.append(await _resident(bot))
            said = {
                n: [*bot.prelude, profile.answers(n, given.seed)["town"]][:2] for n in range(begin, begin + AT_ONCE)
            }
            await _all(bot, _brought(bot, said, 1), given.at_once)
        taken.append(await _resident(bot))
        return {"bytes": (taken[-1] - taken[-2]) / given.hold, "before": taken[-2]}


async def _resident(bot: Contender) -> int:
    await bot.rest()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _script(bot: Contender, said: dict[str, str]) -> list[str]:
    texts: list[str] = []
    for field, answer in said.items():
        texts += [answer, bot.between[field]] if field in bot.between else [answer]
    return texts


def _brought(bot: Contender, scripts: dict[int, list[str]], first: int) -> list[tuple[int, list[Any]]]:
    """Everybody's messages as their provider brings them."""
    return [
        (person, [bot.delivered(person, number, text) for number, text in enumerate(texts, first)])
        for person, texts in scripts.items()
    ]


async def _all(bot: Contender, brought: list[tuple[int, list[Any]]], at_once: int) -> int:
    """Each person waiting for the reply before the next message; how many messages there were."""
    waiting = list(brought)

    async def visitor() -> None:
        while waiting:
            person, updates = waiting.pop()
            async with asyncio.timeout(PATIENCE):
                for update in updates:
                    await bot.hear(person, update)

    await asyncio.gather(*(visitor() for _ in range(at_once)))
    return sum(len(updates) for _person, updates in brought)
