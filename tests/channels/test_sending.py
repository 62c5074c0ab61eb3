"""What we say, on its way out: all a provider can answer or fail to, and what stands in the record then."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from bot import cases, handoff, outbox, reconcile, service
from bot.channels.telegram import LIMITS
from bot.channels.telegram_updates import read_update
from tests.channels.conftest import PUBLIC, SECRET, Town, address, town
from tests.fakes import faults
from tests.fakes.faults import broken, busy, cut, delay, drop, hang, later
from tests.fakes.telegram_updates import Webhook
from tests.fakes.twilio_hooks import Story

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOTH = pytest.mark.parametrize("channel", ["telegram", "whatsapp"])
OUTBOX = "SELECT * FROM outbox WHERE contact_id = (SELECT contact_id FROM address WHERE hash = :h) ORDER BY id"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with town(tmp_path_factory.mktemp("sending"), patience=1.0) as place:
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


async def rows(there: Town, phone: Any) -> list[dict[str, Any]]:
    return await there.all(OUTBOX, h=address(phone))


async def last(there: Town, phone: Any) -> dict[str, Any]:
    return (await rows(there, phone))[-1]


async def becomes(there: Town, phone: Any, state: str) -> dict[str, Any]:
    """Wait until our last message to this person stands so."""

    async def so() -> bool:
        found = await rows(there, phone)
        return bool(found) and found[-1]["state"] == state

    await there.until(so)
    return await last(there, phone)


async def put_off(there: Town, phone: Any) -> dict[str, Any]:
    """Wait until our last message to this person was tried and waits again."""

    async def so() -> bool:
        found = await rows(there, phone)
        return bool(found) and found[-1]["state"] == "waiting" and found[-1]["why"] is not None

    await there.until(so)
    return await last(there, phone)


async def reconciled(there: Town) -> None:
    """Minutes later we read the provider's own list, where it has one."""
    for name, channel in there.puente.channels.items():
        await reconcile.settle_sends(there.puente.record, name, channel, time.time() + 100)
    await hurry(there)


async def hurry(there: Town) -> None:
    """Time passes: what waits is due."""

    def due(tx: Any) -> None:
        tx.run("UPDATE outbox SET due_at = 0 WHERE state = 'waiting'")
        for channel in ("telegram", "whatsapp"):
            tx.tell("outbox", channel)

    await there.puente.record.run(due)


async def blocked(there: Town, phone: Any) -> bool:
    found = await there.all("SELECT blocked_at FROM address WHERE hash = :h", h=address(phone))
    return found[0]["blocked_at"] is not None


async def nothing_more(there: Town, phone: Any, so_far: int) -> None:
    """However much time passes, no further attempt is made."""
    await hurry(there)
    await there.until(there.idle)
    assert len(sends(phone)) == so_far


def tried(phone: Any, times: int) -> Callable[[], bool]:
    return lambda: len(sends(phone)) == times


def sends(phone: Any) -> list[Any]:
    """Every attempt to send this person something, as the provider saw it."""
    methods = ("sendmessage", "messages")
    return [call for call in phone.fake.calls if call.to == phone.address and call.method in methods]


UNSURE = {
    "reset before": (drop(), 0),
    "reset after": (drop(after=True), 1),
    "silence before": (hang(), 0),
    "silence after": (hang(after=True), 1),
    "half an answer": (cut(), 1),
    "500 after": (broken(500), 1),
    "500 before": (broken(500, after=False), 0),
    "502 from a proxy": (broken(502, html=True), 1),
    "503 from a proxy": (broken(503, after=False, html=True), 0),
}


@BOTH
@pytest.mark.parametrize(("fault", "arrives"), UNSURE.values(), ids=UNSURE.keys())
async def test_a_reply_that_may_have_gone_is_not_repeated(
    there: Town, channel: str, fault: faults.Fault, arrives: int
) -> None:
    phone = there.on(channel)
    there.twilio.callbacks.story = Story(told=())
    phone.fake.plan.add(fault, to=phone.address)
    await phone.say("hola")
    await becomes(there, phone, "unknown")
    await nothing_more(there, phone, so_far=1)
    assert len(phone.received) == arrives
    await reconciled(there)  # Twilio can be asked, Telegram cannot
    await there.until(there.idle)
    shown = 1 if channel == "whatsapp" else arrives
    assert len(phone.received) == shown
    await phone.say("español")  # and the chat goes on
    assert (await becomes(there, phone, "sent"))["why"] is None
    assert len(phone.received) == shown + 1


