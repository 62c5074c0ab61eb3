"""What the provider's own list settles: uncertain sends, and messages no webhook brought (SAFETY B7, C2, X19)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot import memo, outbox, reconcile
from bot.channels import Failed, Spoken
from tests.fakes.faults import broken, drop, hang
from tests.fakes.people import WhatsAppPhone
from tests.installation import Home
from tests.ops.conftest import Place

HOURS = 3600.0


def later(seconds: float) -> float:
    return time.time() + seconds


async def start(place: Place) -> None:
    """The product, after its own first look at the list."""
    await place.start()

    async def looked() -> bool:
        return bool(await place.all("SELECT name FROM memo WHERE name = 'round|missed|whatsapp'"))

    await place.until(looked)


async def settle(place: Place, seconds: float = 100) -> int:
    there = place.puente
    return await reconcile.settle_sends(there.record, "whatsapp", there.channels["whatsapp"], later(seconds))


async def fetch(place: Place, seconds: float = 200) -> int:
    there = place.puente
    return await reconcile.take_missed(there.record, "whatsapp", there.channels["whatsapp"], later(seconds))


async def states(place: Place) -> Counter[str]:
    rows = await place.all("SELECT state FROM outbox WHERE channel = 'whatsapp'")
    return Counter(row["state"] for row in rows)


async def unsure(place: Place) -> None:
    """Wait until nothing is on its way."""
    await place.until(place.idle)


def uncertain(place: Place) -> Callable[[], Awaitable[bool]]:
    """Whether the fate of one message is not known."""

    async def one() -> bool:
        return (await states(place))["unknown"] == 1

    return one


def mute(place: Place) -> None:
    """Status callbacks do not come: only the list can tell."""
    place.twilio.roads["https://bot.example/webhooks/twilio/status"] = "http://127.0.0.1:9"
    place.twilio.roads = dict(sorted(place.twilio.roads.items(), key=lambda road: -len(road[0])))


@pytest.mark.parametrize("fault", [drop(after=True), broken(502, after=True), broken(502, after=True, html=True)])
async def test_a_send_that_went_is_found_and_not_repeated(place: Place, fault: Any) -> None:
    await place.start()
    mute(place)
    phone = place.on_whatsapp()
    place.twilio.plan.add(fault)
    await phone.say("hola")
    await unsure(place)
    assert (await states(place))["unknown"] == 1
    assert await settle(place) == 1
    await unsure(place)
    found = await states(place)
    assert found["unknown"] == 0
    assert len(place.twilio.sent) == 1


@pytest.mark.parametrize("fault", [drop(), broken(502, after=False)])
async def test_a_send_that_never_went_goes_again(place: Place, fault: Any) -> None:
    await place.start()
    mute(place)
    phone = place.on_whatsapp()
    place.twilio.plan.add(fault)
    await phone.say("hola")
    await unsure(place)
    assert place.twilio.sent == []
    assert await settle(place) == 1
    await unsure(place)
    await place.until(lambda: len(place.twilio.sent) == 1)
    assert (await states(place))["unknown"] == 0


async def test_a_list_that_lags_is_not_believed_too_soon(place: Place) -> None:
    await place.start()
    mute(place)
    place.twilio.plan.add(drop(after=True))
    await place.on_whatsapp().say("hola")
    await unsure(place)
    assert await settle(place, seconds=30) == 0
    assert (await states(place))["unknown"] == 1


async def test_the_same_words_twice_are_two_messages(place: Place) -> None:
    """Two equal messages, neither surely gone: the one that went is settled, then the other goes, and the phone has two."""
    await place.start()
    mute(place)
    phone = place.on_whatsapp()
    await phone.say("hola")
    await unsure(place)
    before = len(place.twilio.sent)
    row = (await place.all("SELECT contact_id, address_id FROM outbox LIMIT 1"))[0]
    place.twilio.plan.add(drop(after=True), drop(after=False))
    said = [Spoken("Su cita es mañana.")] * 2
    epoch = {"epoch": 0, "lane": outbox.REPLY}
    await place.puente.record.run(outbox.put, row["contact_id"], row["address_id"], "whatsapp", said, **epoch)
    await place.until(uncertain(place))
    assert (await states(place))["waiting"] == 1, "what comes after an uncertain message of its chat waits for it"
    assert await settle(place) == 1
    await place.until(uncertain(place))
    assert await settle(place) == 1
    await place.until(lambda: len(place.twilio.sent) == before + 2)
    await unsure(place)
    assert (await states(place))["unknown"] == 0


async def test_words_removed_at_the_provider_leave_it_uncertain(place: Place) -> None:
    await place.start()
    mute(place)
    place.twilio.plan.add(drop(after=True))
    await place.on_whatsapp().say("hola")
    await unsure(place)
    for stored in place.twilio.stored.values():
        if stored.direction != "inbound":
            stored.body = ""
    assert await settle(place) == 0
    assert (await states(place))["unknown"] == 1


async def test_urgent_words_whose_list_cannot_be_read_go_once_more(place: Place) -> None:
    await place.start()
    mute(place)
    phone = place.on_whatsapp()
    place.twilio.plan.add(drop(after=True))
    await phone.say("me quieren matar")
    await unsure(place)
    assert len(place.twilio.sent) == 1
    place.twilio.plan.add(broken(500, after=False), on="list", times=10)
    assert await settle(place, seconds=60) == 0
    assert await settle(place, seconds=200) == 1
    await unsure(place)
    await place.until(lambda: len(place.twilio.sent) == 2)


async def test_a_provider_without_a_list_leaves_its_sends_alone(place: Place) -> None:
    await place.start()
    place.telegram.plan.add(hang(after=True))
    there = place.puente
    assert await reconcile.settle_sends(there.record, "telegram", there.channels["telegram"], later(100)) == 0


async def test_an_outage_of_six_hours_loses_nothing(place: Place) -> None:
    """Nobody hears for six hours; then everything comes once, oldest first, with one word of apology each."""
    await start(place)
    phones = [place.on_whatsapp(f"P{n}") for n in range(5)]
    place.twilio.clock.advance(-7 * HOURS)
    await place.puente.record.run(memo.put, "heard|whatsapp", time.time() - 7 * HOURS, time.time())
    public, place.twilio.roads = place.twilio.roads, {"https://bot.example": "http://127.0.0.1:9"}
    for number in range(30):
        assert await phones[number % 5].say(f"mensaje {number}") in (0, None)
        place.twilio.clock.advance(6 * HOURS / 30)
    place.twilio.clock.advance(1 * HOURS)
    place.twilio.roads = public
    assert await fetch(place) == 30
    assert await fetch(place) == 0
    await place.settled()
    rows = await place.all("SELECT contact_id, written_at FROM inbox WHERE channel = 'whatsapp' ORDER BY id")
    assert len(rows) == 30
    written = [row["written_at"] for row in rows]
    assert written == sorted(written)
    for phone in phones:
        tardy = [sent for sent in place.twilio.sent_to(phone.address) if "Disculpe la tardanza" in sent.text]
        assert len(tardy) == 1


async def test_what_the_webhook_brought_is_not_fetched_again(place: Place) -> None:
    await start(place)
    await place.puente.record.run(memo.put, "heard|whatsapp", time.time() - HOURS, time.time())
    await place.on_whatsapp().say("hola")
    await place.settled()
    assert await fetch(place) == 0


async def test_a_young_message_is_left_to_its_webhook(place: Place) -> None:
    await start(place)
    await place.puente.record.run(memo.put, "heard|whatsapp", time.time() - HOURS, time.time())
    phone = place.on_whatsapp()
    public, place.twilio.roads = place.twilio.roads, {"https://bot.example": "http://127.0.0.1:9"}
    await phone.say("hola")
    place.twilio.roads = public
    assert await fetch(place, seconds=0) == 0
    assert await fetch(place, seconds=200) == 1


async def test_a_list_of_many_pages_is_read_to_its_end(place: Place) -> None:
    await start(place)
    place.twilio.clock.advance(-HOURS)
    await place.puente.record.run(memo.put, "heard|whatsapp", time.time() - 2 * HOURS, time.time())
    phones: list[WhatsAppPhone] = [place.on_whatsapp(f"P{n}") for n in range(3)]
    for number in range(450):
        hook = phones[number % 3].text(f"m{number}")
        phones[number % 3]._arrives(hook)
    place.twilio.clock.advance(HOURS)
    assert await fetch(place) == 450


async def test_a_failing_list_moves_nothing_forward(place: Place) -> None:
    await start(place)
    mark = time.time() - 2 * HOURS
    await place.puente.record.run(memo.put, "heard|whatsapp", mark, mark)
    place.twilio.plan.add(broken(500, after=False), on="list", times=5)
    with pytest.raises(Failed):
        await fetch(place)
    assert await place.puente.record.run(memo.get, "heard|whatsapp") == mark


def test_a_channel_that_never_heard_anybody_begins_now(home: Home) -> None:
    assert home.record.do(reconcile._heard_until, "whatsapp", 5000.0) == 5000.0 - reconcile.OVERLAP
