"""The fake Telegram says yes and no where the real one does, to python-telegram-bot and to bare HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, Response
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, KeyboardButton, ReplyKeyboardMarkup, Update
from telegram.error import BadRequest, Conflict, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut
from telegram.request import HTTPXRequest

from tests.fakes import faults
from tests.fakes.base import Clock
from tests.fakes.people import TelegramPhone
from tests.fakes.product import Product
from tests.fakes.serve import running
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import Rates, Refused, read_html, read_text, unlimited
from tests.fakes.telegram_updates import Webhook

SECRET = "a_secret-0123456789"


@pytest.fixture
async def fake() -> AsyncIterator[FakeTelegram]:
    fake = FakeTelegram(rates=unlimited(), clock=Clock(frozen=1_800_000_000.0))
    async with running(fake):
        yield fake


@pytest.fixture
async def bot(fake: FakeTelegram, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bot]:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    async with client(fake) as bot:
        yield bot


def client(fake: FakeTelegram) -> Bot:
    def plain() -> HTTPXRequest:
        return HTTPXRequest(httpx_kwargs={"trust_env": False, "verify": False}, read_timeout=5)

    return Bot(fake.token, f"{fake.base}/bot", f"{fake.base}/file/bot", request=plain(), get_updates_request=plain())


@pytest.fixture
async def product(fake: FakeTelegram) -> AsyncIterator[Product]:
    """Behind https://bot.example, known to Telegram with a secret."""
    product = Product()
    async with running(product) as base:
        fake.roads["https://bot.example"] = base
        fake.updates.webhook = Webhook("https://bot.example/webhooks/telegram", SECRET)
        yield product


@pytest.fixture
async def ana(fake: FakeTelegram) -> TelegramPhone:
    ana = TelegramPhone(fake, "Ana", "Tzul")
    await ana.start()
    fake.updates.pending.clear()
    return ana


async def call(fake: FakeTelegram, method: str, **params: Any) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False, verify=False) as web:
        return dict((await web.post(f"{fake.base}/bot{fake.token}/{method}", json=params)).json())


def inline(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=f"o{n}")] for n, label in enumerate(labels)]
    )