@BOTH
async def test_what_surely_did_not_go_is_sent_once_later(there: Town, channel: str) -> None:
    phone = there.on(channel)
    phone.fake.plan.add(busy(1), to=phone.address)
    await phone.say("hola")
    row = await put_off(there, phone)
    assert row["due_at"] >= row["attempted_at"] + 1
    assert phone.received == []
    await hurry(there)
    await phone.hears()
    await there.settled()
    assert len(phone.received) == 1


async def test_a_provider_that_is_not_there_is_waited_for(tmp_path: Any) -> None:
    async with town(tmp_path) as there:
        real, there.telegram.base = there.telegram.base, "http://127.0.0.1:9"
        there.telegram.updates.webhook = Webhook(f"{PUBLIC}/webhooks/telegram", SECRET)
        await there.start()  # it starts although nobody answers at Telegram's address
        ana = there.on_telegram()
        await ana.say("hola")
        assert (await put_off(there, ana))["why"] == "NetworkError"
        await there.stop()
        there.telegram.base = real
        await there.start()
        await hurry(there)
        assert "idioma" in (await ana.hears())[0].text
        await there.settled()
        assert [row["state"] for row in await rows(there, ana)] == ["sent"]


async def test_429_again_and_again_is_never_given_up(there: Town) -> None:
    ana = there.on_telegram()
    tries = outbox.GIVE_UP + 2
    there.telegram.plan.add(busy(1), to=ana.address, times=tries)
    await ana.say("hola")
    for number in range(1, tries + 1):
        await there.until(tried(ana, number))
        await put_off(there, ana)
        await hurry(there)
    assert await ana.hears()


async def test_one_chat_the_provider_wants_spared_does_not_stop_the_others(there: Town) -> None:
    """Twilio's 429 is about the whole account; Telegram's mostly about one chat."""
    ana, eva = there.on_telegram(), there.on_telegram()
    ana.fake.plan.add(busy(30), to=ana.address)
    await ana.say("hola")
    row = await put_off(there, ana)
    assert row["due_at"] >= row["attempted_at"] + 30
    await eva.say("hola")
    assert await eva.hears()
    assert ana.received == []


async def test_two_chats_refused_at_once_mean_everybody_waits(there: Town) -> None:
    ana, eva, ida = (there.on_telegram() for _ in range(3))
    ana.fake.plan.add(busy(1), to=ana.address).add(busy(1), to=eva.address)
    await asyncio.gather(ana.say("hola"), eva.say("hola"))
    await put_off(there, ana)
    await put_off(there, eva)
    await ida.say("hola")
    for phone in (ana, eva, ida):
        await phone.hears()
    calls = [call for call in there.telegram.calls if call.method == "sendmessage"]
    refused = [call.at for call in calls if call.status == 429][-2:]
    assert min(call.at for call in calls if call.at > refused[1]) >= refused[1] + 1


async def test_urgent_words_that_may_have_gone_go_once_more_and_only_once(there: Town) -> None:
    ana = there.on_telegram()
    there.telegram.plan.add(drop(after=True), to=ana.address, times=5)
    await ana.say("me están extorsionando")
    assert (await put_off(there, ana))["why"] == "repeat"
    await hurry(there)
    await becomes(there, ana, "unknown")
    texts = [sent.text for sent in ana.received]
    assert len(texts) == 2 * len(set(texts))
    await nothing_more(there, ana, so_far=len(texts))


async def test_a_case_managers_words_that_may_not_have_gone_go_once_more(there: Town) -> None:
    ana = await held(there, "telegram")
    there.telegram.plan.add(drop(), to=ana.address)
    await answer(there, ana, "Buenos días, soy Lucía.")
    await put_off(there, ana)
    await hurry(there)
    assert [sent.text for sent in await ana.hears()] == ["Buenos días, soy Lucía."]


