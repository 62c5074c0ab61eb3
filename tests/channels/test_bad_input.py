"""Everything a webhook may be handed that is not a short text: answered in words or refused, kept, never a 5xx."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx
import pytest
import pytest_asyncio

from bot.crypto import vault
from tests.channels.conftest import PUBLIC, SECRET, Town, town
from tests.fakes import forge
from tests.fakes.people import TelegramPhone, WhatsAppPhone
from tests.fakes.twilio_hooks import Hook, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOTH = pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
CANNOT_READ = "Lo recibí, pero no puedo escuchar audios ni ver fotos o archivos."
HELLO = "Hola, con gusto le atiendo."
PLACE = "Recibí su ubicación, pero no la puedo leer."

MANY = "ay " * 21_845
TEXTS = {
    "64 kB": MANY,
    "64 kB without a space": "á" * 32_768,
    "60,000 marks on one letter": "e" + "\u0301" * 30_000,
    "surrogates": "hola \ud83d\ude00\ud83d",
    "NUL": "ho\0la\0",
    "bidi": "\u202eabcdef\u2066hola\u2069",
    "zero width": "o\u200bc\u200bu\u200bl\u200bt\u200ba\u200br no",
    "only invisible": "\u200b\u2060\ufeff",
    "emoji": "👩🏽‍🦱🇬🇹" * 50,
    "saltillo": "Jaꞌ ri k'o chwe",
    "markup": "<b>*_`[hola](tg://user?id=1)</b> & {name} {{1}} %s",
    "formula": '=HYPERLINK("http://x")',
    "an id": "MessageSid SM" + "0" * 32,
}
"""What people, keyboards and attackers type."""

ODD_TEXT = pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with town(tmp_path_factory.mktemp("bad_input")) as there:
        await there.start()
        yield there


async def at_menu(there: Town, channel: str) -> Any:
    """Somebody past the first minute, at the menu."""
    phone = there.on(channel)
    for text in ("hola", "español", "no"):
        assert await phone.say(text) == 204
        await phone.hears()
    await there.settled()
    phone.forget()
    return phone


async def post(there: Town, path: str, **what: Any) -> httpx.Response:
    """Whatever an HTTP client can send, to where the product listens."""
    base = there.telegram.roads[PUBLIC]
    return await there.client.request(what.pop("method", "POST"), base + path, **what)


async def kept(there: Town) -> int:
    return int((await there.all("SELECT COUNT(*) AS n FROM inbox"))[0]["n"])


async def heard(there: Town, phone: Any) -> str:
    """The words that came since, once nothing is on its way any more."""
    new = await phone.hears()
    await there.settled()
    return "\n".join(sent.text for sent in [*new, *(await phone.hears(0))])


@BOTH
@ODD_TEXT
async def test_any_text_is_answered_in_words(there: Town, channel: str, text: str) -> None:
    phone = await at_menu(there, channel)
    if channel == "telegram":
        assert (await telegrams(there, phone.text(text))).status_code == 204
    else:  # a form is UTF-8: Twilio can send no half character
        assert await phone.say(text.encode("utf-8", "ignore").decode()) == 204
    answer = {"surrogates": HELLO, "NUL": HELLO, "only invisible": CANNOT_READ}
    expected = {TEXTS[name]: words for name, words in answer.items()}.get(text, "No le entendí")
    assert expected in await heard(there, phone)


async def test_what_cannot_be_seen_does_not_hide_a_command(there: Town) -> None:
    phone = await at_menu(there, "telegram")
    await phone.say("o\u200bc\u200bu\u200bl\u200bt\u200ba\u200br")
    assert "¿En qué" not in await heard(there, phone)
    rows = await there.all("SELECT COUNT(*) AS n FROM audit WHERE action = 'effect.Lock'")
    assert rows[0]["n"] == 1


THINGS: dict[str, Callable[[Any], Any]] = {
    "sticker": lambda phone: phone.sticker(),
    "image": lambda phone: phone.photo(),
    "voice": lambda phone: phone.voice(),
    "contact": lambda phone: phone.contact("+50255550101"),
    "document": lambda phone: phone.document("papeles.pdf"),
}
TELEGRAMS: dict[str, Callable[[TelegramPhone], Any]] = {
    "audio": lambda phone: phone.message(audio={"file_id": "a", "duration": 3}),
    "video": lambda phone: phone.message(video={"file_id": "a", "duration": 3}),
    "round video": lambda phone: phone.message(video_note={"file_id": "a", "duration": 3}),
    "dice": lambda phone: phone.message(dice={"emoji": "🎲", "value": 3}),
    "poll": lambda phone: phone.message(poll={"id": "1", "question": "¿?"}),
    "a thing to come": lambda phone: phone.message(hologram={"depth": 3}),
    "empty": lambda phone: phone.message(text=""),
}


@BOTH
@pytest.mark.parametrize("thing", THINGS.values(), ids=THINGS.keys())
async def test_things_we_cannot_read_are_owned_up_to(there: Town, channel: str, thing: Callable[[Any], Any]) -> None:
    phone = await at_menu(there, channel)
    assert await phone.send(thing(phone)) == [204]
    said = await heard(there, phone)
    assert CANNOT_READ in said


@pytest.mark.parametrize("thing", TELEGRAMS.values(), ids=TELEGRAMS.keys())
async def test_whatever_telegram_invents_is_owned_up_to(there: Town, thing: Callable[[TelegramPhone], Any]) -> None:
    phone = await at_menu(there, "telegram")
    assert await phone.send(thing(phone)) == [204]
    assert CANNOT_READ in await heard(there, phone)


async def test_a_whatsapp_video_and_an_empty_message_too(there: Town) -> None:
    phone: WhatsAppPhone = await at_menu(there, "whatsapp")
    for hook in (phone.hook("", "video", [("video/mp4", b"mp4")]), phone.hook("")):
        assert await phone.send(hook) == [204]
        assert CANNOT_READ in await heard(there, phone)


@BOTH
async def test_a_caption_is_heard(there: Town, channel: str) -> None:
    phone = await at_menu(there, channel)
    assert await phone.send(phone.photo("me están extorsionando")) == [204]
    assert "1574" in await heard(there, phone)


@BOTH
async def test_a_place_is_not_taken_for_a_medium(there: Town, channel: str) -> None:
    phone = await at_menu(there, channel)
    assert await phone.send(phone.location(14.83, -91.51)) == [204]
    assert PLACE in await heard(there, phone)


@BOTH
async def test_a_place_that_is_no_place_is_answered_too(there: Town, channel: str) -> None:
    phone = await at_menu(there, channel)
    where = (1e999, -91.5) if channel == "telegram" else (float("nan"), 0.0)
    assert await phone.send(phone.location(*where) if channel == "whatsapp" else huge_place(phone)) == [204]
    assert CANNOT_READ in await heard(there, phone)


def huge_place(phone: TelegramPhone) -> Any:
    return phone.message(location={"latitude": 10**400, "longitude": "x"})


async def test_an_edited_message_is_heard_again(there: Town) -> None:
    phone = await at_menu(there, "telegram")
    await phone.say("menuu x")
    await heard(there, phone)
    assert await phone.send(phone.edit("otra cosa")) == [204]
    assert "¿Qué necesita?" in await heard(there, phone)


async def test_an_album_is_one_conversation(there: Town) -> None:
    for channel in ("telegram", "whatsapp"):
        phone = there.on(channel)
        await phone.send(*phone.album(4), together=True)
        await phone.hears(4)
        await there.settled()
        rows = await there.all(
            "SELECT COUNT(DISTINCT contact_id) AS people, COUNT(*) AS messages FROM inbox WHERE contact_id = "
            "(SELECT contact_id FROM address WHERE hash = :h)", h=vault().blind(channel, phone.address),
        )  # fmt: skip
        assert rows == [{"people": 1, "messages": 4}]


async def test_kinds_of_updates_that_are_no_ones_message_are_taken_and_left(there: Town) -> None:
    phone = await at_menu(there, "telegram")
    before = await kept(there)
    for update in (
        phone.unknown(),
        phone.telegram.updates.new("poll", {"id": "1"}),
        phone.telegram.updates.new("channel_post", {"chat": {"id": -100, "type": "channel"}, "text": "hola"}),
    ):
        assert (await telegrams(there, update)).status_code == 204
    assert await kept(there) == before


async def telegrams(there: Town, update: Any, secret: str = SECRET, **more: Any) -> httpx.Response:
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret, "Content-Type": "application/json"}
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    return await post(there, "/webhooks/telegram", content=body, headers=headers, **more)


async def test_groups_are_not_talked_to(there: Town) -> None:
    phone = there.on_telegram()
    group = {"id": -4_000_000_001, "type": "group", "title": "Vecinos"}
    before = await kept(there)
    said = phone.text("hola a todos")
    said["message"]["chat"] = group
    tap = {"id": "77", "from": phone.user, "data": "es", "message": {"message_id": 1, "chat": group}}
    joined = {"chat": group, "from": phone.user, "new_chat_member": {"status": "member"}}
    for kind, body in (("message", said["message"]), ("callback_query", tap), ("my_chat_member", joined)):
        assert (await telegrams(there, phone.telegram.updates.new(kind, body))).status_code == 204
    assert await kept(there) == before


async def test_a_block_is_remembered_until_the_person_writes_again(there: Town) -> None:
    phone = await at_menu(there, "telegram")
    blocked = "SELECT blocked_at FROM address WHERE hash = :h"
    own = {"h": vault().blind("telegram", phone.address)}
    assert await phone.block() == 204
    assert (await there.all(blocked, **own))[0]["blocked_at"] is not None
    assert await phone.unblock() == 204
    assert (await there.all(blocked, **own))[0]["blocked_at"] is None
    await phone.block()
    phone.chat.blocked = False
    await phone.say("hola")
    assert await phone.hears()
    assert (await there.all(blocked, **own))[0]["blocked_at"] is None


async def test_updates_of_a_wrong_shape_block_no_queue_and_nothing_is_lost(there: Town) -> None:
    """Telegram would bring what we do not take again for a day, and nothing else of that chat meanwhile."""
    phone = await at_menu(there, "telegram")
    dead = "SELECT COUNT(*) AS n FROM inbox WHERE kind = 'unreadable' AND body IS NOT NULL"
    for update in forge.malformed_updates(phone):
        before = (await kept(there), (await there.all(dead))[0]["n"])
        assert (await telegrams(there, update)).status_code == 204
        assert await kept(there) == before[0] + 1, update
        await there.settled()
        if isinstance(update["message"], str | list):
            assert (await there.all(dead))[0]["n"] == before[1] + 1
        else:
            assert await phone.hears()
    await phone.hears(0)


NO_UPDATES = {
    "empty": b"",
    "not JSON": b"hola",
    "not UTF-8": b'{"update_id": 1, "message": {"text": "\xff\xfe"}}',
    "a list": b"[]",
    "a number": b"7",
    "no id": b'{"message": {}}',
    "an id that is none": b'{"update_id": "1", "message": {}}',
    "true for an id": b'{"update_id": true, "message": {}}',
    "deep": b'{"update_id": 1, "message": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "5,000 digits": b'{"update_id": ' + b"9" * 5000 + b"}",
    "NaN": b'{"update_id": NaN}',
}


@pytest.mark.parametrize("body", NO_UPDATES.values(), ids=NO_UPDATES.keys())
async def test_what_is_no_update_is_refused(there: Town, body: bytes) -> None:
    before = await kept(there)
    assert 400 <= (await telegrams(there, body)).status_code < 500
    assert await kept(there) == before


async def test_odd_values_inside_an_update_are_never_a_5xx(there: Town) -> None:
    phone = await at_menu(there, "telegram")
    odd: list[Any] = [None, True, -1, 10**4000, 1.5, "\ud83d", "x" * 9000, [], {}, [[[]]], {"id": None}]
    whole = phone.text("hola")["message"]
    tap = {"id": "1", "from": phone.user, "data": "es", "message": whole}
    for kind, body in (("message", whole), ("callback_query", tap), ("my_chat_member", {"chat": phone.chat.about})):
        for name in [*body, "new_chat_member", "location", "caption", "photo", "contact"]:
            for value in odd:
                if name == "from" and kind == "message":
                    continue
                update = phone.telegram.updates.new(kind, body | {name: value})
                assert (await telegrams(there, update)).status_code == 204, (kind, name, value)
    await there.settled()


@BOTH
async def test_fifty_copies_at_once_are_one_message(there: Town, channel: str) -> None:
    phone = await at_menu(there, channel)
    before = await kept(there)
    item = phone.text("otra cosa")
    if channel == "telegram":
        answers = await asyncio.gather(*(telegrams(there, item) for _ in range(50)))
        assert {answer.status_code for answer in answers} == {204}
    else:
        assert await phone.send(item, copies=50) == [204]
    said = await heard(there, phone)
    assert said.count("¿Qué necesita?") == 1
    assert await kept(there) == before + 1


@BOTH
async def test_messages_out_of_order_are_all_kept(there: Town, channel: str) -> None:
    phone = there.on(channel)
    items = [phone.text(f"mensaje {number}") for number in range(6)]
    if channel == "telegram":
        for item in reversed(items):
            assert (await telegrams(there, item)).status_code == 204
    else:
        assert await phone.send(*items, order=[5, 3, 4, 1, 0, 2]) == [204] * 6
    rows = await there.all(
        "SELECT COUNT(*) AS n FROM inbox WHERE contact_id = (SELECT contact_id FROM address WHERE hash = :h)",
        h=vault().blind(channel, phone.address),
    )
    assert rows[0]["n"] == 6
    await there.settled()


async def test_a_replay_at_any_later_time_has_no_effect(there: Town) -> None:
    phone = await at_menu(there, "whatsapp")
    item = phone.text("otra cosa")
    await phone.send(item)
    await heard(there, phone)
    before = await kept(there)
    assert await phone.again(item) == 204
    await there.settled()
    assert (await kept(there), await phone.hears(0)) == (before, [])


SECRETS = {"none": "", "short": "a", "wrong": "b" * len(SECRET), "longer": SECRET + "a", "ñ": "ñ" * 40}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
async def test_telegram_without_the_secret_is_not_telegram(there: Town, secret: str) -> None:
    phone = there.on_telegram()
    before = await kept(there)
    headers = {b"X-Telegram-Bot-Api-Secret-Token": secret.encode()} if secret else {}
    answer = await post(there, "/webhooks/telegram", json=phone.text("hola"), headers=headers)
    assert (answer.status_code, await kept(there)) == (403, before)


FORGERIES: dict[str, Callable[[Town, Hook], Hook]] = {
    "wrong signature": lambda there, hook: forge.wrong_signature(hook),
    "no signature": lambda there, hook: forge.without_signature(hook),
    "another token": lambda there, hook: forge.other_token(there.twilio, hook),
    "another algorithm": lambda there, hook: forge.other_algorithm(hook),
    "SHA-256 that nobody agreed on": lambda there, hook: forge.other_algorithm(hook, "HMAC_SHA256"),
    "another account": lambda there, hook: forge.other_account(there.twilio, hook),
    "a field twice": lambda there, hook: forge.duplicate_key(hook, "Body"),
    "the sid twice": lambda there, hook: forge.duplicate_key(hook, "MessageSid", "SM" + "0" * 32),
    "JSON": lambda there, hook: forge.as_json(hook),
    "another sender": lambda there, hook: changed(there, hook, To="whatsapp:+14155238887"),
    "nobody": lambda there, hook: changed(there, hook, From="+50255550100"),
    "somebody odd": lambda there, hook: changed(there, hook, From="whatsapp:+5025555\u0660100"),
    "no sid": lambda there, hook: changed(there, hook, MessageSid="SM" + "g" * 32),
    "odd media": lambda there, hook: changed(there, hook, NumMedia="-1"),
    "another version": lambda there, hook: changed(there, hook, ApiVersion="soon"),
    "signed for another address": lambda there, hook: replace(
        signed(there.twilio, hook.url.replace("https", "http"), hook.form), url=hook.url
    ),
    "half a character": lambda there, hook: replace(hook, body=urlencode(hook.form).encode() + b"&Odd=%ED%A0"),
    "a broken form": lambda there, hook: replace(hook, body=b"%%%&&&=="),
    "nothing": lambda there, hook: replace(hook, body=b""),
    "bytes": lambda there, hook: replace(hook, body=bytes(range(256))),
}


def changed(there: Town, hook: Hook, **fields: str) -> Hook:
    """Signed as it should be, with another value."""
    return signed(there.twilio, hook.url, [(name, fields.get(name, value)) for name, value in hook.form])


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_what_twilio_did_not_send_like_this_is_refused(
    there: Town, forgery: Callable[[Town, Hook], Hook]
) -> None:
    phone = there.on_whatsapp()
    before = await kept(there)
    assert await phone.again(forgery(there, phone.text("hola"))) == 403
    assert await kept(there) == before


async def test_one_changed_byte_is_enough(there: Town) -> None:
    phone = there.on_whatsapp()
    before = await kept(there)
    for hook in list(forge.one_byte(phone.text("hola")))[::7]:
        assert await phone.again(hook) == 403
    assert await kept(there) == before


async def test_a_request_cut_anew_under_its_signature_is_no_new_message(there: Town) -> None:
    phone = await at_menu(there, "whatsapp")
    item = phone.text("hola")
    await phone.send(item)
    await heard(there, phone)
    before = await kept(there)
    for hook in forge.recuts(item):
        assert await phone.again(hook) in (204, 403)
    await there.settled()
    assert (await kept(there), await phone.hears(0)) == (before, [])


async def test_words_stolen_for_another_persons_mouth_are_refused(there: Town) -> None:
    thief, victim = there.on_whatsapp("Mañoso"), await at_menu(there, "whatsapp")
    genuine, stolen = forge.stolen_words(thief, victim.address, "borrar mis datos")
    assert await thief.again(genuine) == 403
    assert await thief.again(stolen) == 403
    await there.settled()
    assert await victim.hears(0) == []


async def test_forwarded_headers_change_nothing(there: Town) -> None:
    phone = there.on_whatsapp()
    other = signed(there.twilio, "https://evil.example/webhooks/twilio", phone.text("hola").form)
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    assert await phone.again(replace(other, url=f"{PUBLIC}/webhooks/twilio", headers=other.headers | headers)) == 403


@pytest.mark.parametrize("path", ["/webhooks/telegram", "/webhooks/twilio", "/webhooks/twilio/status"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(there: Town, path: str, method: str) -> None:
    assert (await post(there, path, method=method)).status_code == 405


@pytest.mark.parametrize("path", ["/webhooks/", "/webhooks/nobody", "/webhooks/telegram/", "/webhooks/twilio/x"])
async def test_other_paths_are_not_there(there: Town, path: str) -> None:
    assert (await post(there, path, content=b"{}")).status_code == 404


async def test_more_than_256_kb_is_too_much(there: Town) -> None:
    phone = there.on_whatsapp()
    assert (await telegrams(there, b"x" * (256 * 1024 + 1))).status_code == 413
    form = quote_plus("a" * 256 * 1024)
    assert await phone.again(replace(phone.text("a"), body=f"Body={form}".encode())) == 413


async def test_a_status_that_is_not_ours_changes_nothing(there: Town) -> None:
    phone = there.on_whatsapp()
    url = f"{PUBLIC}/webhooks/twilio/status?ref=nobody"
    form = {"MessageSid": "SM" + "7" * 32, "MessageStatus": "delivered", "AccountSid": there.twilio.account_sid}
    odd = {"queued": 204, "read": 204, "half-way": 204, "failed": 204}
    for status, answer in odd.items():
        hook = signed(there.twilio, url, list((form | {"MessageStatus": status, "ErrorCode": "٣"}).items()))
        assert await phone.again(hook) == answer
