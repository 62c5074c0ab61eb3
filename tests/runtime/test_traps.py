"""Traps of the databases and of the task engine that we met on the way, each one shut for good."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from bot import inbox, lanes, locks, outbox, pump, turn
from bot.channels import Incoming, Receipt, Spoken
from bot.lanes import PostgresLanes
from bot.locks import AdvisoryLock, FileLock
from bot.models import Service
from bot.record import Record, Tx, libpq
from flows.message import Message
from tests.installation import Home, only_postgres, only_sqlite

UNREAD = "SELECT id FROM inbox WHERE done_at IS NULL"


def jobs(home: Home, status: str | None = None) -> list[Any]:
    rows = home.all("SELECT id, lock, status FROM procrastinate_jobs ORDER BY id")
    return [row for row in rows if status in (None, row["status"])]


async def until(true: Callable[[], Any]) -> None:
    """The limit is for what never comes; a test passes as soon as it is there."""
    async with asyncio.timeout(30):
        while not true():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def engine(home: Home) -> Any:
    """The lanes alone, working off messages as a worker does."""
    await home.record.news.start()
    worker = home.puente.worker
    await worker.lanes.start(worker._work_off)
    try:
        yield worker.lanes
    finally:
        await worker.lanes.stop()
        await home.record.news.stop()


class TestAWakeIsNeverMerged:
    """Trap 1: a waiting job may run and end before the transaction that would have relied on it commits."""

    @only_postgres
    async def test_a_message_kept_while_the_job_before_it_runs(self, home: Home) -> None:
        ana = home.person()
        ana.write("hola", id="1")
        with home.record.transaction() as tx:  # the second message is written, not committed ...
            inbox.accept(tx, "web", Incoming("ana:2", "otra", Message(text="hola"), ("ana",)), home.now)
            ours = await asyncio.to_thread(self._run_what_waits, home)  # ... while the first one's job runs and ends
            assert ours == 1
        assert len(home.all(UNREAD)) == 1
        assert len(jobs(home, "todo")) == 1, "nobody would ever come for the second message"

    def _run_what_waits(self, home: Home) -> int:
        """What an engine does: the oldest waiting job, to its end. How many messages it took."""
        job = jobs(home, "todo")[0]
        taken = 0
        with psycopg.connect(libpq(home.record.url), autocommit=True) as other:
            other.execute("DELETE FROM procrastinate_jobs WHERE id = %s", (job["id"],))
        while home.record.do(turn.take, home.puente.house, job["lock"], home.now):
            taken += 1
            if not home.all("SELECT 1 AS x FROM inbox WHERE done_at IS NULL AND contact_id = :c", c=job["lock"]):
                break
        return taken

    @only_postgres
    def test_one_job_for_every_wake(self, home: Home) -> None:
        for number in range(3):
            home.person().write("hola", id=str(number))
        assert len(jobs(home)) == 3

    @only_sqlite
    async def test_a_wake_during_a_run_is_another_run(self, home: Home) -> None:
        begun, go_on, runs = asyncio.Event(), asyncio.Event(), []

        async def work(contact_id: str) -> None:
            runs.append(contact_id)
            begun.set()
            await go_on.wait()

        here = home.puente.worker.lanes
        await home.record.news.start()
        await here.start(work)
        home.record.do(Tx.wake, "x")
        await begun.wait()
        home.record.do(Tx.wake, "x")
        await asyncio.sleep(0)
        go_on.set()
        await until(lambda: len(runs) == 2)
        await here.stop()
        await home.record.news.stop()


class TestADeadWorkersJob:
    """Trap 2: retrying it while its twin waits raises, and blocks the lane; it is finished instead."""

    @only_postgres
    async def test_its_twin_goes_on(self, home: Home) -> None:
        ana = home.person()
        ana.write("hola", id="1")
        ana.write("español", id="2")
        home.run("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
        home.run(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT MAX(id) FROM procrastinate_workers) "
            "WHERE id = (SELECT MIN(id) FROM procrastinate_jobs)"
        )
        async with engine(home) as here:
            await here.sweep()
            await until(lambda: not home.all(UNREAD))
            await until(lambda: not jobs(home))

    @only_postgres
    async def test_a_job_that_lost_the_database_before_it_could_say_so(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its worker lives, so nobody else ends it."""
        monkeypatch.setattr(lanes, "LONGEST_LANE", 0.0)
        home.person().write("hola", id="1")
        home.run("INSERT INTO procrastinate_workers DEFAULT VALUES")
        home.run(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT MAX(id) FROM procrastinate_workers)"
        )
        home.run("INSERT INTO procrastinate_events (job_id, type) SELECT id, 'started' FROM procrastinate_jobs")
        home.record.do(lanes._end_what_never_ends)
        assert not jobs(home)


