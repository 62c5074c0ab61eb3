"""How a message reaches the bot: webhook, polling, retries, and everything that a person can send."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response
from telegram import Bot, Update
from telegram.error import BadRequest, Conflict, RetryAfter

from tests.fakes import forge
from tests.fakes.conftest import SECRET, client, until
from tests.fakes.people import TelegramPhone
from tests.fakes.product import Product
from tests.fakes.serve import running
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_updates import Webhook
from tests.fakes.test_telegram import call


@pytest.mark.parametrize(
    "settings, why",
    [
        ({"url": "http://bot.example/x"}, "HTTPS"),
        ({"url": "https://bot.example:8000/x"}, "ports 80, 88, 443 or 8443"),
        ({"url": "https://bot.example/x", "secret_token": "con espacio"}, "unallowed characters"),
        ({"url": "https://bot.example/x", "secret_token": "a" * 257}, "too long"),
        ({"url": "https://bot.example/x", "max_connections": 101}, "max_connections"),
        ({"url": "https://bot.example/x", "allowed_updates": ["mesage"]}, "allowed updates"),
    ],
)
async def test_webhooks_that_are_refused(telegram: FakeTelegram, settings: dict[str, Any], why: str) -> None:
    assert why in (await call(telegram, "setWebhook", **settings))["description"]
    assert telegram.updates.webhook is None


async def test_a_webhook_is_set_once_a_second(telegram: FakeTelegram, bot: Bot) -> None:
    await bot.set_webhook("https://bot.example/x", secret_token=SECRET, allowed_updates=["message"])
    with pytest.raises(RetryAfter):
        await bot.set_webhook("https://bot.example/x")
    telegram.clock.advance(1)
    await bot.set_webhook("https://bot.example/y")
    about = await bot.get_webhook_info()
    assert about.url == "https://bot.example/y" and about.allowed_updates == ("message",)  # left out: stays
    with pytest.raises(Conflict):
        await bot.get_updates(timeout=0)
    await bot.delete_webhook()
    assert (await bot.get_webhook_info()).url == "" and await bot.get_updates(timeout=0) == ()


async def test_polling(telegram: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    waiting = asyncio.create_task(bot.get_updates(timeout=20))
    await until(lambda: telegram.updates._poll is not None)
    assert await ana.say("uno") is None
    [first] = await waiting
    assert first.message and first.message.text == "uno"
    await ana.say("dos")
    again = await bot.get_updates(timeout=0)
    assert [u.update_id for u in again] == [first.update_id, first.update_id + 1]  # nothing confirmed yet
    [second] = await bot.get_updates(offset=first.update_id + 1, timeout=0)
    assert second.message and second.message.text == "dos"
    async with client(telegram) as other:
        older = asyncio.create_task(other.get_updates(offset=second.update_id + 1, timeout=20))
        await until(lambda: telegram.updates._poll is not None)
        assert await bot.get_updates(offset=second.update_id + 1, timeout=0) == ()
        with pytest.raises(Conflict):
            await older


async def test_a_message_goes_to_the_webhook(telegram: FakeTelegram, hooked: Product, ana: TelegramPhone) -> None:
    assert await ana.say("hola") == 200
    heard = hooked.heard[-1]
    assert heard.path == "/webhooks/telegram" and heard.headers["x-telegram-bot-api-secret-token"] == SECRET
    message = heard.update["message"]
    assert message["text"] == "hola" and message["chat"]["type"] == "private" and message["from"]["id"] == ana.id
    assert await ana.again(heard.update) == 200
    assert [h.update["update_id"] for h in hooked.heard[-2:]] == [heard.update["update_id"]] * 2


async def test_telegram_insists_until_a_2xx(telegram: FakeTelegram, hooked: Product, ana: TelegramPhone) -> None:
    hooked.heard.clear()
    hooked.answers = [Response(status_code=503), Response(status_code=302), Response(status_code=503)]
    assert await ana.say("hola") == 200
    assert len({h.update["update_id"] for h in hooked.heard}) == 1 and len(hooked.heard) == 4
    assert [d.pause for d in telegram.updates.deliveries[-4:]] == [0, 2, 4, 8]
    hooked.answers = [Response(status_code=503, headers={"Retry-After": "90"})]
    await ana.say("otra")
    assert telegram.updates.deliveries[-2].pause == 90


async def test_a_failing_update_blocks_its_chat_alone(
    telegram: FakeTelegram, hooked: Product, ana: TelegramPhone
) -> None:
    beto = TelegramPhone(telegram, "Beto")
    hooked.heard.clear()
    hooked.answers = [Response(status_code=503)] * 5
    assert await ana.say("uno") == 503
    assert await ana.say("dos") == 200  # the fifth 503 is for "uno" again; then both go
    assert [h.update["message"]["text"] for h in hooked.heard] == ["uno"] * 6 + ["dos"]
    hooked.answers = [Response(status_code=503)] * 4
    assert await ana.say("tres") == 503 and await beto.say("hola") == 200
    assert len(telegram.updates.pending) == 1


async def test_an_outage_is_made_up_for_oldest_first(telegram: FakeTelegram, ana: TelegramPhone) -> None:
    telegram.updates.webhook = Webhook("http://127.0.0.1:9/closed", SECRET)
    assert [await ana.say(word) for word in ("uno", "dos")] == [0, 0]
    telegram.clock.advance(6 * 3600)
    hooked = Product()
    async with running(hooked) as base:
        telegram.roads["http://127.0.0.1:9"] = base
        assert await telegram.updates.deliver_pending() == 0
    assert [h.update["message"]["text"] for h in hooked.heard] == ["uno", "dos"]


async def test_what_is_a_day_old_is_forgotten(telegram: FakeTelegram, ana: TelegramPhone) -> None:
    await ana.say("hola")
    telegram.clock.advance(24 * 3600 + 1)
    telegram.updates.forget_old()
    assert telegram.updates.pending == []


async def test_twice_at_once_and_out_of_order(telegram: FakeTelegram, hooked: Product, ana: TelegramPhone) -> None:
    hooked.heard.clear()
    uno, dos, tres = (ana.text(word) for word in ("uno", "dos", "tres"))
    assert await ana.send(uno, dos, tres, order=[2, 0, 1], copies=2) == [200] * 3
    assert [h.update["message"]["text"] for h in hooked.heard] == ["tres"] * 2 + ["uno"] * 2 + ["dos"] * 2
    assert uno["update_id"] + 2 == tres["update_id"]


async def test_an_answer_that_is_a_call(telegram: FakeTelegram, hooked: Product, ana: TelegramPhone) -> None:
    hooked.answers = [JSONResponse({"method": "sendMessage", "chat_id": ana.id, "text": "así también"})]
    await ana.say("hola")
    assert ana.last.text == "así también"


async def test_all_that_people_send_reads_as_an_update(telegram: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    items = [ana.text("hola"), ana.edit("hola."), ana.location(14.6, -90.5), ana.contact("+50255550101", own=False)]
    items += [ana.photo("mi papel"), *ana.album(2), ana.voice(), ana.document(), ana.sticker(), ana.unknown()]
    read = [Update.de_json(item, bot) for item in items]
    assert [u.update_id for u in read] == list(range(read[0].update_id, read[0].update_id + len(read)))
    assert read[1].edited_message and read[1].edited_message.text == "hola."
    assert read[3].message and read[3].message.contact and read[3].message.contact.user_id is None
    assert read[9].message and read[9].message.sticker and read[9].message.sticker.emoji == "👍"
    assert "a_kind_to_come" in read[10].api_kwargs
    voice = read[7].message
    assert voice and voice.voice
    file = await bot.get_file(voice.voice.file_id)
    assert bytes(await file.download_as_bytearray()) == b"OggS"
    big = ana.document(data=b"0" * (20 * 2**20 + 1))["message"]["document"]["file_id"]
    with pytest.raises(BadRequest, match=r"(?i)file is too big"):
        await bot.get_file(big)
    with pytest.raises(BadRequest, match=r"(?i)wrong file_id"):
        await bot.get_file("nada")


async def test_updates_that_cannot_be_read(telegram: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    """What the product has to live with: right secret, wrong shape, and an exception in the library."""
    unreadable = 0
    shapes = list(forge.malformed_updates(ana))
    for update in shapes:
        try:
            Update.de_json(update, bot)
        except (KeyError, TypeError, AttributeError, ValueError):
            unreadable += 1
    assert 5 <= unreadable <= len(shapes)
    assert len({update["update_id"] for update in shapes}) == len(shapes)
