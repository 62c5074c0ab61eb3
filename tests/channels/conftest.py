"""The product as it runs, between the two vendors on this machine: a free port, a new database, people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create
from bot import house
from bot.channels import Channel
from bot.channels.local import TERMINAL, WEB, Local
from bot.channels.telegram import LIMITS as TELEGRAM
from bot.channels.telegram import Telegram
from bot.channels.whatsapp import LIMITS as WHATSAPP
from bot.channels.whatsapp import WhatsApp
from bot.crypto import vault
from bot.layouts import stored
from bot.record import Record
from bot.service import Puente, prepare
from bot.settings import Settings, load
from tests.fakes.people import TelegramPhone, WhatsAppPhone
from tests.fakes.serve import Served, running
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import unlimited
from tests.fakes.twilio import FakeTwilio
from tests.minds import MIND

pytest.register_assert_rewrite("tests.channels.replay", "tests.channels.by_hand")

PUBLIC = "https://bot.example"
SECRET = "a_secret-0123456789abcdefghijklmnop"
AT_ONCE: dict[str, Any] = {"per_second": 900, "per_chat": 900}


class Listening:
    """The product on its port."""

    name = "puente"
    base = ""

    def __init__(self, puente: Puente) -> None:
        self.puente = puente
        self.app = create(puente)


@dataclass
class Town:
    """A product, the vendors it talks to, and the people who write to it."""

    telegram: FakeTelegram
    twilio: FakeTwilio
    folder: Path
    client: httpx.AsyncClient
    pace: dict[str, Any] = field(default_factory=lambda: dict(AT_ONCE))
    patience: float = 20.0
    public: str | None = PUBLIC
    served: Served | None = None
    puente: Puente = field(init=False)

    def settings(self) -> Settings:
        twilio: dict[str, Any] = {} if self.public is None else {
            "twilio_account_sid": self.twilio.account_sid, "twilio_auth_token": self.twilio.auth_token,
            "twilio_whatsapp_from": self.twilio.sender, "twilio_api_base": self.twilio.base,
        }  # fmt: skip
        return load(
            database_url=f"sqlite:///{self.folder}/puente.db", puente_keys=self.folder / "keys.json",
            puente_demo=False, public_base_url=self.public, telegram_token=self.telegram.token,
            telegram_secret=SECRET, telegram_api_base=self.telegram.base, **twilio,
        )  # fmt: skip

    def channels(self, given: Settings, record: Record) -> dict[str, Channel]:
        """As the product has them, with the pace and patience of this test."""
        found: dict[str, Channel] = {"web": Local(WEB), "terminal": Local(TERMINAL)}
        found["telegram"] = Telegram(
            self.telegram.token, SECRET, self.telegram.base, TELEGRAM._replace(**self.pace), self.patience
        )
        if self.public is not None:
            found["whatsapp"] = WhatsApp(
                self.twilio.account_sid, self.twilio.auth_token, self.public, self.twilio.sender, None,
                self.twilio.base, record.do(stored), WHATSAPP._replace(**self.pace), self.patience,
            )  # fmt: skip
        return found

    async def start(self) -> None:
        """Start the product on its database, new or not."""
        given = self.settings()
        kept = prepare(given)
        self.puente = Puente(given, kept, house.build(MIND), self.channels(given, kept))
        self.served = Served(Listening(self.puente))
        base = await self.served.start()
        for vendor in (self.telegram, self.twilio):
            vendor.roads[PUBLIC] = base
        async with asyncio.timeout(10):
            await self.puente.worker.leading.wait()
            if self.public is not None:
                await self.until(lambda: self.telegram.updates.webhook is not None)

    async def stop(self) -> None:
        if self.served is not None:
            await self.served.stop()
            self.puente.record.close()
            self.served = None

    async def until(self, true: Callable[[], bool | Awaitable[bool]]) -> None:
        """Wait for something to become true; ten seconds are for a product that does not do it."""
        async with asyncio.timeout(10):
            while True:
                found = true()
                if found if isinstance(found, bool) else await found:
                    return
                await asyncio.sleep(0.002)

    async def soon(self, true: Callable[[], bool], within: float = 2.0) -> bool:
        """Wait for something that should come, without insisting."""
        over = asyncio.get_running_loop().time() + within
        while not true() and asyncio.get_running_loop().time() < over:
            await asyncio.sleep(0.001)
        return true()

    async def all(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        return await self.puente.record.run(lambda tx: [dict(row) for row in tx.all(statement, **values)])

    async def idle(self) -> bool:
        """Whether nothing is unread and nothing on its way."""
        found = await self.all(
            "SELECT (SELECT COUNT(*) FROM inbox WHERE done_at IS NULL AND contact_id IS NOT NULL) "
            "+ (SELECT COUNT(*) FROM outbox WHERE state IN ('waiting', 'claimed')) AS n"
        )
        return int(found[0]["n"]) == 0

    async def settled(self) -> None:
        await self.until(self.idle)
        await self.twilio.settled()

    def on_telegram(self, name: str = "Ana", **more: Any) -> TelegramPhone:
        return TelegramPhone(self.telegram, name, client=self.client, **more)

    def on_whatsapp(self, name: str = "Rosa", **more: Any) -> WhatsAppPhone:
        return WhatsAppPhone(self.twilio, name, client=self.client, **more)

    def on(self, channel: str) -> TelegramPhone | WhatsAppPhone:
        return self.on_telegram() if channel == "telegram" else self.on_whatsapp()


def address(phone: Any) -> bytes:
    """How the record names this person."""
    return vault().blind(phone.fake.name.replace("twilio", "whatsapp"), phone.address)


@asynccontextmanager
async def town(folder: Path, **more: Any) -> AsyncIterator[Town]:
    """Both vendors and nobody behind the webhooks yet; `start` the product when the stage is set."""
    telegram, twilio = FakeTelegram(rates=unlimited()), FakeTwilio(most_at_once=1000)
    twilio.webhook_url = f"{PUBLIC}/webhooks/twilio"
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(running(telegram))
        await stack.enter_async_context(running(twilio))
        client = await stack.enter_async_context(httpx.AsyncClient(verify=False, trust_env=False, timeout=60))
        place = Town(telegram, twilio, folder, client, **more)
        try:
            yield place
        finally:
            await place.stop()
    await asyncio.sleep(0)  # lets the transports that were just closed go


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[Town]:
    """The stage, the product not started."""
    async with town(tmp_path) as place:
        yield place


@pytest.fixture
async def there(empty: Town) -> Town:
    """The product, running."""
    await empty.start()
    return empty
