"""Sending one channel's outbox: urgent first, each chat in order, never faster than the provider allows."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from functools import partial

import structlog

from bot import failpoints, meters, news, outbox
from bot.channels import Channel, Failed, Receipt
from bot.channels.hooks import Recounts
from bot.logs import where
from bot.record import DOWN, Record, Tx

log = structlog.get_logger()

IN_FLIGHT = 40
"""Sends under way at once."""

TICK = 1.0
"""Seconds a pump sleeps when nothing tells it of more."""

LONGEST_SEND = 60.0
"""Seconds after which an attempt without a receipt was interrupted; above every channel's own timeout."""

LOCAL = 1000
"""A channel that sends more than this a second has no provider: repeating what was in flight does no harm."""


SETTLES = 5
"""Tries to write a receipt down that fail for another reason than the database; then it stays uncertain."""

GRACE = 5.0
"""Seconds that sends under way may take to end when we are told to stop."""

AT_ONCE = 1.0
"""Seconds within which a second chat refused tells that all are: a limit of the bot's, not of one chat."""

STALE = 10.0
"""Seconds after which a claim no longer says who may speak: a machine that was put to sleep wakes up with it."""

BURST = 0.1
"""Seconds' worth of messages that may leave at once; keeps the number of transactions down."""


class Pump:
    """One in the whole system for each channel, so that its pace is one pace and every chat's order one order."""

    def __init__(self, record: Record, name: str, channel: Channel) -> None:
        self.record, self.name, self.channel = record, name, channel
        self._listed = isinstance(channel, Recounts)
        self._more = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None  # once this is the channel's pump
        self._sending: set[asyncio.Task[None]] = set()
        self._slot = 0.0  # when the channel may send again, by the monotonic clock
        self._lately: deque[float] = deque()  # when what was claimed in the last second was
        self._full_until = 0.0  # and when the first of it will be a second ago
        self._chats: dict[int, float] = {}  # when each chat may be written to again
        self._unheard: tuple[
            float, ...
        ] = ()  # a transaction, and when we claimed in it; until we hear it is committed
        self._busy: dict[int, tuple[float, float]] = {}  # chats refused just now: when, and for how long

    async def run(self) -> None:
        """Send for ever. What a pump before this one left in flight is settled first."""
        unhear = self.record.news.hear("outbox", self._hear)
        started: float | None = time.time()
        try:
            while True:
                self._more.clear()
                try:
                    if started is not None:
                        await self.reclaim(started)
                        started = None
                    more = await self._send_some()
                except Exception as error:  # a channel that stops sending because of one error helps nobody
                    level = log.error if isinstance(error, DOWN) else log.critical
                    level("outbox.not_claimed", channel=self.name, error=type(error).__name__, where=where(error))
                    more = False
                    self._more.clear()
                if not more:
                    await news.told(self._more, self._nap())
        finally:
            unhear()
            self._loop = None
            await self._finish()

    async def reclaim(self, before: float) -> None:
        """Settle attempts begun before a time (seconds since 1970) that never got a receipt."""
        here = self.channel.limits.per_second > LOCAL
        await self.record.run(outbox.reclaim, self.name, here, before, self._listed)

    @property
    def ours(self) -> bool:
        """Whether this process is the one that sends this channel's messages."""
        return self._loop is not None

    def hurry(self) -> None:
        """There is something to send; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._more.set)

    def _hear(self, channel: str) -> None:
        if channel == self.name:
            self._more.set()

    async def _send_some(self) -> bool:
        """Claim what may leave this moment and start sending it; True when there may be more.

        Nothing is claimed before its time: until then a case manager may still take the conversation over.
        """
        self._loop = asyncio.get_running_loop()
        if len(self._sending) >= IN_FLIGHT:
            await asyncio.wait(self._sending, return_when=asyncio.FIRST_COMPLETED)
        while (wait := max(self._slot, self._full_until) - time.monotonic()) > 0:  # noqa: ASYNC110 - it may have been put off meanwhile
            await asyncio.sleep(wait)
        return await self.record.run(self.claim)

    def claim(self, tx: Tx) -> bool:
        """Claim what may leave this moment; it is sent once that is committed. True when there may be more.

        Called from the thread that writes, by the pump itself or by the very transaction a message is written in.
        """
        began, at = time.monotonic(), time.time()
        room = self._room(began)
        if room <= 0 or self._loop is None:
            return True
        if self._unheard and self._unheard[0] != tx.transaction:
            for unheard in self._unheard[1:]:  # of a transaction that ended without a word
                outbox.unclaim(tx, self.name, unheard)
            self._unheard = ()
        # until it is committed: if never, nothing of it is sent; another claim may share this transaction
        self._unheard = (*(self._unheard or (tx.transaction,)), at)
        chats = {chat: free for chat, free in self._chats.items() if free > began}
        errands = outbox.claim(tx, self.name, room, at, frozenset(chats), self._listed)
        for errand in errands:
            self._slot = max(self._slot, began - BURST) + 1 / self.channel.limits.per_second
            self._lately.append(began)
            chats[errand.chat] = began + 1 / self.channel.limits.per_chat
        self._chats = chats  # a new one: the pump may be reading the old one
        tx.then(partial(self._claimed, errands, began))
        return len(errands) >= room

    def _room(self, now: float) -> int:
        """How many messages may leave now."""
        while self._lately and self._lately[0] <= now - 1:
            self._lately.popleft()
        left = max(1, int(self.channel.limits.per_second)) - len(self._lately)
        if left <= 0:  # a burst and a second's worth behind it would be more than the provider takes
            self._full_until = self._lately[0] + 1
        free = min(now - self._slot, BURST)
        slots = 0 if free < 0 else 1 + int(free * self.channel.limits.per_second)
        return min(IN_FLIGHT - len(self._sending), slots, left)

    def _claimed(self, errands: list[outbox.Errand], began: float) -> None:
        self._unheard = ()
        if errands and self._loop is not None:
            self._loop.call_soon_threadsafe(self._start, errands, began)

    def _start(self, errands: list[outbox.Errand], began: float) -> None:
        for errand in errands:
            task = asyncio.create_task(self._deliver(errand, began))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _nap(self) -> float:
        """Seconds until a chat that rests may be written to again, at most a tick."""
        now = time.monotonic()
        return max(0.001, min([TICK, *(free - now for free in self._chats.values())]))

    async def _deliver(self, errand: outbox.Errand, began: float) -> None:
        outcome: Receipt | Failed
        try:
            if time.monotonic() - began > STALE:
                raise Failed("not_sent", "late", wait=0)  # this process stood still: look again who has the word
            outcome = await self._send(errand)
        except Failed as failed:
            outcome = failed
            self._spare(errand.chat, failed)
            log.warning("outbox.failed", channel=self.name, outcome=failed.outcome, why=failed.why)
        meters.SENDS.labels(self.name, "sent" if isinstance(outcome, Receipt) else outcome.outcome).inc()
        await self._settle(errand, outcome)

    async def _send(self, errand: outbox.Errand) -> Receipt:
        try:
            if failpoints.on:
                failpoints.at("send.before")
            receipt = await self.channel.send(self.channel.write(errand.address, errand.spoken, errand.reference))
            if failpoints.on:
                failpoints.at("send.after")
            return receipt
        except Failed:
            raise
        except Exception as error:
            log.error("outbox.broken", channel=self.name, error=type(error).__name__, where=where(error))
            raise Failed("unknown", type(error).__name__) from None

    def _spare(self, chat: int, failed: Failed) -> None:
        """Obey a provider that says when to come back: one chat rests alone, two at once mean everybody."""
        if failed.wait is None or failed.outcome != "not_sent":
            return
        now = time.monotonic()
        self._busy = {other: busy for other, busy in self._busy.items() if busy[0] > now - AT_ONCE}
        self._busy[chat] = now, failed.wait
        if failed.everyone or len(self._busy) > 1:
            self._slot = max(self._slot, now + min(wait for _at, wait in self._busy.values()))

    async def _settle(self, errand: outbox.Errand, outcome: Receipt | Failed) -> None:
        """Write down what became of it, however long the database takes: forgotten, it would count as uncertain."""
        tries = 0
        while tries < SETTLES:
            try:
                await self.record.run_soon(outbox.settle, errand, outcome, self.name, None, self._listed)
                return
            except Exception as error:
                tries += not isinstance(error, DOWN)
                log.error("outbox.not_settled", channel=self.name, error=type(error).__name__, where=where(error))
                await asyncio.sleep(TICK)

    async def _finish(self) -> None:
        """Let what is under way end, within reason; what does not is uncertain."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=GRACE)
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
