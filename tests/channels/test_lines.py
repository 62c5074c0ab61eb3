"""Connections a vendor closes while we keep them for the next message: noticed before anything is sent on them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.channels import Receipt, Spoken
from bot.channels.telegram import Telegram
from bot.channels.whatsapp import WhatsApp
from tests.fakes.twilio import ACCOUNT, SENDER

TOKEN = "123456789:AAF-fake-token-for-tests_only-00000"
TOOK: dict[str, tuple[int, dict[str, Any]]] = {
    "telegram": (200, {"ok": True, "result": {"message_id": 7, "date": 0, "chat": {"id": 9, "type": "private"}}}),
    "whatsapp": (201, {"sid": "SM" + "0" * 32}),
}


class Forgetful:
    """Answers one request on each connection, promises to keep it, and closes it."""

    def __init__(self, channel: str) -> None:
        self.status, self.body = TOOK[channel]
        self.sent = 0
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(length)
        self.sent += 1
        body = json.dumps(self.body).encode()
        kept = b"content-type: application/json\r\nconnection: keep-alive\r\n"
        writer.write(b"HTTP/1.1 %d x\r\ncontent-length: %d\r\n%s\r\n%s" % (self.status, len(body), kept, body))
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        self.closed.set()


@pytest.fixture(params=sorted(TOOK))
async def line(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Forgetful, Any]]:
    vendor = Forgetful(request.param)
    async with await asyncio.start_server(vendor.serve, "127.0.0.1", 0) as server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        channel: Any = (
            Telegram(TOKEN, None, base)
            if request.param == "telegram"
            else WhatsApp(ACCOUNT, "x" * 32, "https://bot.example", SENDER, None, base)
        )
        yield vendor, channel
        await channel.close()


async def test_each_message_goes_once(line: tuple[Forgetful, Any]) -> None:
    vendor, channel = line
    to = "9" if isinstance(channel, Telegram) else "whatsapp:+50255550100"
    for number in range(1, 4):
        vendor.closed.clear()
        receipt = await channel.send(channel.write(to, Spoken("hola"), "r" * 32))
        assert isinstance(receipt, Receipt)
        assert vendor.sent == number
        await vendor.closed.wait()
        await asyncio.sleep(0.01)  # the end of the connection is on its way to us
