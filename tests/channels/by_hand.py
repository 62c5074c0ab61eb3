"""What a test does by hand: raw requests to the webhooks, a look at what the record holds, and time that passes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx

from bot import cases, handoff, reconcile
from tests.channels.conftest import PUBLIC, SECRET, Town, address

OUTBOX = "SELECT * FROM outbox WHERE contact_id = (SELECT contact_id FROM address WHERE hash = :h) ORDER BY id"


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


async def telegrams(there: Town, update: Any, secret: str = SECRET, **more: Any) -> httpx.Response:
    headers = {"X-Telegram-Bot-Api-Secret-Token": secret, "Content-Type": "application/json"}
    body = update if isinstance(update, bytes) else json.dumps(update).encode()
    return await post(there, "/webhooks/telegram", content=body, headers=headers, **more)


async def kept(there: Town) -> int:
    return int((await there.all("SELECT COUNT(*) AS n FROM inbox"))[0]["n"])


async def heard(there: Town, phone: Any) -> str:
    """The words that came since, once nothing is on its way any more."""
    new = await phone.hears()
    await there.settled()
    return "\n".join(sent.text for sent in [*new, *(await phone.hears(0))])


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
