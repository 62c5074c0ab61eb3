"""One person who writes to ours a thousand times: the CPU of a message, a hundred at a time."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import uvloop

from tests.bench.peers import meter, profile, puente

SAID = ("menú", "trabajo", "menú", "documentos", "menú", "perdí mi dpi", "menú", "mis datos", "menú", "ayuda")
BLOCK = 100


async def talk(given: argparse.Namespace) -> None:
    blocks = []
    async with puente.opened(given) as bot:
        texts = [*bot.prelude[:3], *(SAID[number % len(SAID)] for number in range(given.messages))]
        brought = [profile.update(1, number, text) for number, text in enumerate(texts, 1)]
        for update in brought[:3]:
            await bot.hear(1, update)
        for begin in range(3, len(brought), BLOCK):
            before = meter.cpu([])
            some = brought[begin : begin + BLOCK]
            for update in some:
                await bot.hear(1, update)
            await bot.rest()
            blocks.append((begin - 3 + len(some), (meter.cpu([]) - before) / len(some)))
    print(json.dumps({"blocks": blocks}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--url", default="")
    parser.add_argument("--mind", default="whole")
    parser.add_argument("--messages", type=int, default=1000)
    parser.add_argument("--send", type=float, default=0.0)
    parser.add_argument("--installation", type=Path)
    given, _others = parser.parse_known_args()
    uvloop.run(talk(given))