async def test_the_library_writes_and_the_phone_shows(fake: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    message = await bot.send_message(ana.id, "¿Con qué necesita ayuda?", reply_markup=inline("Trabajo", "Documentos"))
    assert message.chat.id == ana.id and message.from_user and message.from_user.id == bot.id
    assert ana.last.text == "¿Con qué necesita ayuda?" and ana.options == ["Trabajo", "Documentos"]
    assert [sent.text for sent in await ana.hears()] == ["¿Con qué necesita ayuda?"]


async def test_every_way_to_encode_a_call(fake: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    url = f"{fake.base}/bot{fake.token}/SENDMESSAGE"
    values = {"chat_id": str(ana.id), "text": "ñandú & más"}
    async with httpx.AsyncClient(trust_env=False) as web:
        assert (await web.get(url, params=values)).json()["ok"]
        assert (await web.post(url, data=values)).json()["ok"]
        assert (await web.post(url, json=values)).json()["ok"]
        multipart = [(name, (None, value)) for name, value in values.items()]
        assert (await web.post(url, files=multipart)).json()["ok"]
        assert (await web.post(url, content=b"{", headers={"content-type": "application/json"})).status_code == 400
    await bot.send_voice(ana.id, b"OggS....", caption="voz")
    assert [sent.text for sent in ana.received] == ["ñandú & más"] * 4 + ["voz"]
    assert ana.last.kind == "voice"


async def test_who_can_be_written_to(fake: FakeTelegram, bot: Bot) -> None:
    beto = TelegramPhone(fake, "Beto")
    with pytest.raises(BadRequest, match=r"(?i)chat not found"):
        await bot.send_message(1, "hola")
    with pytest.raises(Forbidden, match=r"(?i)can't initiate conversation"):
        await bot.send_message(beto.id, "hola")
    await beto.say("hola")
    await bot.send_message(beto.id, "hola")
    await beto.block()
    with pytest.raises(Forbidden, match=r"(?i)blocked by the user"):
        await bot.send_message(beto.id, "hola")
    await beto.unblock()
    fake.chats[beto.id].deactivated = True
    with pytest.raises(Forbidden, match=r"(?i)deactivated"):
        await bot.send_message(beto.id, "hola")
    kinds = [next(k for k in u if k != "update_id") for u in fake.updates.pending]
    assert kinds == ["message", "my_chat_member", "my_chat_member"]
    assert len(fake.sent) == 1


async def test_the_wrong_token(fake: FakeTelegram) -> None:
    for token in ("1:short", f"99:{'x' * 35}"):
        with pytest.raises(InvalidToken):
            async with Bot(
                token, base_url=f"{fake.base}/bot", request=HTTPXRequest(httpx_kwargs={"trust_env": False})
            ):
                pass
    assert (await call(fake, "sendNothing"))["error_code"] == 404


@pytest.mark.parametrize(
    "text, why",
    [("", "text is empty"), (" \n ", "text is empty"), ("a" * 4097, "too long"), ("😀" * 2049, "too long")],
)
async def test_texts_that_are_refused(fake: FakeTelegram, ana: TelegramPhone, text: str, why: str) -> None:
    answer = await call(fake, "sendMessage", chat_id=ana.id, text=text)
    assert answer["error_code"] == 400 and why in answer["description"] and not fake.sent


async def test_texts_at_the_limit(fake: FakeTelegram, ana: TelegramPhone) -> None:
    for text in ("a", "ñ" * 4096, "😀" * 2048, "<b>" + "a" * 4096 + "</b>"):
        mode = {"parse_mode": "HTML"} if text[0] == "<" else {}
        assert (await call(fake, "sendMessage", chat_id=ana.id, text=text, **mode))["ok"]
    assert (await call(fake, "sendMessage", chat_id=ana.id, text="a < b"))["ok"]  # plain text needs no escaping


@pytest.mark.parametrize(
    "raw, plain",
    [
        ("<b>sí</b> &lt; &amp; &#39;", "sí < & '"),
        ('<a href="https://x.gt">x</a>', "x"),
        ("<B><i>a</i></B>", "a"),
        ("3 > 2", "3 > 2"),
        ("a & b", "a & b"),
    ],
)
def test_html_that_is_shown(raw: str, plain: str) -> None:
    assert read_html(raw) == plain


@pytest.mark.parametrize("raw", ["a < b", "<3", "<b>a", "a</b>", "<b><i>a</b></i>", "<script>a</script>", "<Juan>"])
def test_html_that_loses_the_message(raw: str) -> None:
    with pytest.raises(Refused, match="can't parse entities"):
        read_text(raw, "HTML")


@pytest.mark.parametrize(
    "button, ok",
    [
        ({"text": "a", "callback_data": "ñ" * 32}, True),
        ({"text": "a", "callback_data": "ñ" * 32 + "a"}, False),
        ({"text": "a", "callback_data": ""}, False),
        ({"text": "a"}, False),
        ({"text": " ", "callback_data": "a"}, False),
        ({"text": "a", "callback_data": "a", "url": "https://x.gt"}, False),
        ({"text": "a", "url": "https://x.gt"}, True),
        ({"text": "a", "url": "javascript:1"}, False),
        ("a", False),
    ],
)
async def test_inline_buttons(fake: FakeTelegram, ana: TelegramPhone, button: Any, ok: bool) -> None:
    markup = {"inline_keyboard": [[button]]}
    answer = await call(fake, "sendMessage", chat_id=ana.id, text="a", reply_markup=json.dumps(markup))
    assert answer["ok"] is ok and len(fake.sent) == ok


async def test_keys_that_send_words_a_number_or_a_place(fake: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    keys = [
        ["Sí"],
        [KeyboardButton("Mi número", request_contact=True), KeyboardButton("Aquí", request_location=True)],
    ]
    await bot.send_message(ana.id, "¿Sigue?", reply_markup=ReplyKeyboardMarkup(keys))
    for key in ("Sí", "Mi número", "Aquí"):
        await ana.tap(key)
    words, contact, place = (Update.de_json(u, bot).message for u in fake.updates.pending)
    assert words and words.text == "Sí"
    assert contact and contact.contact and contact.contact.user_id == ana.id
    assert place and place.location and place.location.latitude == 14.8347


async def test_a_tap_and_its_answer(fake: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    await bot.send_message(ana.id, "a", reply_markup=inline("Trabajo"))
    await ana.tap("Trabajo")
    query = Update.de_json(fake.updates.pending[0], bot).callback_query
    assert query and query.data == "o0" and query.message and query.message.message_id == int(ana.last.id)
    with pytest.raises(BadRequest, match=r"(?i)message_too_long"):
        await bot.answer_callback_query(query.id, "a" * 201)
    await bot.answer_callback_query(query.id, "a" * 200)
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_callback_query("12345")
    fake.clock.advance(151)
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_callback_query(query.id)
    assert await bot.get_updates(timeout=0) == ()  # nor is the tap brought any more
    with pytest.raises(LookupError, match="Trabajo"):
        await ana.tap("Vivienda")


async def test_editing_and_deleting(fake: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    message = await bot.send_message(ana.id, "uno", reply_markup=inline("a"))
    with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
        await bot.edit_message_text("uno", ana.id, message.message_id, reply_markup=inline("a"))
    await bot.edit_message_text("dos", ana.id, message.message_id)
    assert (ana.last.text, ana.options) == ("dos", [])
    with pytest.raises(BadRequest, match=r"(?i)message to edit not found"):
        await bot.edit_message_text("dos", ana.id, 10**6)
    await ana.say("mío")
    with pytest.raises(BadRequest, match=r"(?i)can't be edited"):
        await bot.edit_message_text("dos", ana.id, ana.said[-1])
    await bot.delete_message(ana.id, ana.said[-1])  # both sides' messages, in a private chat
    await bot.delete_messages(ana.id, [message.message_id, 10**6])
    assert ana.received == [] and fake.sent[0].deleted
    old = await bot.send_message(ana.id, "tres")
    fake.clock.advance(48 * 3600 + 1)
    with pytest.raises(BadRequest, match=r"(?i)can't be deleted"):
        await bot.delete_message(ana.id, old.message_id)


async def test_pace(ana: TelegramPhone, fake: FakeTelegram, bot: Bot) -> None:
    fake.rates = Rates(chat_burst=3)
    for _ in range(3):
        await bot.send_message(ana.id, "a")
    with pytest.raises(RetryAfter) as refused:
        await bot.send_message(ana.id, "a")
    assert refused.value.retry_after == timedelta(seconds=1)
    fake.clock.advance(1)
    await bot.send_message(ana.id, "a")
    assert len(fake.sent) == 4


async def test_the_pace_of_all_together(fake: FakeTelegram) -> None:
    fake.rates = Rates()
    fake.anyone = True
    answers = [await call(fake, "sendMessage", chat_id=n, text="a") for n in range(1, 41)]
    assert [answer["ok"] for answer in answers] == [True] * 30 + [False] * 10
    assert answers[-1]["parameters"] == {"retry_after": 1}


async def test_faults_as_the_library_sees_them(fake: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    fake.plan.add(faults.busy(3), faults.broken(502, html=True), faults.drop(after=True), faults.BLOCKED)
    with pytest.raises(RetryAfter) as busy:
        await bot.send_message(ana.id, "a")
    assert busy.value.retry_after == timedelta(seconds=3)
    for _ in range(2):
        with pytest.raises(NetworkError) as lost:
            await bot.send_message(ana.id, "a")
        assert not isinstance(lost.value, BadRequest)
    with pytest.raises(Forbidden):
        await bot.send_message(ana.id, "a")
    fake.plan.add(faults.hang(after=True))
    with pytest.raises(TimedOut):
        await bot.send_message(ana.id, "a", read_timeout=1)
    assert [sent.answered for sent in fake.sent] == [False, False, False]


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
async def test_webhooks_that_are_refused(fake: FakeTelegram, settings: dict[str, Any], why: str) -> None:
    assert why in (await call(fake, "setWebhook", **settings))["description"]
    assert fake.updates.webhook is None


async def test_a_webhook_is_set_once_a_second(fake: FakeTelegram, bot: Bot) -> None:
    await bot.set_webhook("https://bot.example/x", secret_token=SECRET, allowed_updates=["message"])
    with pytest.raises(RetryAfter):
        await bot.set_webhook("https://bot.example/x")
    fake.clock.advance(1)
    await bot.set_webhook("https://bot.example/y")
    about = await bot.get_webhook_info()
    assert about.url == "https://bot.example/y" and about.allowed_updates == ("message",)  # left out: stays
    with pytest.raises(Conflict):
        await bot.get_updates(timeout=0)
    await bot.delete_webhook()
    assert (await bot.get_webhook_info()).url == "" and await bot.get_updates(timeout=0) == ()


async def test_polling(fake: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    waiting = asyncio.create_task(bot.get_updates(timeout=20))
    await until(lambda: fake.updates._poll is not None)
    assert await ana.say("uno") is None
    [first] = await waiting
    assert first.message and first.message.text == "uno"
    await ana.say("dos")
    again = await bot.get_updates(timeout=0)
    assert [u.update_id for u in again] == [first.update_id, first.update_id + 1]  # nothing confirmed yet
    [second] = await bot.get_updates(offset=first.update_id + 1, timeout=0)
    assert second.message and second.message.text == "dos"
    async with client(fake) as other:
        older = asyncio.create_task(other.get_updates(offset=second.update_id + 1, timeout=20))
        await until(lambda: fake.updates._poll is not None)
        assert await bot.get_updates(offset=second.update_id + 1, timeout=0) == ()
        with pytest.raises(Conflict):
            await older


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - the other side has no event to give
            await asyncio.sleep(0)


async def test_a_message_goes_to_the_webhook(fake: FakeTelegram, product: Product, ana: TelegramPhone) -> None:
    assert await ana.say("hola") == 200
    heard = product.heard[-1]
    assert heard.path == "/webhooks/telegram" and heard.headers["x-telegram-bot-api-secret-token"] == SECRET
    message = heard.update["message"]
    assert message["text"] == "hola" and message["chat"]["type"] == "private" and message["from"]["id"] == ana.id
    assert await ana.again(heard.update) == 200
    assert [h.update["update_id"] for h in product.heard[-2:]] == [heard.update["update_id"]] * 2


async def test_telegram_insists_until_a_2xx(fake: FakeTelegram, product: Product, ana: TelegramPhone) -> None:
    product.heard.clear()
    product.answers = [Response(status_code=503), Response(status_code=302), Response(status_code=503)]
    assert await ana.say("hola") == 200
    assert len({h.update["update_id"] for h in product.heard}) == 1 and len(product.heard) == 4
    assert [d.pause for d in fake.updates.deliveries[-4:]] == [0, 2, 4, 8]
    product.answers = [Response(status_code=503, headers={"Retry-After": "90"})]
    await ana.say("otra")
    assert fake.updates.deliveries[-2].pause == 90


async def test_a_failing_update_blocks_its_chat_alone(
    fake: FakeTelegram, product: Product, ana: TelegramPhone
) -> None:
    beto = TelegramPhone(fake, "Beto")
    product.heard.clear()
    product.answers = [Response(status_code=503)] * 5
    assert await ana.say("uno") == 503
    assert await ana.say("dos") == 200  # the fifth 503 is for "uno" again; then both go
    assert [h.update["message"]["text"] for h in product.heard] == ["uno"] * 6 + ["dos"]
    product.answers = [Response(status_code=503)] * 4
    assert await ana.say("tres") == 503 and await beto.say("hola") == 200
    assert len(fake.updates.pending) == 1


async def test_an_outage_is_made_up_for_oldest_first(fake: FakeTelegram, ana: TelegramPhone) -> None:
    fake.updates.webhook = Webhook("http://127.0.0.1:9/closed", SECRET)
    assert [await ana.say(word) for word in ("uno", "dos")] == [0, 0]
    fake.clock.advance(6 * 3600)
    product = Product()
    async with running(product) as base:
        fake.roads["http://127.0.0.1:9"] = base
        assert await fake.updates.deliver_pending() == 0
    assert [h.update["message"]["text"] for h in product.heard] == ["uno", "dos"]


async def test_what_is_a_day_old_is_forgotten(fake: FakeTelegram, ana: TelegramPhone) -> None:
    await ana.say("hola")
    fake.clock.advance(24 * 3600 + 1)
    fake.updates.forget_old()
    assert fake.updates.pending == []


async def test_twice_at_once_and_out_of_order(fake: FakeTelegram, product: Product, ana: TelegramPhone) -> None:
    product.heard.clear()
    uno, dos, tres = (ana.text(word) for word in ("uno", "dos", "tres"))
    assert await ana.send(uno, dos, tres, order=[2, 0, 1], copies=2) == [200] * 3
    assert [h.update["message"]["text"] for h in product.heard] == ["tres"] * 2 + ["uno"] * 2 + ["dos"] * 2
    assert uno["update_id"] + 2 == tres["update_id"]


async def test_an_answer_that_is_a_call(fake: FakeTelegram, product: Product, ana: TelegramPhone) -> None:
    product.answers = [JSONResponse({"method": "sendMessage", "chat_id": ana.id, "text": "así también"})]
    await ana.say("hola")
    assert ana.last.text == "así también"


async def test_all_that_people_send_reads_as_an_update(fake: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
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


@pytest.mark.parametrize(
    "commands, language, ok",
    [
        ([("ayuda", "Hablar con una persona")], "es", True),
        ([("ayuda", "Hablar con una persona")], "quc", False),
        ([("Ayuda", "Hablar con una persona")], "", False),
        ([("ayuda", "")], "", False),
        ([("a" * 33, "b")], "", False),
        ([(f"c{n}", "b") for n in range(101)], "", False),
    ],
)
async def test_commands(fake: FakeTelegram, commands: list[tuple[str, str]], language: str, ok: bool) -> None:
    listed = [{"command": command, "description": about} for command, about in commands]
    assert (await call(fake, "setMyCommands", commands=listed, language_code=language))["ok"] is ok
    assert (await call(fake, "getMyCommands", language_code=language))["result"] == (listed if ok else [])


async def test_the_small_things(fake: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    await bot.send_chat_action(ana.id, "typing")
    assert fake.actions == [(ana.id, "typing")]
    assert not (await call(fake, "sendChatAction", chat_id=ana.id, action="thinking"))["ok"]
    await bot.send_location(ana.id, 14.6, -90.5)
    assert not (await call(fake, "sendLocation", chat_id=ana.id, latitude=91, longitude=0))["ok"]
    assert (await bot.get_chat(ana.id)).first_name == "Ana"
    assert (await bot.get_me()).is_bot
