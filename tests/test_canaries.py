"""Conversations with every logger at DEBUG and errors on every way: nobody is in a log, a page or a metric.

About two dozen by default; `pytest tests/test_canaries.py --canaries 1000` for all of them (SAFETY X18, O2).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.channels.telegram import Telegram
from bot.channels.whatsapp import WhatsApp
from bot.house import build as build_house
from bot.offices import add_staff
from bot.service import Puente, channels, prepare
from bot.settings import load
from tests import canaries
from tests.canaries import Ear, Person
from tests.channels.conftest import AT_ONCE, PUBLIC, Listening
from tests.fakes.faults import broken, busy, drop, refuse
from tests.fakes.people import TelegramPhone, WhatsAppPhone
from tests.fakes.serve import Served, running
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import unlimited
from tests.fakes.twilio import FakeTwilio
from tests.minds import MIND

AT_A_TIME = 20


class Angry:
    """An engine that fails, and quotes what it was given."""

    def find(self, text: str) -> Any:
        raise ValueError(f"cannot find {text!r}")


class Stage:
    """The product between the vendors, with an ear in every log."""

    def __init__(self, puente: Puente, base: str, telegram: FakeTelegram, twilio: FakeTwilio, ear: Ear) -> None:
        self.puente, self.base, self.telegram, self.twilio, self.ear = puente, base, telegram, twilio, ear
        self.client = httpx.AsyncClient(base_url=base, verify=False, trust_env=False, timeout=60)

    async def ask(self, method: str, path: str, person: Person | None = None, **more: Any) -> httpx.Response:
        """A request; whatever is refused or broken is shown to the ear."""
        if person is not None:
            more["headers"] = {"Cookie": f"puente_chat={person.browser}"} | more.get("headers", {})
        try:
            answer = await self.client.request(method, path, **more)
        except httpx.TransportError:  # too much was sent: the line was cut before it all was
            return httpx.Response(413)
        if answer.status_code >= 400:
            self.ear.shown.append(f"{answer.headers}\n{answer.text}")
        return answer

    async def idle(self) -> None:
        async with asyncio.timeout(300):
            while await self.puente.record.run(_left):
                await asyncio.sleep(0.02)


def _left(tx: Any) -> int:
    return int(
        tx.one(
            "SELECT (SELECT COUNT(*) FROM inbox WHERE done_at IS NULL AND contact_id IS NOT NULL) + "
            "(SELECT COUNT(*) FROM outbox WHERE state IN ('waiting', 'claimed')) AS n"
        )["n"]
    )


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    telegram = FakeTelegram(token=canaries.TELEGRAM_TOKEN, rates=unlimited())
    twilio = FakeTwilio(canaries.TWILIO_ACCOUNT, canaries.TWILIO_TOKEN, most_at_once=1000)
    twilio.webhook_url = f"{PUBLIC}/webhooks/twilio"
    async with AsyncExitStack() as stack:
        ear = stack.enter_context(canaries.listening(monkeypatch))
        for fake in (telegram, twilio):
            await stack.enter_async_context(running(fake))
        given = load(
            database_url=f"sqlite:///{tmp_path}/puente.db", puente_keys=tmp_path / "keys.json",
            public_base_url=PUBLIC, telegram_token=canaries.TELEGRAM_TOKEN, telegram_secret=canaries.TELEGRAM_SECRET,
            telegram_api_base=telegram.base, twilio_account_sid=canaries.TWILIO_ACCOUNT, puente_demo=True,
            twilio_auth_token=canaries.TWILIO_TOKEN, twilio_whatsapp_from=twilio.sender, twilio_api_base=twilio.base,
            metrics_token=canaries.METRICS_TOKEN,
        )  # fmt: skip
        record = prepare(given)
        office = record.do(lambda tx: tx.one("SELECT id FROM office LIMIT 1")["id"])
        record.do(add_staff, office, canaries.STAFF)
        found = channels(given, {})
        for channel in found.values():
            if isinstance(channel, Telegram | WhatsApp):
                channel._limits = channel._limits._replace(**AT_ONCE)
        puente = Puente(given, record, build_house(replace(MIND, services=Angry())), found)
        served = Served(Listening(puente))
        base = await served.start()
        telegram.roads[PUBLIC] = twilio.roads[PUBLIC] = base
        async with asyncio.timeout(20):
            while telegram.updates.webhook is None:
                await asyncio.sleep(0.01)
        canaries.everything_at_debug()
        there = Stage(puente, base, telegram, twilio, ear)
        yield there
        await there.client.aclose()
        await served.stop()
        record.close()


async def on_the_web(stage: Stage, person: Person) -> None:
    for number, words in enumerate(("hola", "español", "sí", f"busco {person.words}", person.danger)):
        message = {"id": f"m-{person.number}-{number}-000", "text": words}
        await stage.ask("POST", "/chat/messages", person, json=message)
    await stage.ask("POST", "/chat/messages", person, json={"id": person.words, "text": 7, person.name: person.words})
    await stage.ask("POST", "/chat/messages", person, content=f'{{"text": "{person.words}"'.encode())
    await stage.ask("POST", "/chat/messages", person, json={"id": "m-0000000", "text": person.words * 1000})
    await stage.ask("GET", f"/{person.words}?phone={person.phone}", person)
    await stage.ask("GET", f"/chat/messages?after={person.words}", person)
    await stage.ask("GET", f"/api/v1/cases/{person.words}", headers={"Authorization": "Bearer pnt_canary"})


async def on_a_phone(stage: Stage, person: Person) -> None:
    phone: TelegramPhone | WhatsAppPhone
    if person.number % 2:
        phone = TelegramPhone(stage.telegram, person.name, id=person.chat, client=stage.client)
        plan = stage.telegram.plan
    else:
        phone = WhatsAppPhone(stage.twilio, person.name, person.phone, person.scoped_id, client=stage.client)
        plan = stage.twilio.plan
    faults = [drop(after=True), broken(502, html=True), busy(1), refuse(400, f"Bad Request: {person.words}", 21617)]
    plan.add(faults[person.number // 2 % len(faults)], to=phone.address)
    for words in ("hola", "español", "sí", f"busco {person.words}", person.danger, "persona", person.name):
        await phone.say(words)
    path = "/webhooks/telegram" if person.number % 2 else "/webhooks/twilio"
    await stage.ask("POST", path, content=f"{person.words}&From={person.phone}".encode())
    secret = {"x-telegram-bot-api-secret-token": canaries.TELEGRAM_SECRET}
    broken_one = {"update_id": person.number, "message": {"chat": {"id": person.words}, "text": person.danger}}
    await stage.ask("POST", "/webhooks/telegram", json=broken_one, headers=secret)
    await stage.ask("POST", "/webhooks/telegram", json=broken_one, headers={**secret, "x-canary": person.phone})


@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_nobody_is_in_a_log_a_page_or_a_metric(stage: Stage, request: pytest.FixtureRequest) -> None:
    gate = asyncio.Semaphore(AT_A_TIME)

    async def one(number: int) -> None:
        async with gate:
            await (on_the_web if number % 3 == 0 else on_a_phone)(stage, Person(number))

    await asyncio.gather(*(one(number) for number in range(int(request.config.getoption("--canaries")))))
    await stage.idle()
    for token in (canaries.METRICS_TOKEN, "wrong"):
        metrics = await stage.client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
        stage.ear.shown.append(metrics.text)
    rows = await stage.puente.record.run(lambda tx: tx.all("SELECT detail FROM audit WHERE detail IS NOT NULL"))
    stage.ear.shown += [str(row["detail"]) for row in rows]

    assert stage.ear.hits() == []
    heard = stage.ear.heard
    for event in ("turn.failed", "outbox.failed", "webhook.not_genuine", "inbox.unreadable"):
        assert event in heard, f"no {event}: the errors were not forced"
    assert any(f'"logger": "{name}' in heard for name in ("httpx", "httpcore", "telegram"))
    assert len(stage.ear.shown) > 10


@pytest.mark.parametrize("kind", canaries.KINDS)
def test_the_ear_hears_every_kind(kind: str) -> None:
    """The search itself: each canary, somewhere in a line, is found as what it is."""
    person = Person(7)
    planted = {
        "phone": person.phone, "scoped id": person.scoped_id, "chat id": str(person.chat), "name": person.name,
        "words": person.words, "danger": person.danger, "browser": person.browser, "staff name": canaries.STAFF,
        "telegram token": canaries.TELEGRAM_TOKEN, "telegram secret": canaries.TELEGRAM_SECRET,
        "twilio token": canaries.TWILIO_TOKEN, "twilio account": canaries.TWILIO_ACCOUNT,
        "api token": "pnt_canary", "metrics token": canaries.METRICS_TOKEN,
    }  # fmt: skip
    assert [found for found, _around in canaries.hits(f'{{"event": "x {planted[kind]} y"}}')] == [kind]


def test_what_a_library_puts_into_its_line_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    with canaries.listening(monkeypatch) as ear:
        logging.getLogger("some.library").warning("sending %s to %s", "canario1palabra", {"text": "canario2palabra"})
        logging.getLogger("some.library").error("failed", exc_info=ValueError("canario3palabra"))
    assert "sending" in ear.heard
    assert ear.hits() == []
