"""The fake Telegram takes and refuses what the real one does, from python-telegram-bot and bare HTTP."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, KeyboardButton, ReplyKeyboardMarkup, Update
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TimedOut

from tests.fakes import faults
from tests.fakes.conftest import client, until
from tests.fakes.people import TelegramPhone
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import Rates, Refused, read_html, read_text


async def call(telegram: FakeTelegram, method: str, **params: Any) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False, verify=False) as web:
        return dict((await web.post(f"{telegram.base}/bot{telegram.token}/{method}", json=params)).json())


def inline(*labels: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(label, callback_data=f"o{n}")] for n, label in enumerate(labels)]
    )


async def test_the_library_writes_and_the_phone_shows(telegram: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    message = await bot.send_message(ana.id, "¿Con qué necesita ayuda?", reply_markup=inline("Trabajo", "Documentos"))
    assert message.chat.id == ana.id and message.from_user and message.from_user.id == bot.id
    assert ana.last.text == "¿Con qué necesita ayuda?" and ana.options == ["Trabajo", "Documentos"]
    assert [sent.text for sent in await ana.hears()] == ["¿Con qué necesita ayuda?"]


async def test_every_way_to_encode_a_call(telegram: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    url = f"{telegram.base}/bot{telegram.token}/SENDMESSAGE"
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


async def test_who_can_be_written_to(telegram: FakeTelegram, bot: Bot) -> None:
    beto = TelegramPhone(telegram, "Beto")
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
    telegram.chats[beto.id].deactivated = True
    with pytest.raises(Forbidden, match=r"(?i)deactivated"):
        await bot.send_message(beto.id, "hola")
    kinds = [next(k for k in u if k != "update_id") for u in telegram.updates.pending]
    assert kinds == ["message", "my_chat_member", "my_chat_member"]
    assert len(telegram.sent) == 1


async def test_the_wrong_token(telegram: FakeTelegram) -> None:
    for token in ("1:short", f"99:{'x' * 35}"):
        with pytest.raises(InvalidToken):
            async with client(telegram, token):
                pass
    assert (await call(telegram, "sendNothing"))["error_code"] == 404


@pytest.mark.parametrize(
    "text, why",
    [("", "text is empty"), (" \n ", "text is empty"), ("a" * 4097, "too long"), ("😀" * 2049, "too long")],
)
async def test_texts_that_are_refused(telegram: FakeTelegram, ana: TelegramPhone, text: str, why: str) -> None:
    answer = await call(telegram, "sendMessage", chat_id=ana.id, text=text)
    assert answer["error_code"] == 400 and why in answer["description"] and not telegram.sent


async def test_texts_at_the_limit(telegram: FakeTelegram, ana: TelegramPhone) -> None:
    for text in ("a", "ñ" * 4096, "😀" * 2048, "<b>" + "a" * 4096 + "</b>"):
        mode = {"parse_mode": "HTML"} if text[0] == "<" else {}
        assert (await call(telegram, "sendMessage", chat_id=ana.id, text=text, **mode))["ok"]
    assert (await call(telegram, "sendMessage", chat_id=ana.id, text="a < b"))["ok"]  # plain text needs no escaping


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
async def test_inline_buttons(telegram: FakeTelegram, ana: TelegramPhone, button: Any, ok: bool) -> None:
    markup = {"inline_keyboard": [[button]]}
    answer = await call(telegram, "sendMessage", chat_id=ana.id, text="a", reply_markup=json.dumps(markup))
    assert answer["ok"] is ok and len(telegram.sent) == ok


async def test_keys_that_send_words_a_number_or_a_place(telegram: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    keys: list[list[str | KeyboardButton]] = [
        ["Sí"],
        [KeyboardButton("Mi número", request_contact=True), KeyboardButton("Aquí", request_location=True)],
    ]
    await bot.send_message(ana.id, "¿Sigue?", reply_markup=ReplyKeyboardMarkup(keys))
    for key in ("Sí", "Mi número", "Aquí"):
        await ana.tap(key)
    words, contact, place = (Update.de_json(u, bot).message for u in telegram.updates.pending)
    assert words and words.text == "Sí"
    assert contact and contact.contact and contact.contact.user_id == ana.id
    assert place and place.location and place.location.latitude == 14.8347


async def test_a_tap_and_its_answer(telegram: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    await bot.send_message(ana.id, "a", reply_markup=inline("Trabajo"))
    await ana.tap("Trabajo")
    query = Update.de_json(telegram.updates.pending[0], bot).callback_query
    assert query and query.data == "o0" and query.message and query.message.message_id == int(ana.last.id)
    with pytest.raises(BadRequest, match=r"(?i)message_too_long"):
        await bot.answer_callback_query(query.id, "a" * 201)
    await bot.answer_callback_query(query.id, "a" * 200)
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_callback_query("12345")
    telegram.clock.advance(151)
    with pytest.raises(BadRequest, match=r"(?i)query is too old"):
        await bot.answer_callback_query(query.id)
    assert await bot.get_updates(timeout=0) == ()  # nor is the tap brought any more
    with pytest.raises(LookupError, match="Trabajo"):
        await ana.tap("Vivienda")


async def test_editing_and_deleting(telegram: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
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
    assert ana.received == [] and telegram.sent[0].deleted
    old = await bot.send_message(ana.id, "tres")
    telegram.clock.advance(48 * 3600 + 1)
    with pytest.raises(BadRequest, match=r"(?i)can't be deleted"):
        await bot.delete_message(ana.id, old.message_id)


async def test_pace(ana: TelegramPhone, telegram: FakeTelegram, bot: Bot) -> None:
    telegram.rates = Rates(chat_burst=3)
    for _ in range(3):
        await bot.send_message(ana.id, "a")
    with pytest.raises(RetryAfter) as refused:
        await bot.send_message(ana.id, "a")
    assert refused.value.retry_after == timedelta(seconds=1)
    telegram.clock.advance(1)
    await bot.send_message(ana.id, "a")
    assert len(telegram.sent) == 4


async def test_the_pace_of_all_together(telegram: FakeTelegram) -> None:
    telegram.rates = Rates()
    telegram.anyone = True
    answers = [await call(telegram, "sendMessage", chat_id=n, text="a") for n in range(1, 41)]
    assert [answer["ok"] for answer in answers] == [True] * 30 + [False] * 10
    assert answers[-1]["parameters"] == {"retry_after": 1}


async def test_faults_as_the_library_sees_them(telegram: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    telegram.plan.add(faults.busy(3), faults.broken(502, html=True), faults.drop(after=True), faults.BLOCKED)
    with pytest.raises(RetryAfter) as busy:
        await bot.send_message(ana.id, "a")
    assert busy.value.retry_after == timedelta(seconds=3)
    for _ in range(2):
        with pytest.raises(NetworkError) as lost:
            await bot.send_message(ana.id, "a")
        assert not isinstance(lost.value, BadRequest)
    with pytest.raises(Forbidden):
        await bot.send_message(ana.id, "a")
    telegram.plan.add(faults.hang(after=True))
    with pytest.raises(TimedOut):
        await bot.send_message(ana.id, "a", read_timeout=0.2)
    await until(lambda: len(telegram.sent) == 3)
    assert [sent.answered for sent in telegram.sent] == [False, False, False]


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
async def test_commands(telegram: FakeTelegram, commands: list[tuple[str, str]], language: str, ok: bool) -> None:
    listed = [{"command": command, "description": about} for command, about in commands]
    assert (await call(telegram, "setMyCommands", commands=listed, language_code=language))["ok"] is ok
    assert (await call(telegram, "getMyCommands", language_code=language))["result"] == (listed if ok else [])


async def test_the_small_things(telegram: FakeTelegram, bot: Bot, ana: TelegramPhone) -> None:
    await bot.send_chat_action(ana.id, "typing")
    assert telegram.actions == [(ana.id, "typing")]
    assert not (await call(telegram, "sendChatAction", chat_id=ana.id, action="thinking"))["ok"]
    await bot.send_location(ana.id, 14.6, -90.5)
    assert not (await call(telegram, "sendLocation", chat_id=ana.id, latitude=91, longitude=0))["ok"]
    assert (await bot.get_chat(ana.id)).first_name == "Ana"
    assert (await bot.get_me()).is_bot
