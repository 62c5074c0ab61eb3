"""Sending one channel's outbox: urgent first, each chat in order, never faster than the provider allows."""

from __future__ import annotations

import asyncio
import contextlib
import time

import structlog
from sqlalchemy.exc import DBAPIError

from bot import outbox
from bot.channels import Channel, Failed, Receipt
from bot.logs import where
from bot.record import Record

log = structlog.get_logger()

IN_FLIGHT = 40
"""Sends under way at once."""

TICK = 1.0
"""Seconds a pump sleeps when nothing tells it of more."""

LONGEST_SEND = 60.0
"""Seconds after which an attempt without a receipt was interrupted; above every channel's own timeout."""

LOCAL = 1000
"""A channel that sends more than this a second has no provider: repeating what was in flight does no harm."""


class Pump:
    """One in the whole system for each channel, so that its pace is one pace and every chat's order one order."""

    def __init__(self, record: Record, name: str, channel: Channel) -> None:
        self.record, self.name, self.channel = record, name, channel
        self._more = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._slot = 0.0
        self._chats: dict[int, float] = {}

    async def run(self) -> None:
        """Send for ever. What a pump before this one left in flight is settled first."""
        unhear = self.record.news.hear("outbox", self._hear)
        await self.reclaim(time.time())
        try:
            while True:
                self._more.clear()
                if not await self._send_some():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._more.wait(), TICK)
        finally:
            unhear()
            for task in self._sending:
                task.cancel()
            await asyncio.gather(*self._sending, return_exceptions=True)

    async def reclaim(self, before: float) -> None:
        """Settle attempts begun before a time (seconds since 1970) that never got a receipt."""
        await self.record.run(outbox.reclaim, self.name, self.channel.limits.per_second > LOCAL, before)

    def _hear(self, channel: str) -> None:
        if channel == self.name:
            self._more.set()

    async def _send_some(self) -> bool:
        room = IN_FLIGHT - len(self._sending)
        if room <= 0:
            await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
            return True
        try:
            errands = await self.record.run(outbox.claim, self.name, room)
        except DBAPIError as error:
            log.error("outbox.database", channel=self.name, error=type(error.orig).__name__)
            return False
        for errand in errands:
            task = asyncio.create_task(self._deliver(errand))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return bool(errands)

    async def _deliver(self, errand: outbox.Errand) -> None:
        await self._pace(errand.chat)
        outcome: Receipt | Failed
        try:
            outcome = await self._send(errand)
        except Failed as failed:
            outcome = failed
            if failed.wait is not None and failed.outcome == "not_sent":
                self._slot = max(self._slot, time.monotonic() + failed.wait)
            log.warning("outbox.failed", channel=self.name, outcome=failed.outcome, why=failed.why)
        await self.record.run(outbox.settle, errand, outcome, self.name)
        self._more.set()

    async def _send(self, errand: outbox.Errand) -> Receipt:
        try:
            return await self.channel.send(self.channel.write(errand.address, errand.spoken, errand.reference))
        except Failed:
            raise
        except Exception as error:
            log.error("outbox.broken", channel=self.name, error=type(error).__name__, where=where(error))
            raise Failed("unknown", type(error).__name__) from None

    async def _pace(self, chat: int) -> None:
        """Wait for a slot: at most `per_second` in all and `per_chat` to one chat."""
        limits, now = self.channel.limits, time.monotonic()
        at = max(now, self._slot, self._chats.get(chat, 0.0))
        self._slot = max(self._slot, now) + 1 / limits.per_second
        self._chats[chat] = at + 1 / limits.per_chat
        if len(self._chats) > 10_000:
            self._chats = {key: free for key, free in self._chats.items() if free > now}
        if at > now:
            await asyncio.sleep(at - now)
