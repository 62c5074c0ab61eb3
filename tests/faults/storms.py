"""Many at once: a webhook storm with copies, replays and forged cuts, and sixteen writers on one SQLite."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bot.record import Record, Tx
from tests.fakes.forge import recuts
from tests.fakes.twilio import FakeTwilio
from tests.fakes.twilio_hooks import Hook
from tests.fakes.whatsapp_phone import WhatsAppPhone
from tests.faults.product import Databases, Product, databases, warm
from tests.faults.sweep import apart
from tests.faults.vendors import PUBLIC, Vendors

DAY = 86400.0


async def storm(bases: Databases, vendors: Vendors, messages: int, copies: int, seed: int) -> str:
    """Every message `copies` times at once and out of order, all of it again three days later, and every re-cut."""
    product = Product(bases.fresh(), bases, vendors)
    dice = random.Random(seed)
    fake = FakeTwilio()
    people = [WhatsAppPhone(fake, url=f"{PUBLIC}/webhooks/twilio") for _ in range(max(1, messages // 10))]
    hooks = [dice.choice(people).text(f"hola {n}") for n in range(messages)]
    updates = [_update(dice.randrange(max(1, messages // 10)), n) for n in range(messages)]
    answers: list[int] = []

    async def bring(item: Hook | dict[str, Any]) -> None:
        answers.append(await _bring(product, item))

    waves = [hooks[at : at + 20] + updates[at : at + 20] for at in range(0, messages, 20)]
    for wave in waves:
        together = [item for item in wave for _copy in range(copies)]
        dice.shuffle(together)
        await asyncio.gather(*map(bring, together))
    await product.work()
    first = await product.record.run(_effects)
    product.later(3 * DAY)
    for item in dice.sample([*hooks, *updates], len(hooks) + len(updates)):
        await bring(item)
    failed = sum(status >= 300 for status in answers)
    cuts = [cut for hook in dice.sample(hooks, min(20, messages)) for cut in recuts(hook)]
    replayed = await product.record.run(_effects)
    for cut in cuts:  # some keep the message's id: those are answered like any replay
        await _bring(product, cut)
    await product.work()
    last = await product.record.run(_effects)
    await product.close()
    taken = last[0] - replayed[0]
    good = first == last and first[0] == first[1] == 2 * messages and not failed
    return (
        f"{'PASS' if good else 'FAIL'} storm {bases.kind}: 2 × {messages:,} messages × {copies} copies at once, out of "
        f"order, all again at +3 days: {last[0]:,} kept, {last[1]:,} worked through, {last[2]:,} answers; "
        f"{len(cuts):,} re-cuts, {taken} had an effect; {failed} calls refused"
    )


async def _bring(product: Product, item: Hook | dict[str, Any]) -> int:
    if isinstance(item, Hook):
        return await product.twilio("/webhooks/twilio", urlencode(item.form).encode(), item.headers)
    return await product.telegram(item)


def _update(who: int, number: int) -> dict[str, Any]:
    id = 7_000_000_000 + who
    person = {"id": id, "is_bot": False, "first_name": "Ana"}
    message = {"message_id": number, "from": person, "chat": {"id": id, "type": "private"}, "text": f"hola {number}"}
    return {"update_id": 1000 + number, "message": message}


def _effects(tx: Tx) -> tuple[int, ...]:
    row = tx.one(
        "SELECT COUNT(*) AS kept, COUNT(done_at) AS done, (SELECT COUNT(*) FROM outbox) AS said, "
        "(SELECT COUNT(*) FROM contact) AS people FROM inbox WHERE kind = 'message'"
    )
    return int(row["kept"]), int(row["done"]), int(row["said"]), int(row["people"])


def writers(bases: Databases, each: int, threads: int = 8) -> str:
    """Two processes of so many threads, every one reading a number and writing back the next."""
    url = bases.fresh()
    record = Record(url)
    record.do(lambda tx: tx.run("INSERT INTO timer (kind, due_at) VALUES ('count', 0)"))
    record.close()
    failures = bases.folder / "failures"
    failures.write_text("")

    def process() -> None:
        mine = Record(url)

        def one_more(tx: Tx) -> None:
            due = tx.one("SELECT due_at FROM timer WHERE kind = 'count'")["due_at"]
            tx.run("UPDATE timer SET due_at = :due WHERE kind = 'count'", due=due + 1)

        def write() -> None:
            for _ in range(each):
                try:
                    mine.do(one_more)
                except Exception as error:
                    with failures.open("a") as file:
                        file.write(f"{type(error).__name__}: {error}\n")

        running = [threading.Thread(target=write) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        mine.close()

    def both() -> None:
        other = threading.Thread(target=lambda: apart(process))
        other.start()
        apart(process)
        other.join()

    apart(both)
    record = Record(url)
    found = int(record.do(lambda tx: tx.one("SELECT due_at FROM timer WHERE kind = 'count'"))["due_at"])
    record.close()
    wrong = failures.read_text().splitlines()
    asked = 2 * threads * each
    good = found == asked and not wrong
    return (
        f"{'PASS' if good else 'FAIL'} writers sqlite: {2 * threads} writers in two processes × {each:,} updates: "
        f"{asked - found - len(wrong)} lost, {len(wrong)} refused {wrong[:1]}"
    )


def run(kinds: list[str], folder: Path, seed: int, share: float) -> Iterator[str]:
    """`share` 1.0 is the whole: 1,000 messages × 50 copies, 1,000 updates a writer."""
    warm()
    vendors = Vendors()
    try:
        with databases(kinds, folder) as all_of_them:
            for bases in all_of_them:
                yield asyncio.run(storm(bases, vendors, max(20, int(1000 * share)), 50 if share == 1 else 10, seed))
                if bases.kind == "sqlite":
                    yield writers(bases, max(20, int(1000 * share)))
    finally:
        vendors.close()
