"""Messages that come when people write them, not when we are ready: how long webhooks and first replies take then."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvloop

from tests.bench.contenders import ROOT, Bench
from tests.bench.peers import profile
from tests.bench.peers.puente import SECRET, Bot

EACH = 16
"""Messages of one person: into the profile, and its questions."""

MUSTS = (("webhook p99", 0.99, 50, 15), ("first reply p99", 0.99, 250, 80))


def arrivals(bench: Bench) -> None:
    """Open loop: the schedule is fixed beforehand, and every time counts from when the message was due."""
    given = bench.given
    print(
        f"\n{given.rate:g} messages a second for {given.seconds:g} s, whatever becomes of them; understood: {given.mind}"
    )
    print(f"{'':18} {'must':>8} {'aim':>8}  {'':7} {'median':>9} {'p95':>9} {'p99':>9} {'most':>9}")
    here = bench.folder / "arrivals"
    here.mkdir()
    with _server(here, given.mind) as server:
        webhooks, replies, cpu = uvloop.run(_measure(server, given.rate, given.seconds, given.seed))
    for (name, _share, must, aim), times in zip(MUSTS, (webhooks, replies), strict=True):
        found = [percentile(times, share) * 1000 for share in (0.5, 0.95, 0.99, 1.0)]
        how = "aim" if found[2] <= aim else "must" if found[2] <= must else "MISSED"
        print(
            f"{name:18} {f'≤ {must} ms':>8} {f'≤ {aim} ms':>8}  {how:7} "
            + " ".join(f"{one:6.1f} ms" for one in found)
        )
    print(f"  {len(replies)} replies to {len(webhooks)} messages; {cpu:.0%} of one core", flush=True)


def percentile(times: list[float], share: float) -> float:
    """The smallest time that at least this share of all is not above."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@contextmanager
def _server(folder: Path, mind: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.peers.served", "--folder", str(folder), "--mind", mind], cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        yield server


async def _measure(
    server: subprocess.Popen[str], rate: float, seconds: float, seed: int
) -> tuple[list[float], list[float], float]:
    assert server.stdin is not None and server.stdout is not None
    port = int(server.stdout.readline())
    total = int(rate * seconds)
    warm = Client(port, total, seed, people=5, first=900_000)
    await warm.all(5 * EACH, rate)
    client = Client(port, total, seed, people=-(-total // EACH))
    await client.all(total, rate)
    await asyncio.sleep(1)
    server.stdin.close()
    told: dict[str, Any] = json.loads(server.stdout.readline())
    server.wait(20)
    waiting: dict[int, deque[float]] = defaultdict(deque)
    for chat, due in client.due:
        waiting[chat].append(due)
    replies = []
    for chat, at in told["replies"]:
        if waiting[chat]:
            replies.append(at - waiting[chat].popleft())
    return client.took, replies, told["cpu"] / (time.monotonic() - client.began)


class Client:
    """People who write by the clock, over connections that stay open."""

    def __init__(self, port: int, total: int, seed: int, people: int, first: int = 0) -> None:
        self._port, self._idle = port, deque[tuple[asyncio.StreamReader, asyncio.StreamWriter]]()
        self._people = [(first + n, _texts(first + n, seed)) for n in range(people)]
        self.due: list[tuple[int, float]] = []
        self.took: list[float] = []
        self.began = time.monotonic()

    async def all(self, total: int, rate: float) -> None:
        """So many messages, one every 1/rate seconds, people in turn."""
        self.began = time.monotonic() + 0.1
        async with asyncio.TaskGroup() as together:
            for number in range(total):
                due = self.began + number / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                person, texts = self._people[number % len(self._people)]
                place = number // len(self._people)
                self.due.append((10_000 + person, due))
                together.create_task(self._bring(profile.update(person, place + 1, texts[place % len(texts)]), due))
        for _reader, writer in self._idle:
            writer.close()

    async def _bring(self, body: bytes, due: float) -> None:
        if not self._idle:
            self._idle.append(await asyncio.open_connection("127.0.0.1", self._port))
        reader, writer = self._idle.pop()
        head = (
            f"POST /webhooks/telegram HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"X-Telegram-Bot-Api-Secret-Token: {SECRET}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 204 " not in answer.split(b"\r\n")[0]:
            raise SystemExit(f"the webhook answered {answer[:40]!r}")
        self.took.append(time.monotonic() - due)
        self._idle.append((reader, writer))


def _texts(person: int, seed: int) -> list[str]:
    said = profile.answers(person, seed)
    return [*Bot.prelude, *said.values()]
