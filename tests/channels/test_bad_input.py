"""Everything a webhook may be handed that is not a short text: answered in words or refused, kept, never a 5xx."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from tests.channels.by_hand import at_menu, heard, kept, telegrams
from tests.channels.conftest import Town, address, town
from tests.fakes import forge
from tests.fakes.people import TelegramPhone, WhatsAppPhone

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
            "(SELECT contact_id FROM address WHERE hash = :h)", h=address(phone),
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
    own = {"h": address(phone)}
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
async def test_what_is_no_update_is_kept_for_staff_once_and_not_brought_again(there: Town, body: bytes) -> None:
    before = await kept(there)
    for _time in range(2):
        assert (await telegrams(there, body)).status_code == 204
        assert await kept(there) == before + 1
    assert (await telegrams(there, body + b" ", secret="b" * 35)).status_code == 403
    assert await kept(there) == before + 1


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
        h=address(phone),
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
