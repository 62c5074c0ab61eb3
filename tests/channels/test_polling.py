"""Telegram without a public address: the same conversation by asking, and nothing lost however it is interrupted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot import service
from bot.channels import Event, Incoming, Unreadable
from bot.channels.telegram import Telegram
from bot.channels.telegram_polling import poll
from tests.channels.conftest import PUBLIC, SECRET, Town, town
from tests.fakes import forge
from tests.fakes.faults import broken, busy, drop, refuse
from tests.fakes.telegram_updates import Webhook

CONFLICT = refuse(409, "Conflict: terminated by other getUpdates request")
NO_TOKEN = refuse(401, "Unauthorized")
ASKED = "getupdates"


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path, public=None) as there:
        yield there


@pytest.fixture
async def bot(there: Town) -> AsyncIterator[Telegram]:
    bot = Telegram(there.telegram.token, SECRET, there.telegram.base)
    yield bot
    await bot.close()


@contextlib.asynccontextmanager
async def polling(bot: Telegram, keep: Callable[[list[Event]], Awaitable[None]]) -> AsyncIterator[None]:
    task = asyncio.create_task(poll(bot, keep, wait=1, pause=0.001))
    try:
        yield
        assert not task.done(), "polling must not end by itself"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_same_conversation_without_a_public_address(there: Town) -> None:
    there.telegram.updates.webhook = Webhook(f"{PUBLIC}/old", "x")  # of a deployment before this one
    await there.start()
    await there.until(lambda: there.telegram.updates.webhook is None)
    ana = there.on_telegram()
    assert await ana.say("hola") is None
    assert [option.label for option in (await ana.hears())[0].options][:2] == ["Español", "English"]
    await ana.tap("Español")
    assert "Soy Puente" in (await ana.hears())[0].text
    await ana.say("no")
    assert "¿En qué le puedo ayudar?" in (await ana.hears())[0].text
    await there.settled()
    assert len(there.telegram.answered) == 1
    await ana.block()
    await there.until(lambda: blocked(there))


async def blocked(there: Town) -> bool:
    return bool(await there.all("SELECT 1 FROM address WHERE blocked_at IS NOT NULL"))


async def test_what_was_not_committed_comes_again_and_what_was_does_not_count_twice(there: Town) -> None:
    """The power goes between receiving and committing, and after committing, before Telegram hears of it."""
    await there.start()
    ana = there.on_telegram()
    await ana.say("hola")
    await ana.hears()
    await there.settled()
    await there.stop()
    for text in ("español", "no"):
        await ana.say(text)
    record = service.prepare(there.settings())
    bot = Telegram(there.telegram.token, SECRET, there.telegram.base)
    received: list[Event] = []
    committed = asyncio.Event()

    async def keep(events: list[Event]) -> None:
        received.extend(events)
        if len(received) > 1:
            committed.set()
            await asyncio.sleep(60)  # the second is received, and then the power goes
        await record.run(service.keep, "telegram", events)

    async with polling(bot, keep):
        await asyncio.wait_for(committed.wait(), 10)
    await bot.close()
    record.close()
    await there.start()
    said = " ".join(sent.text for sent in await ana.hears(2))
    assert said.count("Soy Puente") == 1 and said.count("¿En qué le puedo ayudar?") == 1
    await there.settled()
    rows = await there.all("SELECT COUNT(*) AS n FROM inbox WHERE kind = 'message'")
    assert rows[0]["n"] == 3


FAULTS = {
    "409": CONFLICT, "429": busy(1), "a refused token": NO_TOKEN, "500": broken(500, after=False),
    "HTML": broken(502, after=False, html=True), "a reset": drop(),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_polling_survives_what_telegram_says(there: Town, bot: Telegram, fault: Any) -> None:
    there.telegram.plan.add(fault, fault, on=ASKED)
    got: list[Event] = []

    async def keep(events: list[Event]) -> None:
        got.extend(events)

    async with polling(bot, keep):
        ana = there.on_telegram()
        await ana.say("hola")
        await there.until(lambda: bool(got))
    assert [event.message.text for event in got] == ["hola"]  # type: ignore[union-attr]


async def test_polling_survives_our_own_database(there: Town, bot: Telegram) -> None:
    got: list[Event] = []
    tries = 0

    async def keep(events: list[Event]) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise OSError("no space left on device")
        got.extend(events)

    async with polling(bot, keep):
        ana = there.on_telegram()
        await ana.say("hola")
        await ana.say("¿hay alguien?")
        await there.until(lambda: len(got) == 2)
    assert [event.message.text for event in got] == ["hola", "¿hay alguien?"]  # type: ignore[union-attr]


async def test_updates_the_library_cannot_read_stop_nobody(there: Town, bot: Telegram) -> None:
    ana = there.on_telegram()
    broken_ones = list(forge.malformed_updates(ana))
    for update in broken_ones:
        await ana.send(update)
    await ana.say("hola")
    got: list[Event] = []

    async def keep(events: list[Event]) -> None:
        got.extend(events)

    async with polling(bot, keep):
        await there.until(lambda: len(got) == len(broken_ones) + 1)
        await there.until(lambda: there.telegram.updates.pending == [])
    assert isinstance(got[-1], Incoming)
    assert got[-1].message.text == "hola"
    assert {type(event) for event in got} == {Incoming, Unreadable}
