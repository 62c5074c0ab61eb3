"""Nobody hears the vendors for six hours; then everything comes once, oldest first, with a word of apology.

The machine is off: no webhook is answered and nothing is asked for. Twilio gives up on each message after its tries
and keeps it in its list, where reconciliation finds it; Telegram keeps it pending and brings it late.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from bot.inbox import read
from bot.record import Tx
from bot.turn import TARDY
from tests.fakes.people import TelegramPhone, WhatsAppPhone
from tests.fakes.serve import running
from tests.fakes.telegram import FakeTelegram
from tests.fakes.telegram_limits import unlimited
from tests.fakes.telegram_updates import Webhook
from tests.fakes.twilio import FakeTwilio
from tests.faults.product import Databases, Product, databases, warm
from tests.faults.vendors import PUBLIC, SECRET, settings_for

SIX_HOURS = 6 * 3600.0
EACH = 6
"""Messages a person writes in vain; fewer than would count as flooding when they are read at once."""


class Road(httpx.AsyncBaseTransport):
    """The way from the vendors to us; nobody is at its end while the machine is off."""

    def __init__(self) -> None:
        self.app: Any = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.app is None:
            raise httpx.ConnectError("nobody listens", request=request)
        return await httpx.ASGITransport(self.app, raise_app_exceptions=False).handle_async_request(request)


class Town:
    """Both vendors in this process, on the product's clock, and the people with their phones."""

    def __init__(self, people: int) -> None:
        self.telegram = FakeTelegram(rates=unlimited(), https_only=False)
        self.twilio = FakeTwilio(anyone=True, most_at_once=1000)
        self.twilio.webhook_url = f"{PUBLIC}/webhooks/twilio"
        self.twilio.callbacks.story.told = ()
        self.telegram.updates.webhook = Webhook(f"{PUBLIC}/webhooks/telegram", SECRET)
        self.telegram.updates.attempts = 1
        self.road = Road()
        self.client = httpx.AsyncClient(transport=self.road, timeout=60)
        self.on_telegram = [TelegramPhone(self.telegram, client=self.client) for _ in range(people)]
        self.on_whatsapp = [WhatsAppPhone(self.twilio, client=self.client) for _ in range(people)]
        self.phones: list[Any] = [*self.on_telegram, *self.on_whatsapp]

    def settings(self) -> dict[str, Any]:
        return settings_for(self.telegram.base, self.twilio.base)

    def ahead(self) -> float:
        return 0.0

    def advance(self, seconds: float) -> None:
        """Their clock is the machine's, which is ours to move."""


async def outage(bases: Databases, people: int, seed: int) -> str:
    """So many people on each channel, most of them never heard of before."""
    town, url, dice = Town(people), bases.fresh(), random.Random(seed)
    async with running(town.telegram), running(town.twilio):
        product = await _running(town, url, bases)
        for phone in dice.sample(town.phones, people // 2):
            assert await phone.say("hola") in (200, 204)
        await _ask_for_missed(product)
        await product.work()
        before = {phone.address: len(phone.received) for phone in town.phones}
        town.road.app = None
        lost_sight = product._ahead
        await product.close()
        kept, words = await _write_in_vain(town, product, dice)
        product = await _running(town, url, bases, ahead=lost_sight + SIX_HOURS + 300)
        await _ask_for_missed(product)
        for one in dice.sample(kept, len(kept) // 4):  # a vendor that lost sight of what it brought brings it again
            await one[0].again(one[1])
        left = await town.telegram.updates.deliver_pending(town.client)
        await _ask_for_missed(product)
        await product.work()
        rows = await product.record.run(_rows)
        line = _judged(bases.kind, town, before, words, rows, left)
        await product.close()
        await town.client.aclose()
        return line


async def _running(town: Town, url: str, bases: Databases, ahead: float = 0.0) -> Product:
    product = Product(url, bases, town)  # type: ignore[arg-type]
    product._ahead = ahead
    town.road.app = product.app
    await product.start()
    return product


async def _ask_for_missed(product: Product) -> None:
    """The round that asks Twilio what people wrote, as at every start and every few minutes."""
    for one in product.worker._outside:
        if one.name.startswith("missed|"):
            await one.work(product.now())


async def _write_in_vain(town: Town, product: Product, dice: random.Random) -> tuple[list[Any], dict[str, list[str]]]:
    """Everybody writes at random times of the six hours; what Twilio kept, and whose words were which."""
    order = [phone for phone in town.phones for _time in range(EACH)]
    dice.shuffle(order)
    kept: list[Any] = []
    words: dict[str, list[str]] = {phone.address: [] for phone in town.phones}
    for number, phone in enumerate(order):
        product._ahead += SIX_HOURS / len(order)
        text = f"menú {number}"
        words[phone.address].append(text)
        item = phone.text(text)
        (status,) = await phone.send(item)
        assert not status, f"the machine is off, and its webhook answered {status}"
        if phone in town.on_whatsapp:
            kept.append((phone, item))
    return kept, words


def _rows(tx: Tx) -> list[dict[str, Any]]:
    rows = tx.all(
        "SELECT i.id, i.channel, i.body, i.done_at, i.failed, COALESCE(i.written_at, i.received_at) AS written, "
        "i.contact_id FROM inbox i WHERE i.kind = 'message' ORDER BY i.id"
    )
    return [dict(row) | {"text": read(row["body"])[0].text} for row in rows]


def _judged(
    kind: str, town: Town, before: dict[str, int], words: dict[str, list[str]], rows: list[dict[str, Any]], left: int
) -> str:
    late = [row for row in rows if row["text"].startswith("menú ")]
    times = Counter(row["text"] for row in late)
    written = [text for said in words.values() for text in said]
    lost = [text for text in written if not times[text]]
    doubled = [text for text in times if times[text] > 1]
    unread = [row for row in late if row["done_at"] is None or row["failed"]]
    listed = [row["written"] for row in late if row["channel"] == "whatsapp"]
    disorder = int(listed != sorted(listed))
    by_contact: dict[str, list[str]] = {}
    for row in sorted(late, key=lambda row: (row["done_at"] or 0.0, row["id"])):
        by_contact.setdefault(row["contact_id"], []).append(row["text"])
    disorder += sum(said not in words.values() for said in by_contact.values())
    answers = [[sent.text for sent in phone.received[before[phone.address] :]] for phone in town.phones]
    sorry = [sum(TARDY in text for text in texts) for texts in answers]
    first = sum(TARDY in texts[0] for texts in answers if texts)
    good = not (lost or doubled or unread or disorder or left) and set(sorry) == {1} and first == len(town.phones)
    return (
        f"{'PASS' if good else 'FAIL'} outage {kind}: {len(written):,} messages of {len(town.phones)} people in six "
        f"hours nobody listened: {len(lost)} lost, {len(doubled)} twice, {len(unread)} unread, {disorder} out of "
        f"order, {left} still pending; {sum(sorry)} apologies, {first} in the first answer"
    )


def run(kinds: list[str], folder: Path, seed: int, share: float) -> Iterator[str]:
    """200 people on each channel with `share` 1.0, on one kind of database after the other."""
    warm()
    with databases(kinds, folder) as all_of_them:
        for bases in all_of_them:
            yield asyncio.run(outage(bases, max(10, int(200 * share)), seed))
