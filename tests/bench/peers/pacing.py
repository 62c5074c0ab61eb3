"""Ours with more to say than its provider takes: when every message left."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path
from typing import Any

import uvloop

from bot import outbox
from bot.channels import Incoming, Spoken
from bot.channels.telegram import LIMITS
from bot.record import Tx
from bot.service import keep
from flows.message import Message
from tests.bench.peers import ptb, puente


class Arriving(ptb.Instant):
    """Tells of a message when it arrives at the provider, not when it has been taken."""

    def __init__(self, left: list[float], wait: float) -> None:
        super().__init__(wait=wait)
        self._left = left

    async def do_request(self, url: str, *given: Any, **more: Any) -> tuple[int, bytes]:
        if url.endswith("/sendMessage"):
            self._left.append(time.monotonic())
        return await super().do_request(url, *given, **more)


async def send(given: argparse.Namespace) -> None:
    left: list[float] = []

    wire = Arriving(left, given.send)
    channel = puente.channel(wire, LIMITS._replace(per_second=given.pace))
    async with puente.running(given, {"telegram": channel}) as running:
        await running.record.run(_everybody, given.count)
        while len(left) < given.count:
            await asyncio.sleep(0.05)
    print(json.dumps({"left": left}))


def _everybody(tx: Tx, count: int) -> None:
    """One message to each of so many people."""
    for number in range(count):
        keep(tx, "telegram", [Incoming(f"n{number}", str(10_000 + number), Message(text="hola"))])
    tx.run("UPDATE inbox SET done_at = received_at")
    for row in tx.all("SELECT id, contact_id FROM address WHERE channel = 'telegram'"):
        outbox.put(
            tx, row["contact_id"], row["id"], "telegram", [Spoken("Feria de empleo")], epoch=0, lane=outbox.BROADCAST
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--url", default="")
    parser.add_argument("--mind", default="deaf")
    parser.add_argument("--pace", type=float, default=25)
    parser.add_argument("--count", type=int, default=250)
    parser.add_argument("--send", type=float, default=0.05)
    given, _others = parser.parse_known_args()
    uvloop.run(send(given))
