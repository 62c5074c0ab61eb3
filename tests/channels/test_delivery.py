"""What became of what we said: the vendors' own word on it, people out of reach, taps answered, writing shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from bot import record, service, turn
from bot.channels.telegram_updates import read_update
from tests.channels.by_hand import becomes, blocked, held, last, nothing_more, rows
from tests.channels.conftest import PUBLIC, Town, town
from tests.fakes import faults
from tests.fakes.faults import broken, drop, later
from tests.fakes.twilio_hooks import Story

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with town(tmp_path_factory.mktemp("delivery"), patience=1.0) as place:
        await place.start()
        yield place


@pytest_asyncio.fixture(loop_scope="module")
async def there(place: Town) -> AsyncIterator[Town]:
    """Providers without a plan, before and after."""
    yield place
    for vendor in (place.telegram, place.twilio):
        vendor.plan.clear()
    place.twilio.callbacks.story = Story()
    await place.puente.record.run(lambda tx: tx.run("UPDATE outbox SET state = 'dropped' WHERE state = 'waiting'"))


async def test_twilios_own_word_settles_what_was_unsure(there: Town) -> None:
    """The callback brings our reference: the message is known to have gone, and nothing is repeated."""
    phone = there.on_whatsapp()
    phone.fake.plan.add(drop(after=True), to=phone.address)
    await phone.say("me están extorsionando")
    await becomes(there, phone, "delivered")
    await nothing_more(there, phone, so_far=len(phone.received))
    assert {row["state"] for row in await rows(there, phone)} == {"delivered"}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_callbacks_in_any_order_and_number_never_move_back(there: Town, seed: int) -> None:
    phone = there.on_whatsapp()
    there.twilio.callbacks.story = Story(copies=3, shuffle=seed)
    await phone.say("hola")
    await phone.hears()
    await becomes(there, phone, "delivered")
    await phone.read()
    await there.settled()
    assert (await last(there, phone))["state"] == "read"
    sent = phone.last
    for status in ("sent", "delivered", "failed", "undelivered", "queued"):
        assert await there.twilio.callbacks.report(sent.id, status) == 204
        assert (await last(there, phone))["state"] == "read"


async def test_a_failure_is_the_end(there: Town) -> None:
    phone = there.on_whatsapp()
    phone.fake.plan.add(faults.OUTSIDE_WINDOW, to=phone.address)
    await phone.say("hola")
    row = await becomes(there, phone, "refused")
    assert (row["why"], await blocked(there, phone)) == ("63016", False)
    sent = there.twilio.sent_to(phone.address)[0]
    for status in ("sent", "delivered"):
        await there.twilio.callbacks.report(sent.id, status)
    assert (await last(there, phone))["state"] == "refused"


@pytest.mark.parametrize("code", [63003, 63024, 21610])
async def test_who_cannot_be_reached_is_remembered_until_they_write(there: Town, code: int) -> None:
    phone = there.on_whatsapp()
    phone.fake.plan.add(later(code), to=phone.address)
    await phone.say("hola")
    assert (await becomes(there, phone, "refused"))["why"] == str(code)
    assert await blocked(there, phone)
    await phone.say("hola otra vez")
    await phone.hears(1)
    assert not await blocked(there, phone)


@pytest.mark.parametrize("fault", [faults.BLOCKED, faults.DEACTIVATED, faults.CHAT_NOT_FOUND])
async def test_who_blocked_the_bot_is_left_alone_until_they_write(there: Town, fault: faults.Fault) -> None:
    phone = there.on_telegram()
    phone.fake.plan.add(fault, to=phone.address)
    await phone.say("hola")
    await becomes(there, phone, "refused")
    assert await blocked(there, phone)
    await phone.say("español")
    await phone.hears()
    assert not await blocked(there, phone)


async def test_who_opted_out_at_twilio_is_left_alone(there: Town) -> None:
    phone = there.on_whatsapp()
    await phone.send(phone.stop_word())
    assert (await becomes(there, phone, "refused"))["why"] == "21610"
    assert await blocked(there, phone)


async def test_a_tap_is_answered_also_when_we_fell_over_before_its_turn(tmp_path: Any) -> None:
    async with town(tmp_path) as there:
        await there.start()
        ana = there.on_telegram()
        await ana.say("hola")
        await ana.hears()
        tap = ana.tapped(*ana.find("Español"))
        await there.settled()
        await there.stop()
        record = service.prepare(there.settings())
        record.do(service.keep, "telegram", read_update(tap))  # kept, and then the power went
        record.close()
        await there.start()
        assert "Soy Puente" in (await ana.hears())[0].text
        await there.until(answered(there, tap))


def answered(there: Town, tap: Any) -> Callable[[], bool]:
    return lambda: tap["callback_query"]["id"] in there.telegram.answered


def longer(there: Town, before: tuple[int, int], channel: str) -> Callable[[], bool]:
    if channel == "telegram":
        return lambda: len(there.telegram.actions) > before[0]
    return lambda: len(there.twilio.typing) > before[1]


async def test_writing_is_shown_while_a_message_waits_for_the_bot_and_only_then(
    there: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that goes out at once needs no announcement; here every message has to wait for its turn."""
    monkeypatch.setattr(record, "BRIEF", 0.0)
    monkeypatch.setattr(turn, "SLOW", 0.0)
    for channel in ("telegram", "whatsapp"):
        phone = await held(there, channel)
        before = len(there.telegram.actions), len(there.twilio.typing)
        tap = None
        if channel == "telegram":
            tap = phone.tapped(*phone.find("Español"))
            await phone.send(tap)
            await there.until(answered(there, tap))
        await phone.say("buenas")
        await there.settled()
        assert (len(there.telegram.actions), len(there.twilio.typing)) == before
        other = there.on(channel)
        await other.say("hola")
        await other.hears()
        await there.until(longer(there, before, channel))


async def test_a_courtesy_that_fails_costs_nothing(there: Town) -> None:
    phone = there.on_telegram()
    await phone.say("hola")
    await phone.hears()
    there.telegram.plan.add(broken(500, html=True), on="answercallbackquery")
    there.telegram.plan.add(drop(), on="sendchataction")
    await phone.tap("Español")
    assert "Soy Puente" in (await phone.hears())[0].text


async def test_requests_are_as_the_vendors_want_them(there: Town) -> None:
    ana, rosa = there.on_telegram("A"), there.on_whatsapp("R")
    for phone in (ana, rosa):
        await phone.say("<b>*hola*</b> _x_")
        await phone.hears()
    assert all("parse_mode" not in sent.request for sent in there.telegram.sent)
    called = urlsplit(rosa.last.request["StatusCallback"])
    assert f"{called.scheme}://{called.netloc}{called.path}" == f"{PUBLIC}/webhooks/twilio/status"
    (reference,) = parse_qs(called.query)["ref"]
    assert re.fullmatch("[0-9a-f]{32}", reference)
    assert (await last(there, rosa))["reference"] == reference
