"""The conversation in a terminal: the same inbox, turns and outbox as every other channel."""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
from typing import Any

from bot import inbox, webchat
from bot.channels import Incoming
from bot.service import Puente, build
from bot.settings import Settings
from flows.message import Message
from flows.understanding.normalise import clean

PERSON = {"person": "Persona", "notice": "—", "bot": "Puente"}


async def converse(settings: Settings) -> None:
    """Read lines and print answers until the end of input. The same terminal user goes on where they stood."""
    puente = build(settings)
    address = f"terminal-{os.environ.get('USER', 'user')}"
    await puente.start()
    after = await puente.record.run(webchat.newest, address, "terminal")
    printer = asyncio.create_task(_print(puente, address, after))
    print("Escriba (Ctrl-D termina) · Type (Ctrl-D ends)", flush=True)
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            if text := clean(line):
                message = Incoming(secrets.token_hex(8), address, Message(text=text))
                await puente.record.run(inbox.accept, "terminal", message)
        await _settled(puente, address)
    finally:
        printer.cancel()
        await asyncio.gather(printer, return_exceptions=True)
        await puente.stop()
        puente.record.close()


async def _print(puente: Puente, address: str, after: int) -> None:
    while True:
        found = await puente.record.run(webchat.since, address, after, "terminal")
        for message in found["messages"]:
            after = message["seq"]
            if message["from"] != "me":
                _show(message)
        await asyncio.sleep(0.1)


def _show(message: dict[str, Any]) -> None:
    print(f"\n{PERSON[message['from']]}: {message['text']}")
    for number, option in enumerate(message["options"], 1):
        print(f"  {number}. {option['label']}" + (f"  ({option['hint']})" if option["hint"] else ""))
    print(flush=True)


async def _settled(puente: Puente, address: str) -> None:
    """Let the answers to the last line come before we leave."""
    for _attempt in range(50):
        found = await puente.record.run(webchat.since, address, 0, "terminal")
        if not found["typing"]:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.3)
