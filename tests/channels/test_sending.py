"""What we say, on its way out: all a provider can answer or fail to, and what stands in the record then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot import cases, handoff, outbox
from bot.channels.telegram import LIMITS
from tests.channels.by_hand import (
    answer,
    becomes,
    contact,
    held,
    hurry,
    nothing_more,
    put_off,
    reconciled,
    rows,
    tried,
)
from tests.channels.conftest import PUBLIC, SECRET, Town, town
from tests.fakes import faults
from tests.fakes.faults import broken, busy, cut, delay, drop, hang
from tests.fakes.telegram_updates import Webhook
from tests.fakes.twilio_hooks import Story

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOTH = pytest.mark.parametrize("channel", ["telegram", "whatsapp"])


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
