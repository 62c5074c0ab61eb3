"""Hostile texts through the whole path, from the webhook to the words sent: nothing breaks, nothing grows, all in time."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot import house, knowledge
from tests.faults.product import Databases, Product, databases, warm
from tests.faults.vendors import Vendors

SLOWEST = 0.150
"""Seconds of work a text may cost at the 99th percentile, from its webhook to its answer at the vendor.

By this process's own CPU clock, in all its threads: what else the machine does at the time says nothing about us.
"""
GROWTH = 50.0
"""Megabytes by which the process may grow after its first tenth."""

LEAST = 200
"""Texts, however little time there is."""

ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyz áéíóúñ",
    "ꞌ'ʼ’ äëïöü q'eqchi' k'iche' tz'ib' mam ",
    "\u0000\u0007\u001b\r\n\t\u0085\u2028",
    "\u200b\u200c\u200d\u2060\ufeff\u00ad",
    "\u202a\u202b\u202e\u2066\u2069\u061c",
    "\u0301\u0327\u0338\u20dd\u0489\u1ab0",
    "🙂🇬🇹👨‍👩‍👧‍👦🏳️‍🌈👍🏽",
    "ＦｕｌｌＷｉｄｔｈ①②③Ⅷﬁ",
    "<script>alert(1)</script>'\";--{{7*7}}${x}%s%n\\x00",
    "العربية עברית 漢字 ไทย \U000e0041\U0010ffff",
    "\ud800\udfff\udc80",
    "=+-@1234567890|",
)
WORDS = ("hola", "borrar mis datos", "persona", "menú", "me quiero morir", "baja", "español", "ocultar", "trabajo",
         "xela", "sí, borrar todo", "1", "no", "/start", "quiero hablar con una persona")  # fmt: skip


def texts(seed: int) -> Iterator[str]:
    """Without end: every kind of trouble, alone, repeated, mixed, and hidden in what people really write."""
    dice = random.Random(seed)
    while True:
        alphabet = dice.choice(ALPHABETS)
        match dice.randrange(8):
            case 0:
                yield dice.choice(alphabet) * dice.choice((1, 100, 4096, 20_000))
            case 1:
                yield "a" + "".join(dice.choices(ALPHABETS[5], k=dice.choice((10, 1000, 20_000))))
            case 2:
                yield "".join(dice.choices(alphabet, k=dice.choice((5, 60, 900))))
            case 3:
                yield "".join(c + dice.choice(ALPHABETS[3]) for c in dice.choice(WORDS))
            case 4:
                yield dice.choice(WORDS) + "".join(dice.choices(alphabet, k=20)) + dice.choice(WORDS)
            case 5:
                yield " ".join(dice.choices(WORDS, k=dice.choice((2, 30, 800))))
            case 6:
                yield "".join(dice.choices("".join(ALPHABETS), k=dice.choice((30, 300))))
            case _:
                yield dice.choice(WORDS)


async def fuzz(bases: Databases, vendors: Vendors, seed: int, count: int, until: float, real: bool) -> str:
    """So many texts, or as many as the time allows. `real` uses the engines that understand people, not stand-ins."""
    product = Product(bases.fresh(), bases, vendors)
    if real:
        product.puente.house = house.build(knowledge.mind())
    people = max(20, count // 15)
    await product.start()
    for number, text in enumerate(("hola", "español", "no", "¿dónde saco mi DPI?")):  # what is learnt at first use
        await product.telegram(_update(people, -1 - number, text))
        await product.work()
    took: list[float] = []
    waited: list[float] = []
    refused = failed = 0
    early = 0.0
    for number, text in enumerate(texts(seed)):
        if number == count or (number >= LEAST and time.monotonic() > until):
            break
        began, used = time.perf_counter(), time.process_time()
        status = await product.telegram(_update(number % people, number, text))
        refused += status >= 300
        await product.work()
        took.append(time.process_time() - used)
        waited.append(time.perf_counter() - began)
        if number % 500 == 499:
            await product.record.run(lambda tx: tx.run("DELETE FROM outbox WHERE state <> 'waiting'"))
        if number == max(100, count // 10):
            early = resident()
    row = await product.record.run(
        lambda tx: tx.one("SELECT COUNT(*) AS n, COUNT(done_at) AS done, COALESCE(SUM(failed), 0) AS bad FROM inbox")
    )
    failed = row["bad"]
    grown = resident() - early if early else 0.0
    await product.close()
    p99 = sorted(took)[int(len(took) * 0.99)]
    good = not refused and not failed and row["done"] == row["n"] and p99 < SLOWEST and grown < GROWTH
    return (
        f"{'PASS' if good else 'FAIL'} texts {bases.kind}: {len(took):,} hostile texts: {failed} given up, "
        f"{refused} refused, {row['n'] - row['done']} unread; CPU median "
        f"{statistics.median(took) * 1000:.1f} ms, p99 {p99 * 1000:.1f} ms, worst {max(took) * 1000:.0f} ms (by the "
        f"clock {statistics.median(waited) * 1000:.1f}, {sorted(waited)[int(len(waited) * 0.99)] * 1000:.1f} and "
        f"{max(waited) * 1000:.0f}); {grown:+.1f} MB after the first tenth"
    )


def resident() -> float:
    """Megabytes of memory this process holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def _update(who: int, number: int, text: str) -> dict[str, Any]:
    id = 7_100_000_000 + who
    person = {"id": id, "is_bot": False, "first_name": "Ana"}
    message = {"message_id": number, "from": person, "chat": {"id": id, "type": "private"}, "text": text}
    return {"update_id": number + 1, "message": message}


def run(kinds: list[str], folder: Path, seed: int, share: float, until: float) -> Iterator[str]:
    """200,000 with `share` 1.0, half on each kind of database."""
    warm()
    vendors = Vendors()
    try:
        with databases(kinds, folder) as all_of_them:
            count = max(200, int(200_000 * share / len(all_of_them)))
            for place, bases in enumerate(all_of_them):
                left = (until - time.monotonic()) / (len(all_of_them) - place)
                end = time.monotonic() + left
                yield asyncio.run(fuzz(bases, vendors, seed + place, count, end, real=share >= 0.01))
    finally:
        vendors.close()
