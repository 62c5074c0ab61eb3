"""One worker of ours on PostgreSQL, which begins when it is told to and works until it is ended."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

import uvloop

from bot.worker import Worker
from tests.bench.peers import ptb, puente


async def work(given: argparse.Namespace) -> None:
    begun = Worker.start

    async def start(worker: Worker) -> None:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await begun(worker)

    Worker.start = start  # type: ignore[method-assign]
    async with puente.running(given, {"telegram": puente.channel(ptb.Instant())}):
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--mind", default="danger")
    uvloop.run(work(parser.parse_args()))