@only_postgres
def test_no_job_for_a_recipient(home: Home) -> None:
    """Trap 3: thousands of jobs deferred in bulk crawl until ANALYZE; outbound messages are rows."""
    people = [home.person(f"p{number}") for number in range(20)]
    for person in people:
        person.write("hola")
    before = len(jobs(home))

    def tell_everybody(tx: Tx) -> None:
        for row in tx.all("SELECT id, contact_id FROM address"):
            outbox.put(tx, row["contact_id"], row["id"], "web", [Spoken("feria")], epoch=0, lane=outbox.BROADCAST)

    home.record.do(tell_everybody)
    assert home.count("outbox") == 20
    assert len(jobs(home)) == before


@only_postgres
async def test_a_wake_whose_notice_was_lost_is_found_soon(home: Home) -> None:
    """Trap 4: by itself the engine looks every five seconds; we have it look every quarter of one."""
    home.run("ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER")
    asked: dict[str, Any] = {}
    here = home.puente.worker.lanes
    assert isinstance(here, PostgresLanes)
    real = here._working.run_worker_async

    async def seen(**given: Any) -> None:
        asked.update(given)
        await real(**given)

    here._working.run_worker_async = seen  # type: ignore[method-assign]
    async with engine(home):
        await until(lambda: asked)
        home.person().write("hola", id="1")
        await until(lambda: not home.all(UNREAD))
    assert asked["fetch_job_polling_interval"] <= 0.25


