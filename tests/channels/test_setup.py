"""What we tell Telegram when we start: where to call, with which secret, and which commands to offer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.catalogues import tongues
from bot.channels.telegram import Telegram
from bot.channels.telegram_setup import COMMANDS, insist, listen_at, offer_commands, stop_listening
from bot.channels.telegram_updates import UPDATES, WORDS
from bot.record import Record
from bot.service import prepare
from tests.channels.conftest import PUBLIC, SECRET, Town, town
from tests.fakes.faults import broken, busy, drop, refuse
from tests.fakes.telegram_updates import Webhook
from tests.minds import MIND

URL = f"{PUBLIC}/webhooks/telegram"


@pytest.fixture
async def there(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as there:
        yield there


@pytest.fixture
def record(there: Town) -> Record:
    return prepare(there.settings())


@pytest.fixture
async def bot(there: Town) -> AsyncIterator[Telegram]:
    bot = Telegram(there.telegram.token, SECRET, there.telegram.base)
    yield bot
    await bot.close()


def times(there: Town, method: str) -> int:
    return sum(call.method == method for call in there.telegram.calls)


def waited(there: Town) -> None:
    """A second passes at Telegram, which takes no two setWebhook within one."""
    there.telegram.clock.advance(1.5)


async def test_the_webhook_is_set_once_with_all_it_needs(there: Town, record: Record, bot: Telegram) -> None:
    for _start in range(3):
        await listen_at(bot, record, URL)
        waited(there)
    assert there.telegram.updates.webhook == Webhook(URL, SECRET, UPDATES, 40)
    assert times(there, "setwebhook") == 1


async def test_two_machines_starting_together_do_not_fight(there: Town, record: Record, bot: Telegram) -> None:
    other = Telegram(there.telegram.token, SECRET, there.telegram.base)
    await asyncio.gather(
        insist(lambda: listen_at(bot, record, URL), 0.001), insist(lambda: listen_at(other, record, URL), 0.001)
    )
    await other.close()
    assert there.telegram.updates.webhook == Webhook(URL, SECRET, UPDATES, 40)
    assert [call.status for call in there.telegram.calls if call.method == "setwebhook"].count(200) == 1


CHANGED = {
    "another address": Webhook("https://other.example/hook", SECRET, UPDATES),
    "other kinds": Webhook(URL, SECRET, ["message"]),
    "every kind": Webhook(URL, SECRET, None),
}


@pytest.mark.parametrize("left", CHANGED.values(), ids=CHANGED.keys())
async def test_what_somebody_else_set_is_put_right(there: Town, record: Record, bot: Telegram, left: Webhook) -> None:
    await listen_at(bot, record, URL)
    waited(there)
    there.telegram.updates.webhook = left
    await listen_at(bot, record, URL)
    assert there.telegram.updates.webhook == Webhook(URL, SECRET, UPDATES, 40)


async def test_a_new_secret_is_told_though_telegram_does_not_say_which_it_has(
    there: Town, record: Record, bot: Telegram
) -> None:
    await listen_at(bot, record, URL)
    waited(there)
    renewed = Telegram(there.telegram.token, "b" * 40, there.telegram.base)
    await listen_at(renewed, record, URL)
    await renewed.close()
    assert there.telegram.updates.webhook == Webhook(URL, "b" * 40, UPDATES, 40)


async def test_no_secret_is_written_down_in_the_clear(there: Town, record: Record, bot: Telegram) -> None:
    await listen_at(bot, record, URL)
    record.close()
    kept = b"".join(path.read_bytes() for path in there.folder.iterdir())
    assert SECRET.encode() not in kept and there.telegram.token.encode() not in kept


async def test_what_waits_at_telegram_is_not_thrown_away(there: Town, bot: Telegram) -> None:
    there.telegram.updates.webhook = Webhook("https://nobody.example/hook")
    ana = there.on_telegram()
    await ana.say("hola")
    await stop_listening(bot)
    await stop_listening(bot)
    assert there.telegram.updates.webhook is None
    assert len(there.telegram.updates.pending) == 1
    assert times(there, "deletewebhook") == 1


async def test_commands_are_offered_in_both_languages_and_understood(there: Town, bot: Telegram) -> None:
    await offer_commands(bot, tongues())
    offered = there.telegram.commands
    assert offered.keys() == {("default", ""), ("default", "en")}
    assert [one["command"] for one in offered["default", ""]] == list(COMMANDS["es"])
    spanish, english = ({one["description"] for one in offered["default", language]} for language in ("", "en"))
    assert not spanish & english
    heard = [MIND.commands.hear(WORDS[f"/{name}"]) for named in COMMANDS.values() for name in named]
    assert None not in heard and heard[: len(heard) // 2] == heard[len(heard) // 2 :]


@pytest.mark.parametrize(
    "fault", [busy(1), drop(), broken(502, after=False, html=True), refuse(400, "Bad Request: bad webhook: x")]
)
async def test_it_is_tried_until_it_is_done(there: Town, record: Record, bot: Telegram, fault: object) -> None:
    there.telegram.plan.add(fault, fault, on="setwebhook")  # type: ignore[arg-type]
    await insist(lambda: listen_at(bot, record, URL), pause=0.001)
    assert there.telegram.updates.webhook is not None


async def test_telegram_being_away_does_not_stop_the_others(there: Town) -> None:
    there.telegram.plan.add(drop(), on="getwebhookinfo", times=2)
    rosa = there.on_whatsapp()
    there.telegram.updates.webhook = Webhook("https://nobody.example")
    await there.start()
    await rosa.say("hola")
    assert await rosa.hears()
    assert there.telegram.updates.webhook.url != URL or times(there, "getwebhookinfo") > 2
    await there.until(lambda: there.telegram.updates.webhook == Webhook(URL, SECRET, UPDATES, 40))
