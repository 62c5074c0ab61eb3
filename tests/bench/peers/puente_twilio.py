"""Ours behind Twilio's webhook: the request through the whole application, its turn, and the answer handed over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from twilio.http.response import Response

from api.app import create
from bot.channels import whatsapp
from bot.channels.whatsapp import WhatsApp
from tests.bench.peers import meter, ptb, puente, twilio


class Instant:
    """A Twilio that takes everything at once, in this process."""

    is_async = True

    def __init__(self, *_given: Any) -> None:
        self._calls = 0

    async def request(self, method: str, url: str, *_more: Any, data: Any = None, **_named: Any) -> Response:
        self._calls += 1
        if url.endswith("/Messages.json"):
            puente.ours.told("sendMessage", {"chat_id": data["To"].removeprefix("whatsapp:+502")})
        return Response(201, f'{{"sid": "SM{self._calls:032x}", "status": "queued"}}')

    async def aclose(self) -> None: ...


class Bot(puente.Bot):
    delivered = staticmethod(twilio.delivered)

    def __init__(self, running: Any) -> None:
        self.puente = running
        self._app = create(running)

    async def hear(self, person: int, update: twilio.Call) -> None:
        status = await twilio.hand_over(self._app, update)
        if status != 204:
            raise SystemExit(f"the webhook answered {status}")
        await puente.ours.reply(40_000_000 + person)


@asynccontextmanager
async def opened(given: ptb.Given) -> AsyncIterator[Bot]:
    wire = whatsapp.Wire
    whatsapp.Wire = Instant  # type: ignore[assignment,misc]
    fast = whatsapp.LIMITS._replace(per_second=900.0, per_chat=1e6)
    channel = WhatsApp(twilio.ACCOUNT, twilio.TOKEN, twilio.PUBLIC, twilio.SENDER, None, None, limits=fast)
    whatsapp.Wire = wire  # type: ignore[misc]
    async with puente.running(given, {"whatsapp": channel}) as running:
        yield Bot(running)


if __name__ == "__main__":
    meter.main(opened)
