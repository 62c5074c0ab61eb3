"""The one that works through the record: every contact's lane, every channel's outbox, every timer that is due."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from bot import outbox, turn, upkeep
from bot.channels import Channel, Failed, Receipt
from bot.house import House
from bot.record import Record

log = structlog.get_logger()

TRIES = 3
"""How often a message is worked through before a person gets it instead."""

SWEEP = 2.0
"""Seconds between looks at the rows for lanes nobody woke."""

TICK = 1.0
"""Seconds between looks at the timers, and the longest a pump sleeps."""

IN_FLIGHT = 40
"""Sends of one channel under way at once."""

LONGEST_SEND = 60.0
"""Seconds after which an attempt without a receipt was interrupted; above every channel's own timeout."""


class Worker:
    """Lanes, pumps, timers and the sweep of one process. On SQLite a second process waits behind a file lock."""

    def __init__(
        self, record: Record, house: Callable[[], House], channels: Mapping[str, Channel], lock: Path | None
    ) -> None:
        self.record, self.house, self.channels, self.lock = record, house, channels, lock
        self.pumps = {name: Pump(record, name, channel) for name, channel in channels.items()}
        self._lanes: dict[str, bool] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock_file: Any = None
        self.leading = asyncio.Event()

    async def start(self) -> None:
        """Begin to work, as soon as no other process of this database does."""
        self._loop = asyncio.get_running_loop()
        self.record.on_wake = self._wake_from_anywhere
        self._spawn(self._lead())

    async def stop(self) -> None:
        """Finish what is under way; everything else stands in the record."""
        self.record.on_wake = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for channel in self.channels.values():
            await channel.close()
        if self._lock_file is not None:
            self._lock_file.close()

    def wake(self, contact_id: str) -> None:
        """Run this contact's lane; a wake during a run is remembered, never merged into it."""
        if not self.leading.is_set():
            return
        if contact_id in self._lanes:
            self._lanes[contact_id] = True
            return
        self._lanes[contact_id] = False
        self._spawn(self._run_lane(contact_id))

    async def _lead(self) -> None:
        await self._take_lock()
        for name, pump in self.pumps.items():
            await self.record.run(outbox.reclaim, name, pump.channel.limits.per_second > 1000, time.time())
        self.leading.set()
        await self.record.run(upkeep.schedule, time.time())
        for pump in self.pumps.values():
            self._spawn(pump.run())
        self._spawn(self._forever(SWEEP, self._sweep))
        self._spawn(self._forever(TICK, self._timers))

    async def _take_lock(self) -> None:
        if self.lock is None:
            return
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        self._lock_file = self.lock.open("w")  # noqa: ASYNC230 - opened once, at start
        while True:
            try:
                fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                await asyncio.sleep(0.5)

    async def _run_lane(self, contact_id: str) -> None:
        try:
            again = True
            while again:
                self._lanes[contact_id] = False
                await self._work_off(contact_id)
                again = self._lanes[contact_id]
        finally:
            self._lanes.pop(contact_id, None)

    async def _work_off(self, contact_id: str) -> None:
        failures = 0
        while True:
            try:
                more = await self.record.run(turn.take, self.house(), contact_id, None, self._greet)
                failures = 0
                if not more:
                    return
                self._nudge()
            except DBAPIError as error:
                # the database, not the message: the sweep comes back to it
                log.error("turn.database", error=type(error.orig).__name__)
                return
            except Exception as error:  # whatever a message did to us, the lane must go on
                failures += 1
                log.error("turn.failed", error=type(error).__name__, where=_where(error), tries=failures)
                if failures >= TRIES:
                    await self.record.run(turn.give_up, self.house(), contact_id)
                    failures = 0
                    self._nudge()

    def _greet(self, channel: str, given: Mapping[str, str]) -> None:
        """Called from the record's thread as a message is taken up: acknowledge it on its channel."""
        if self._loop is not None and channel in self.channels and given:
            self._loop.call_soon_threadsafe(self._spawn, self.channels[channel].courtesy(given))

    def _nudge(self) -> None:
        for pump in self.pumps.values():
            pump.nudge()

    async def _sweep(self) -> None:
        for contact_id in await self.record.run(upkeep.unread):
            self.wake(contact_id)
        before = time.time() - LONGEST_SEND
        for name, pump in self.pumps.items():
            await self.record.run(outbox.reclaim, name, pump.channel.limits.per_second > 1000, before)
            pump.nudge()

    async def _timers(self) -> None:
        await self.record.run(upkeep.ring, time.time())

    async def _forever(self, every: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await work()
            except Exception as error:  # one bad tick is not the last
                log.error("worker.tick", error=type(error).__name__, where=_where(error))
            await asyncio.sleep(every)

    def _wake_from_anywhere(self, contact_id: str) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.wake, contact_id)
            self._loop.call_soon_threadsafe(self._nudge)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Pump:
    """Sends one channel's outbox: urgent first, each chat in order, never faster than the provider allows."""

    def __init__(self, record: Record, name: str, channel: Channel) -> None:
        self.record, self.name, self.channel = record, name, channel
        self._more = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()
        self._slot = 0.0
        self._chats: dict[int, float] = {}

    def nudge(self) -> None:
        self._more.set()

    async def run(self) -> None:
        try:
            while True:
                self._more.clear()
                if not await self._send_some():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._more.wait(), TICK)
        finally:
            for task in self._sending:
                task.cancel()
            await asyncio.gather(*self._sending, return_exceptions=True)

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
        self.nudge()

    async def _send(self, errand: outbox.Errand) -> Receipt:
        try:
            return await self.channel.send(self.channel.write(errand.address, errand.spoken, errand.reference))
        except Failed:
            raise
        except Exception as error:
            log.error("outbox.broken", channel=self.name, error=type(error).__name__, where=_where(error))
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


def _where(error: BaseException) -> str:
    """The line of our code that failed; never the message, which may quote what a person wrote."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
