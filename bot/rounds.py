"""What the house does again and again as its settings say: asking providers, mailing supervisors, forgetting texts.

A round may take its time; it holds no transaction while it asks. When it last went well stands in the record.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from bot import alerts, disk, mail, memo, reconcile, unanswered, watch
from bot.channels import UNWELCOME, Channel, Failed
from bot.channels.hooks import Queues, Recalls, Recounts
from bot.logs import where
from bot.record import Record, Tx
from bot.settings import Settings
from bot.unanswered import DAY

T = TypeVar("T")
log = structlog.get_logger()

LONGEST = 240.0
"""Seconds after which a round is broken off; the next one goes on from the record."""

MANY = 10
"""Messages waiting at a provider that should have reached us (SAFETY O3)."""

RECENT = 300.0
"""Seconds for which a provider's failure to reach us counts as going on."""


@dataclass(frozen=True, slots=True)
class Round:
    """One thing to do every so many seconds, and at start; `now` is seconds since 1970."""

    name: str
    every: float
    work: Callable[[float], Awaitable[object]]


def rounds(settings: Settings, record: Record, channels: Mapping[str, Channel]) -> list[Round]:
    """All of them, for the channels that can tell."""
    watching = Round("alerts", 15, lambda now: record.run(_look, [one.name for one in found], list(channels), now))
    found = [watching, Round("disk", 60, lambda now: record.run(_disk, disk.left(settings), now))]
    kept = settings.unanswered_days * DAY
    found.append(Round("unanswered", 3600, lambda now: record.run(unanswered.forget, now - kept)))
    for name, channel in channels.items():
        if isinstance(channel, Recounts):
            found.append(Round(f"sends|{name}", 15, _sends(record, name, channel)))
        if isinstance(channel, Recalls):
            found.append(Round(f"missed|{name}", 300, _missed(record, name, channel)))
        if isinstance(channel, Queues):
            found.append(Round(f"queue|{name}", 60, _queue(record, name, channel)))
    if settings.alert_mail_to and settings.smtp_url:
        found.append(Round("mails", 30, lambda now: mail.send_alerts(record, settings, now)))
    return found


async def go(record: Record, all_of_them: Sequence[Round]) -> None:
    """Do them for ever, each at its own pace; one that fails or hangs holds up no other."""
    async with asyncio.TaskGroup() as together:
        for one in all_of_them:
            together.create_task(_again_and_again(record, one))


async def _again_and_again(record: Record, one: Round) -> None:
    while True:
        now = time.time()
        try:
            async with asyncio.timeout(LONGEST):
                await one.work(now)
            await record.run(memo.put, f"round|{one.name}", now, now)
        except Exception as error:
            log.error("round.failed", name=one.name, error=type(error).__name__, where=where(error))
        await asyncio.sleep(one.every)


def _sends(record: Record, name: str, channel: Channel) -> Callable[[float], Awaitable[object]]:
    async def work(now: float) -> None:
        while await reconcile.settle_sends(record, name, channel, now) >= reconcile.MOST:
            pass

    return work


def _missed(record: Record, name: str, channel: Channel) -> Callable[[float], Awaitable[object]]:
    return lambda now: _asked(record, name, reconcile.take_missed(record, name, channel, now), now)


async def _asked(record: Record, name: str, asking: Awaitable[T], now: float) -> T:
    """What a provider answers; whether it takes our credentials is remembered for who watches."""
    try:
        answer = await asking
    except Failed as failed:
        if failed.why == UNWELCOME:
            await record.run(watch.refused, name, True, now)
        raise
    await record.run(watch.refused, name, False, now)
    return answer


def _queue(record: Record, name: str, channel: Queues) -> Callable[[float], Awaitable[object]]:
    async def work(now: float) -> None:
        queue = await _asked(record, name, channel.queue(), now)
        failing = queue.failed_at is not None and queue.failed_at > now - RECENT
        detail = f"{queue.waiting} messages wait at {name}" + (", which cannot reach us" if failing else "")
        await record.run(memo.put, f"queue|{name}", queue.waiting, now)
        await record.run(alerts.when, queue.waiting > MANY or failing, f"queue|{name}", detail, now)

    return work


def _disk(tx: Tx, left: int | None, now: float) -> None:
    """Where the database is on a disk of this machine: is there room?"""
    few = left is not None and left < disk.FEW
    alerts.when(tx, few, "disk", f"{(left or 0) // 2**20} MB are left for the database", now)


def _look(tx: Tx, names: Sequence[str], channels: Sequence[str], now: float) -> None:
    """What the record tells, and which rounds have not gone well for long: a gap in hearing people."""
    watch.look(tx, now, channels)
    began = memo.get(tx, "rounds|began") or _begin(tx, now)
    gaps = []
    for name in names:
        if name.startswith(("missed|", "queue|")):
            last = memo.get(tx, f"round|{name}")
            if now - (began if last is None else last) > GAP:
                gaps.append(name)
    alerts.when(tx, bool(gaps), "rounds", f"not done for {GAP / 60:.0f} minutes: {', '.join(gaps)}", now)


GAP = 20 * 60.0
"""Seconds without a look at a provider's lists that are a gap (SAFETY O3)."""


def _begin(tx: Tx, now: float) -> float:
    memo.put(tx, "rounds|began", now, now)
    return now
