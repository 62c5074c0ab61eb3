"""The worlds in which the fakes themselves are tested: each vendor, a product behind its webhook, one person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from telegram import Bot
from telegram.request import HTTPXRequest

from tests.fakes.base import Clock
from tests.fakes.people import TelegramPhone, WhatsAppPhone
from tests.fakes.product import Product
from tests.fakes.serve import running
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import unlimited
from tests.fakes.telegram_updates import Webhook
from tests.fakes.twilio import FakeTwilio

PUBLIC = "https://bot.example"
STATUS = f"{PUBLIC}/webhooks/twilio/status"
SECRET = "a_secret-0123456789"
Send = Callable[..., Any]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0)


@pytest.fixture
async def telegram() -> AsyncIterator[FakeTelegram]:
    telegram = FakeTelegram(rates=unlimited(), clock=Clock(frozen=1_800_000_000.0))
    async with running(telegram):
        yield telegram


@pytest.fixture
async def bot(telegram: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bot]:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    async with client(telegram) as bot:
        yield bot


def client(telegram: FakeTelegram, token: str = "") -> Bot:
    """python-telegram-bot, pointed at the fake."""

    def plain() -> HTTPXRequest:
        return HTTPXRequest(httpx_kwargs={"trust_env": False, "verify": False}, read_timeout=5)

    bases = f"{telegram.base}/bot", f"{telegram.base}/file/bot"
    return Bot(token or telegram.token, *bases, request=plain(), get_updates_request=plain())


@pytest.fixture
async def hooked(telegram: FakeTelegram) -> AsyncIterator[Product]:
    """Behind https://bot.example, known to Telegram with a secret."""
    hooked = Product()
    async with running(hooked) as base:
        telegram.roads[PUBLIC] = base
        telegram.updates.webhook = Webhook(f"{PUBLIC}/webhooks/telegram", SECRET)
        yield hooked


@pytest.fixture
async def ana(telegram: FakeTelegram) -> TelegramPhone:
    ana = TelegramPhone(telegram, "Ana", "Tzul")
    await ana.start()
    telegram.updates.pending.clear()
    return ana


@pytest.fixture
async def twilio() -> AsyncIterator[FakeTwilio]:
    twilio = FakeTwilio(clock=Clock(frozen=1_800_000_000.0))
    twilio.webhook_url = f"{PUBLIC}/webhooks/twilio"
    async with running(twilio):
        yield twilio


@pytest.fixture
async def product(twilio: FakeTwilio) -> AsyncIterator[Product]:
    product = Product()
    async with running(product) as base:
        twilio.roads[PUBLIC] = base
        yield product


@pytest.fixture
def rosa(twilio: FakeTwilio, product: Product) -> WhatsAppPhone:
    rosa = WhatsAppPhone(twilio, "Ana")
    twilio.open([rosa.address])
    return rosa


@pytest.fixture
async def web(twilio: FakeTwilio) -> AsyncIterator[httpx.AsyncClient]:
    account = (twilio.account_sid, twilio.auth_token)
    async with httpx.AsyncClient(base_url=twilio.base, auth=account, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
def send(twilio: FakeTwilio, web: httpx.AsyncClient) -> Send:
    async def send(to: str, **fields: Any) -> httpx.Response:
        form = {"To": to, "From": twilio.sender, "StatusCallback": f"{STATUS}?ref=1"} | fields
        form = {name: value for name, value in form.items() if value is not None}
        return await web.post(f"/2010-04-01/Accounts/{twilio.account_sid}/Messages.json", data=form)

    return send