class TestThePace:
    """Trap 5: a pacer that waits for the database makes 40 a second of 80, one that saves up sends 159 in a second."""

    @pytest.mark.parametrize("rate", [80, 25])
    def test_neither_slower_nor_faster(self, home: Home, rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Five seconds of a clock of our own, in which every transaction takes a twentieth of one."""
        clock = SimpleNamespace(now=1000.0)
        monkeypatch.setattr(pump, "time", SimpleNamespace(monotonic=lambda: clock.now, time=time.time))
        self._fill(home, rate * 6)
        limits = home.puente.channels["web"].limits._replace(per_second=rate, per_chat=1e6)
        here = pump.Pump(home.record, "web", SimpleNamespace(limits=limits))  # type: ignore[arg-type]
        sent: list[float] = []

        def start(work: Callable[..., None], errands: list[outbox.Errand], began: float) -> None:
            sent.extend(clock.now for _ in errands)

        here._loop = SimpleNamespace(call_soon_threadsafe=start)  # type: ignore[assignment]
        while clock.now < 1005:
            clock.now = max(clock.now, here._slot, here._full_until)
            home.record.do(here.claim)
            home.run("UPDATE outbox SET state = 'sent' WHERE state = 'claimed'")
            clock.now += 0.05
        sent = [at for at in sent if at < 1005]
        assert len(sent) >= 0.98 * rate * 5
        busiest = max(sum(first <= at < first + 1 for at in sent) for first in sent)
        assert busiest <= rate + 1

    def _fill(self, home: Home, messages: int) -> None:
        """So many people with a message each."""

        def write(tx: Tx) -> None:
            for number in range(messages):
                inbox.accept(tx, "web", Incoming(f"{number}:1", f"p{number}", Message(text="hola")))
            for row in tx.all("SELECT id, contact_id FROM address"):
                outbox.put(tx, row["contact_id"], row["id"], "web", [Spoken("hola")], epoch=0)

        home.record.do(write)


class TestAChatInFlight:
    """Trap 6: who is busy must be known before the question who has something to send, or order is lost."""

    def _two_messages(self, home: Home) -> None:
        ana = home.person()
        ana.write("hola")
        row = home.one("SELECT id, contact_id FROM address")
        said = [Spoken("uno"), Spoken("dos")]
        home.record.do(outbox.put, row["contact_id"], row["id"], "web", said, epoch=0)

    def test_the_next_one_waits_for_the_receipt(self, home: Home) -> None:
        self._two_messages(home)
        (first,) = home.record.do(outbox.claim, "web", 10)
        assert home.record.do(outbox.claim, "web", 10) == []
        home.record.do(outbox.settle, first, Receipt("r1"), "web")
        (second,) = home.record.do(outbox.claim, "web", 10)
        assert (first.spoken.text, second.spoken.text) == ("uno", "dos")

    @only_postgres
    def test_two_senders_never_have_the_same_chat(self, home: Home) -> None:
        """Even where two pumps meet, as while a lock changes hands."""
        self._two_messages(home)
        found: list[list[outbox.Errand]] = []
        with home.record.transaction() as tx:
            found.append(outbox.claim(tx, "web", 10))
            other = threading.Thread(target=lambda: found.append(self._claimed_beside(home)))
            other.start()
            other.join(1.0)  # it waits for our row, or finds nothing
        other.join()
        assert [errand.spoken.text for errands in found for errand in errands] == ["uno"]

    def _claimed_beside(self, home: Home) -> list[outbox.Errand]:
        return home.record.do(outbox.claim, "web", 10)


@pytest.mark.parametrize("through", ["statements", "session"])
async def test_what_fails_beside_others_is_undone_alone(home: Home, through: str) -> None:
    """Trap 7: SQLAlchemy sends no SAVEPOINT until its connection is asked for inside it; ours is there before."""

    names = ("a", "b", "c")

    def write(tx: Tx, name: str) -> None:
        id = tx.all("SELECT id FROM service ORDER BY id LIMIT 3")[names.index(name)]["id"]
        if through == "session":
            service = tx.session.get(Service, id)
            assert service is not None
            service.topic = name
            tx.session.add(service)
            tx.session.flush()
        else:
            tx.run("UPDATE service SET topic = :name WHERE id = :id", name=name, id=id)
        if name == "b":
            raise ValueError(name)

    pieces = [home.record.run(write, name) for name in names]
    outcomes = await asyncio.gather(*pieces, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None)]
    topics = [row["topic"] for row in home.all("SELECT topic FROM service ORDER BY id LIMIT 3")]
    assert (topics[0], topics[2]) == ("a", "c")
    assert topics[1] != "b"


class TestTheLock:
    """Trap 8: it needs a connection of its own, and dies with it: not with a pool's, nor with a transaction."""

    @only_postgres
    async def test_it_passes_on_when_its_connection_dies(self, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(locks, "PATIENCE", 0.01)
        monkeypatch.setattr(locks, "ALIVE", 0.01)
        address = libpq(home.record.url)
        first, second = AdvisoryLock(address, "pump|web"), AdvisoryLock(address, "pump|web")
        await first.take()
        home.record.engine.dispose()  # the pool of the transactions has no part in it
        waiting = asyncio.ensure_future(second.take())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        assert first._connection is not None
        pid = first._connection.info.backend_pid
        home.run("SELECT pg_terminate_backend(:pid)", pid=pid)
        async with asyncio.timeout(30):
            await first.lost()
            await waiting
        await first.drop()
        await second.drop()

    @only_sqlite
    async def test_it_passes_on_when_its_file_is_closed(
        self, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(locks, "PATIENCE", 0.01)
        first, second = FileLock(tmp_path / "lock"), FileLock(tmp_path / "lock")
        await first.take()
        waiting = asyncio.ensure_future(second.take())
        await asyncio.sleep(0.1)
        assert not waiting.done()
        await first.drop()
        async with asyncio.timeout(30):
            await waiting
        await second.drop()

    @only_postgres
    async def test_what_is_told_is_heard_by_another_process_after_the_commit(self, home: Home) -> None:
        heard: list[str] = []
        other = Record(home.record.url)
        other.news.hear("outbox", heard.append)
        await other.news.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(30):
                while not heard:  # until it listens
                    home.record.do(lambda tx: tx.tell("outbox", "web"))
                    await asyncio.sleep(0.05)
        heard.clear()
        with pytest.raises(ValueError, match="undone"), home.record.transaction() as tx:
            tx.tell("outbox", "of something undone")
            raise ValueError("undone")
        home.record.do(lambda tx: tx.tell("outbox", "kept"))
        await until(lambda: "kept" in heard)
        assert "of something undone" not in heard
        await other.news.stop()
        other.close()


@only_postgres
def test_transactions_one_after_another_share_a_connection(home: Home) -> None:
    """Taken in turn, every process has all of its connections open, and warms each one's statements anew."""
    assert len({home.one("SELECT pg_backend_pid() AS pid")["pid"] for _transaction in range(20)}) == 1


async def test_a_transaction_is_one_hop_to_another_thread(home: Home) -> None:
    """Trap 9: a hop for every statement costs half as much again; here all of one transaction is one thread's."""
    threads: list[int] = []

    def work(tx: Tx) -> int:
        for _statement in range(5):
            tx.one("SELECT 1 AS one")
            threads.append(threading.get_ident())
        return 5

    loop = asyncio.get_running_loop()
    hops: list[Any] = []
    real = loop.call_soon_threadsafe
    loop.call_soon_threadsafe = lambda *given, **more: (hops.append(given), real(*given, **more))[1]  # type: ignore[method-assign,assignment]
    assert await home.record.run(work) == 5
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()
    assert len(hops) == 1
