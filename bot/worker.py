"""The one that works through the record: lanes, every channel's pump, timers and the sweep."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from bot import meters, rounds, turn, upkeep
from bot.channels import Channel
from bot.house import House
from bot.lanes import Lanes
from bot.locks import AdvisoryLock, FileLock, Lock, while_held
from bot.logs import where
from bot.pump import LONGEST_SEND, Pump
from bot.record import DOWN, Record, Tx, libpq

log = structlog.get_logger()

TRIES = 3
"""How often a message is worked through before a person gets it instead."""

SWEEP = 2.0
"""Seconds between looks at the rows for lanes nobody woke."""

TICK = 1.0
"""Seconds between looks at the timers."""


class Worker:
    """One process's share of the work.

    On SQLite all of it stands behind a file lock, so a second process waits and takes over. On PostgreSQL lanes run
    in every worker, and each pump, the house's own work and what else only one may do (`alone`, by name; for ever)
    in whichever holds its lock.
    """

    def __init__(
        self,
        record: Record,
        lanes: Lanes,
        house: Callable[[], House],
        channels: Mapping[str, Channel],
        lock: Path | None,
        outside: Sequence[rounds.Round] = (),
        alone: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
    ) -> None:
        self.record, self.lanes, self.house, self.channels = record, lanes, house, channels
        self.pumps = {name: Pump(record, name, channel) for name, channel in channels.items()}
        self.leading = asyncio.Event()
        self._file = lock
        self._outside = outside
        self._alone = dict(alone or {})
        self._ahead: float | None = None  # what the clock shows, less the time that passes evenly
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Begin to work, where this is ours to do."""
        self._loop = asyncio.get_running_loop()
        if self._file is not None:
            self._spawn(while_held(FileLock(self._file), self._everything))
        else:
            await self._begin()
            self.record.lastly = {"outbox": self._hurry}
            for name, pump in self.pumps.items():
                self._spawn(while_held(self._lock(f"pump|{name}"), pump.run))
            self._spawn(while_held(self._lock("house"), self._housekeeping))
            for name, work in self._alone.items():
                self._spawn(while_held(self._lock(name), work))

    async def stop(self) -> None:
        """Finish what is under way; everything else stands in the record."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.lanes.stop()
        for channel in self.channels.values():
            await channel.close()

    def _lock(self, name: str) -> Lock:
        return AdvisoryLock(libpq(self.record.url), name)

    async def _begin(self) -> None:
        await self.lanes.start(self._work_off)
        self.record.taker = self._take_up
        await self.record.run(upkeep.schedule, time.time())
        self.leading.set()

    async def _everything(self) -> None:
        self.record.lastly = {"outbox": self._send_off}
        await self._begin()
        async with asyncio.TaskGroup() as together:  # if one of them cannot go on, none is left behind on its own
            for pump in self.pumps.values():
                together.create_task(pump.run())
            together.create_task(self._housekeeping())
            for work in self._alone.values():
                together.create_task(_awaited(work))

    async def _housekeeping(self) -> None:
        async with asyncio.TaskGroup() as together:
            together.create_task(_forever(SWEEP, self._sweep))
            together.create_task(_forever(TICK, self._timers))
            together.create_task(rounds.go(self.record, self._outside))

    async def _work_off(self, contact_id: str) -> None:
        """A lane: the contact's unread events, oldest first, one transaction each, until none is left."""
        failures = 0
        while True:
            try:
                with meters.stopwatch():
                    more = await self.record.run(turn.take, self.house(), contact_id, None, self._greet)
                if more != turn.MORE:
                    return
                failures = 0
            except DOWN as error:
                # the database, not the message: the sweep comes back to it
                log.error("turn.database", error=type(error).__name__)
                return
            except Exception as error:  # whatever a message did to us, the lane must go on
                failures += 1
                meters.FAILED_TURNS.inc()
                log.error("turn.failed", error=type(error).__name__, where=where(error), tries=failures)
                if failures >= TRIES:
                    await self.record.run(turn.give_up, self.house(), contact_id)
                    failures = 0

    def _take_up(self, tx: Tx, contact_id: str) -> bool:
        """Take a message's turn in the very transaction that keeps it; False when the lane has more to do."""
        with meters.stopwatch():
            return turn.take(tx, self.house(), contact_id, None, partial(self._greet_after, tx), False) != turn.MORE

    def _hurry(self, tx: Tx, channel: str) -> bool:
        """Where the channel's pump is this process's, nobody else needs to hear that there is something to send."""
        pump = self.pumps.get(channel)
        if pump is None or not pump.ours:
            return False
        tx.then(pump.hurry)
        return True

    def _send_off(self, tx: Tx, channel: str) -> bool:
        """Claim what a turn has to say in the transaction of that turn; False when its pump must come back for it."""
        return channel in self.pumps and not self.pumps[channel].claim(tx)

    def _greet_after(self, tx: Tx, channel: str, given: Mapping[str, str], answers: bool) -> None:
        """The answer goes out with the commit: nobody needs to be shown that we are writing."""
        tx.then(partial(self._greet, channel, given, False))

    def _greet(self, channel: str, given: Mapping[str, str], answers: bool) -> None:
        """Called from the record's thread as a message is taken up: acknowledge it on its channel."""
        there = self.channels.get(channel)
        if self._loop is not None and there is not None and (answers or there.owes(given)):
            self._loop.call_soon_threadsafe(self._spawn, there.courtesy(given, answers))

    async def _sweep(self) -> None:
        await self.lanes.sweep()
        for pump in self.pumps.values():
            await pump.reclaim(time.time() - LONGEST_SEND)

    async def _timers(self) -> None:
        """Also where the clock was set back, be it while we were away: what is due rests on it."""
        ahead = time.time() - time.monotonic()
        if self._ahead is None or ahead < self._ahead - upkeep.SLACK:
            await self.record.run(upkeep.set_right, list(self.channels), time.time())
        self._ahead = ahead
        await self.record.run(upkeep.ring, time.time())
        while await self._chore(time.time()):
            pass

    async def _chore(self, now: float) -> bool:
        try:
            return await self.record.run(upkeep.chore, now)
        except DOWN:
            raise
        except Exception as error:  # this one fails; the others, and people's timers, must not wait for it
            log.error("worker.chore", error=type(error).__name__, where=where(error))
            await self.record.run(upkeep.put_off, now)
            return True

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _awaited(work: Callable[[], Awaitable[None]]) -> None:
    await work()


async def _forever(every: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # one bad tick is not the last
            log.error("worker.tick", error=type(error).__name__, where=where(error))
        await asyncio.sleep(every)
