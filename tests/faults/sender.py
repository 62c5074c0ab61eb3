"""A sender killed again and again in the middle of thousands of sends, each time followed by another one at once.

It is a process of its own with the real pumps; what waits for it is written beforehand, every lane of it. Afterwards
each message is looked for at the vendors: lost, doubled, or uncertain and listed as such.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bot import crypto, outbox
from bot import pump as pumps
from bot.channels import Incoming, Spoken, telegram, whatsapp
from bot.inbox import accept
from bot.record import Record, Tx
from flows.message import Message
from tests.faults.product import Databases, Product, databases, warm
from tests.faults.vendors import Vendors

LANES = (outbox.URGENT, outbox.HUMAN, outbox.REPLY, outbox.REPLY, outbox.BROADCAST)
LEAST = 5
"""Kills, however little time there is."""

PACE = {"telegram": telegram.LIMITS.per_second, "whatsapp": whatsapp.LIMITS.per_second}
"""Messages a second, as in earnest: how much is under way when the sender dies depends on it."""


def send_for_ever(url: str, bases: Databases, vendors: Vendors) -> None:
    """The sender: both pumps and the rounds that settle what is uncertain, until it is killed."""

    async def live() -> None:
        product = Product(url, bases, vendors)
        for name, pace in PACE.items():
            channel: Any = product.puente.channels[name]
            channel._limits = channel.limits._replace(per_second=pace)
        await product.record.news.start()
        both = [product.worker.pumps[name].run() for name in ("telegram", "whatsapp")]
        await asyncio.gather(*both)

    asyncio.run(live())


def spawn(url: str, bases: Databases, vendors: Vendors) -> int:
    child = os.fork()
    if child == 0:
        try:
            send_for_ever(url, bases, vendors)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    return child


def fill(tx: Tx, contacts: list[tuple[str, int, str]], first: int, count: int, seed: int) -> None:
    """Messages for many people, each with words of its own."""
    dice = random.Random(seed + first)
    for number in range(first, first + count):
        contact, address, channel = dice.choice(contacts)
        lane = dice.choice(LANES)
        speaker = "person" if lane == outbox.HUMAN else "bot"
        spoken = [Spoken(f"mensaje {number} carril {lane}", speaker=speaker)]
        outbox.put(tx, contact, address, channel, spoken, epoch=0, lane=lane)


def prepare(url: str, bases: Databases, messages: int, seed: int) -> None:
    """People at both channels, and what is to be sent to them."""
    crypto.use(crypto.load(bases.keys))
    record = Record(url)
    for number in range(200):
        channel = "telegram" if number % 2 else "whatsapp"
        address = str(7_200_000_000 + number) if number % 2 else f"whatsapp:+502{40_000_000 + number}"
        record.do(accept, channel, Incoming(f"x{number}", address, Message(text="hola")))
    record.do(lambda tx: tx.run("UPDATE inbox SET done_at = received_at"))
    rows = record.do(lambda tx: tx.all("SELECT contact_id, id, channel FROM address"))
    contacts = [(str(row["contact_id"]), int(row["id"]), str(row["channel"])) for row in rows]
    for first in range(0, messages, 500):
        record.do(fill, contacts, first, min(500, messages - first), seed)
    record.close()


def left(record: Record) -> int:
    return int(
        record.do(lambda tx: tx.one("SELECT COUNT(*) AS n FROM outbox WHERE state IN ('waiting', 'claimed')"))["n"]
    )


def torment(bases: Databases, vendors: Vendors, messages: int, kills: int, seed: int, until: float) -> str:
    """Kill the sender so often, at random moments of its work, then let one finish; and count."""
    url = bases.fresh()
    since = {name: len(rows) for name, rows in vendors.taken().items()}
    prepare(url, bases, messages, seed)
    dice = random.Random(seed)
    record = Record(url)
    killed = 0
    sender = spawn(url, bases, vendors)
    pause = max(0.02, 0.9 * messages / 2 / PACE["telegram"] / max(1, kills) - 0.12)
    try:
        while killed < kills and left(record) > messages * 0.02 and (killed < LEAST or time.monotonic() < until):
            time.sleep(0.12 + dice.expovariate(1 / pause))  # from before its first claim to the middle of many sends
            os.kill(sender, signal.SIGKILL)
            os.waitpid(sender, 0)
            killed += 1
            sender = spawn(url, bases, vendors)
        while left(record) and time.monotonic() < until + 120:
            time.sleep(0.5)
    finally:
        os.kill(sender, signal.SIGKILL)
        os.waitpid(sender, 0)
        record.close()
    asyncio.run(_settle(url, bases, vendors))
    return _count(url, bases, vendors, since, messages, killed)


async def _settle(url: str, bases: Databases, vendors: Vendors) -> None:
    product = Product(url, bases, vendors)
    await product.start()
    await product.recover()
    await product.close()


def _count(url: str, bases: Databases, vendors: Vendors, since: dict[str, int], messages: int, killed: int) -> str:
    record = Record(url)
    rows = record.do(lambda tx: tx.all("SELECT channel, lane, state, body FROM outbox"))
    record.close()
    taken = vendors.taken(since)
    seen = {"telegram": Counter(row["text"] for row in taken["telegram"]),
            "whatsapp": Counter(row["text"] for row in taken["twilio"])}  # fmt: skip
    found: Counter[str] = Counter()
    keys = crypto.vault()
    for row in rows:
        text = Spoken.from_json(json.loads(keys.open("outbox.body", row["body"]))).text
        times, channel = seen[row["channel"]][text], row["channel"]
        found[f"{channel} sends"] += 1
        if row["state"] in ("waiting", "claimed"):
            found["stuck"] += 1
        elif times == 0:
            found[f"{channel} {'uncertain and not there' if row['state'] == 'unknown' else 'lost'}"] += 1
        elif times > 1:
            allowed = channel == "telegram" and row["lane"] <= outbox.HUMAN
            found[f"{channel} {'urgent or human twice' if allowed else 'doubled'}"] += times - 1
        if row["state"] == "unknown":
            found[f"{channel} uncertain"] += 1
    bad = [name for name in found if name.endswith((" lost", "doubled", "stuck"))]
    whatsapp_open = found["whatsapp uncertain"]
    good = not bad and not whatsapp_open and len(rows) == messages
    told = ", ".join(f"{name} {count:,}" for name, count in sorted(found.items()))
    return f"{'PASS' if good else 'FAIL'} sender {bases.kind}: killed {killed} times in {messages:,} sends: {told}"


def run(kinds: list[str], folder: Path, seed: int, share: float, until: float) -> Iterator[str]:
    """20,000 sends and 500 kills with `share` 1.0, on one kind of database after the other."""
    warm()
    pumps.TICK = 0.2
    vendors = Vendors()
    try:
        with databases(kinds, folder) as all_of_them:
            for place, bases in enumerate(all_of_them):
                end = time.monotonic() + (until - time.monotonic()) / (len(all_of_them) - place)
                yield torment(bases, vendors, max(300, int(20_000 * share)), max(5, int(500 * share)), seed, end)
    finally:
        vendors.close()