@pytest.mark.parametrize("fault", [drop(), drop(after=True)])
async def test_on_whatsapp_twilios_list_says_whether_urgent_words_went(there: Town, fault: faults.Fault) -> None:
    rosa = there.on_whatsapp()
    there.twilio.callbacks.story = Story(told=())
    there.twilio.plan.add(fault, to=rosa.address)
    await rosa.say("me están extorsionando")
    await there.until(there.idle)
    await reconciled(there)
    await there.until(there.idle)
    texts = [sent.text for sent in rosa.received]
    assert texts and len(texts) == len(set(texts))
    assert {row["state"] for row in await rows(there, rosa)} <= {"sent", "delivered"}


async def held(there: Town, channel: str) -> Any:
    """Somebody whose conversation a case manager has."""
    phone = there.on(channel)
    await phone.say("hola")
    await phone.hears()

    def claim(tx: Any) -> None:
        case = cases.open_case(tx, contact(tx, phone), reason="asked")
        handoff.claim(tx, there.puente.house, case, None)

    await there.puente.record.run(claim)
    await phone.hears()
    await there.settled()
    phone.forget()
    return phone


def contact(tx: Any, phone: Any) -> str:
    return str(tx.one("SELECT contact_id FROM address WHERE hash = :h", h=address(phone))["contact_id"])


async def answer(there: Town, phone: Any, *texts: str) -> None:
    def say(tx: Any) -> None:
        case = cases.open_case(tx, contact(tx, phone), reason="asked")
        for text in texts:
            cases.answer(tx, case, None, text)

    await there.puente.record.run(say)


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


@BOTH
async def test_words_to_one_person_arrive_in_their_order(there: Town, channel: str) -> None:
    phone = await held(there, channel)
    phone.fake.plan.add(busy(1), to=phone.address)
    said = [f"Parte {number}" for number in range(8)]
    await answer(there, phone, *said)
    await there.until(lambda: bool(phone.fake.plan.taken) and phone.fake.plan.taken[-1][1] == phone.address)
    await hurry(there)
    await phone.hears(len(said))
    assert [sent.text for sent in phone.received][-len(said) :] == said


async def test_one_message_a_second_to_a_chat_on_telegram(tmp_path: Any) -> None:
    async with town(tmp_path, pace={"per_second": LIMITS.per_second, "per_chat": LIMITS.per_chat}) as there:
        await there.start()
        ana = await held(there, "telegram")
        await answer(there, ana, "Uno", "Dos")
        first, second = [sent.at for sent in await ana.hears(2)]
        assert second - first >= 0.99


async def test_a_takeover_while_words_wait_for_their_slot_keeps_them_back(tmp_path: Any) -> None:
    """F1: nothing is claimed before it may leave, so the epoch is looked at last of all."""
    async with town(tmp_path, pace={"per_second": 900, "per_chat": 0.001}) as there:
        await there.start()
        ana = there.on_telegram()
        await ana.say("hola")
        await ana.hears()
        await ana.say("español")  # its answer waits for the chat's slot

        async def written() -> bool:
            return len(await rows(there, ana)) >= 2

        await there.until(written)

        def claim(tx: Any) -> None:
            handoff.claim(tx, there.puente.house, cases.open_case(tx, contact(tx, ana), reason="asked"), None)

        await there.puente.record.run(claim)
        there.puente.worker.pumps["telegram"]._chats.clear()  # the slot is free
        await hurry(there)
        assert [sent.text[:5] for sent in await ana.hears()] == ["Ahora"]
        there.puente.worker.pumps["telegram"]._chats.clear()
        await hurry(there)
        await there.until(there.idle)
        assert [row["state"] for row in await rows(there, ana)].count("dropped") == len(await rows(there, ana)) - 2


async def test_a_slow_channel_does_not_slow_the_other(there: Town) -> None:
    gate = asyncio.Event()
    real, there.telegram.sleep = there.telegram.sleep, lambda seconds: gate.wait()  # type: ignore[assignment,return-value]
    try:
        slow = [there.on_telegram() for _ in range(3)]
        for phone in slow:
            there.telegram.plan.add(delay(1), to=phone.address)
            await phone.say("hola")
        rosa = there.on_whatsapp()
        await rosa.say("hola")
        assert await rosa.hears()
        assert all(phone.received == [] for phone in slow)
    finally:
        gate.set()
        there.telegram.sleep = real


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


async def test_writing_is_shown_while_the_bot_writes_and_only_then(there: Town) -> None:
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
