"""Ours on a port, its provider in the same process: takes webhooks, and tells on which line of time each reply left."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

import uvicorn
import uvloop

from api.app import create
from bot.channels.telegram import LIMITS
from tests.bench.peers import ptb, puente


async def serve(given: argparse.Namespace) -> None:
    """Answer until standard input ends; then print every reply: its chat, and when it was handed over."""
    replies: list[tuple[int, float]] = []

    def told(call: str, values: dict[str, object]) -> None:
        if call == "sendMessage":
            replies.append((int(str(values["chat_id"])), time.monotonic()))

    channel = puente.channel(ptb.Instant(told), LIMITS._replace(per_second=900.0, per_chat=1e6))
    async with puente.running(given, {"telegram": channel}) as running:
        app = create(running)
        config = uvicorn.Config(app, port=0, log_config=None, access_log=False, lifespan="off", server_header=False)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.01)
        print(server.servers[0].sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        print(json.dumps({"replies": replies, "cpu": time.process_time()}), flush=True)
        server.should_exit = True
        await serving


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--url", default="")
    parser.add_argument("--mind", default="whole")
    uvloop.run(serve(parser.parse_args()))
