"""Every contact's lane: their unread events worked through one at a time, on this machine or on any of many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import structlog

from bot.record import Record, Tx, libpq

log = structlog.get_logger()

Work = Callable[[str], Awaitable[None]]
"""Works off one contact's unread events until none is left."""

FORGOTTEN = 5.0
"""Seconds an event may lie unread before the sweep thinks nobody was woken."""

DEAD = 30.0
"""Seconds without a sign of life after which a worker is dead and its jobs are taken from it."""

LONGEST_LANE = 60.0
"""Seconds a lane's job may run."""

POLL = 0.25
"""Seconds between looks for jobs whose notice was lost."""

AT_ONCE = 20
"""Lanes one worker runs at a time."""


class Lanes(Protocol):
    """Where and when lanes run. Correctness rests on the rows: who forgets a wake costs time, not a message."""

    async def start(self, work: Work) -> None: ...
    async def stop(self) -> None: ...

    async def sweep(self) -> None:
        """Run the lanes of contacts with something unread that nobody is at."""


def lanes(record: Record) -> Lanes:
    return PostgresLanes(record) if record.postgres else LocalLanes(record)


class LocalLanes:
    """SQLite: tasks of this process. A wake during a run is remembered, never merged into it."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._again: dict[str, bool] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._work: Work | None = None
        self._unhear: Callable[[], None] = lambda: None

    async def start(self, work: Work) -> None:
        self._work = work
        self._unhear = self._record.news.hear("lane", self.wake)

    async def stop(self) -> None:
        self._unhear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def wake(self, contact_id: str) -> None:
        if contact_id in self._again:
            self._again[contact_id] = True
            return
        self._again[contact_id] = False
        self._spawn(self._run(contact_id))

    async def sweep(self) -> None:
        for contact_id in await self._record.run(_unread):
            self.wake(contact_id)

    async def _run(self, contact_id: str) -> None:
        try:
            again = self._work is not None
            while again and self._work is not None:
                self._again[contact_id] = False
                await self._work(contact_id)
                again = self._again[contact_id]
        finally:
            self._again.pop(contact_id, None)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class PostgresLanes:
    """PostgreSQL: jobs of Procrastinate, one a wake, locked by contact, deferred inside the waking transaction.

    One job a wake and never a merged one: a waiting job may run and end before the transaction that relied on it
    commits. A job whose worker died is finished, not retried: its twin waits behind it, or the sweep makes one.
    """

    TASK = "lane"

    def __init__(self, record: Record) -> None:
        self._record = record
        import procrastinate  # only who runs on PostgreSQL needs it, and its memory

        self._engine = procrastinate
        address = libpq(record.url)
        self._deferring = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=address))
        self._working = procrastinate.App(
            connector=procrastinate.PsycopgConnector(conninfo=address, min_size=1, max_size=4)
        )
        self._running: asyncio.Task[None] | None = None
        record.waker = self.wake

    def wake(self, tx: Tx, contact_id: str) -> None:
        job = self._deferring.configure_task(self.TASK, lock=contact_id, connection=tx.driver)
        try:
            job.defer(contact_id=contact_id)
        except self._engine.exceptions.ConnectorException as error:
            raise error.__cause__ or error from None  # the database's own word, which callers know

    async def start(self, work: Work) -> None:
        async def lane(contact_id: str) -> None:
            await work(contact_id)

        self._working.task(name=self.TASK)(lane)
        await self._working.open_async()
        self._running = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """The engine's worker, for ever: it ends at the first error of the database, and is begun again."""
        while True:
            try:
                await self._working.run_worker_async(
                    concurrency=AT_ONCE,
                    fetch_job_polling_interval=POLL,
                    delete_jobs="always",
                    install_signal_handlers=False,
                    shutdown_graceful_timeout=5,
                    update_heartbeat_interval=DEAD / 3,
                    stalled_worker_timeout=DEAD,
                )
            except Exception as error:
                log.error("lanes.worker_ended", error=type(error).__name__)
            await asyncio.sleep(POLL)

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            await self._working.close_async()

    async def sweep(self) -> None:
        if self._running is not None:
            await self._bury()
        await self._record.run(self._rouse)

    async def _bury(self) -> None:
        """Finish the jobs of workers that no longer give a sign of life, so that their lanes are free again."""
        manager = self._working.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=DEAD):
            await manager.finish_job(job, status=self._engine.jobs.Status.FAILED, delete_job=True)
        await self._record.run(_end_what_never_ends)

    def _rouse(self, tx: Tx) -> None:
        """A job for every contact with something unread and no job that waits; here, and only here, they merge."""
        rows = tx.all(
            "SELECT DISTINCT i.contact_id FROM inbox i WHERE i.done_at IS NULL AND i.contact_id IS NOT NULL "
            "AND i.received_at < EXTRACT(EPOCH FROM now()) - :old AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs j "
            "WHERE j.lock = i.contact_id AND j.status IN ('todo', 'doing')) LIMIT 500",
            old=FORGOTTEN,
        )
        for row in rows:
            self.wake(tx, row["contact_id"])


def _end_what_never_ends(tx: Tx) -> None:
    """A lane is a matter of moments: a job that runs for a minute lost the database before it could say it was done.

    Its worker lives, so nobody else ends it, and the contact's next job would wait behind it for ever. Ending one
    that does run after all costs nothing: a turn holds its conversation.
    """
    tx.run(
        "DELETE FROM procrastinate_jobs j WHERE j.status = 'doing' AND (SELECT MAX(e.at) FROM procrastinate_events e "
        "WHERE e.job_id = j.id AND e.type = 'started') < now() - make_interval(secs => :longest)",
        longest=LONGEST_LANE,
    )


def _unread(tx: Tx) -> list[str]:
    rows = tx.all("SELECT DISTINCT contact_id FROM inbox WHERE done_at IS NULL AND contact_id IS NOT NULL LIMIT 1000")
    return [row["contact_id"] for row in rows]
