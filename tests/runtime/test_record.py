"""The record keeps what it promises: the pragmas hold, nothing is half written, no update is lost (SAFETY B4, B2)."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from bot import record as records
from bot.record import PRAGMAS, NotSafe, Record, Tx
from tests.installation import Home, only_postgres, only_sqlite


@only_sqlite  # what PostgreSQL does by itself, or by its own settings
@pytest.mark.parametrize("name", PRAGMAS)
def test_every_connection_keeps_its_pragma(home: Home, name: str) -> None:
    row = home.record.do(lambda tx: tx.connection.exec_driver_sql(f"PRAGMA {name}").fetchone())
    assert row is not None
    assert row[0] == PRAGMAS[name]


WEAKER = {"journal_mode": "delete", "synchronous": 1, "busy_timeout": 0, "foreign_keys": 0, "secure_delete": 0}


@pytest.mark.parametrize("name", PRAGMAS)
def test_a_database_that_keeps_another_value_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value we ask for does not take hold: as on a file system without WAL, or a build without the feature."""
    weaker = Record(f"sqlite:///{tmp_path}/weak.db")
    asked: dict[str, object] = {"statement": ""}

    class Stubborn:
        """A connection whose pragma stays where it was, whatever it is asked for."""

        def __init__(self, real: object) -> None:
            object.__setattr__(self, "real", real)

        def __getattr__(self, attribute: str) -> object:
            return getattr(self.real, attribute)

        def __setattr__(self, attribute: str, value: object) -> None:
            setattr(self.real, attribute, value)

        def execute(self, statement: str) -> object:
            asked["statement"] = statement
            stubborn = statement.replace(f"{name}={PRAGMAS[name]}", f"{name}={WEAKER[name]}")
            return self.real.execute(stubborn)

    real = records._prepare
    monkeypatch.setattr(records, "_prepare", lambda connection, entry: real(Stubborn(connection), entry))
    weaker.close()
    stubborn = Record(f"sqlite:///{tmp_path}/weak.db")
    with pytest.raises(NotSafe, match=name):
        stubborn.do(lambda tx: tx.one("SELECT 1"))
    stubborn.close()


def test_nothing_of_a_transaction_that_fails_is_kept(home: Home) -> None:
    before = home.count("audit")

    def half(tx: Tx) -> None:
        tx.run("INSERT INTO audit (at, actor, action) VALUES (1, 'house', 'half')")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        home.record.do(half)
    assert home.count("audit") == before


def test_what_a_session_changes_commits_with_the_statements_around_it(home: Home) -> None:
    from bot.models import Audit

    def both(tx: Tx, fail: bool) -> None:
        tx.run("INSERT INTO audit (at, actor, action) VALUES (1, 'house', 'statement')")
        tx.session.add(Audit(at=1, actor="house", action="session"))
        if fail:
            raise RuntimeError

    with pytest.raises(RuntimeError):
        home.record.do(both, fail=True)
    assert home.one("SELECT COUNT(*) AS n FROM audit WHERE at = 1")["n"] == 0
    home.record.do(both, fail=False)
    assert home.one("SELECT COUNT(*) AS n FROM audit WHERE at = 1")["n"] == 2


def test_no_update_is_lost_between_sixteen_writers(home: Home) -> None:
    """Read, then write what was read plus one: without BEGIN IMMEDIATE, or FOR UPDATE, nine in ten of these vanish."""
    home.run("INSERT INTO timer (kind, due_at) VALUES ('count', 0)")

    def one_more(tx: Tx) -> None:
        due = tx.one(f"SELECT due_at FROM timer WHERE kind = 'count'{tx.locking}")["due_at"]
        tx.run("UPDATE timer SET due_at = :due WHERE kind = 'count'", due=due + 1)

    other = Record(home.record.url)
    try:
        writers = [
            threading.Thread(target=lambda r=r: [r.do(one_more) for _ in range(25)]) for r in [home.record, other] * 8
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
    finally:
        other.close()
    assert home.one("SELECT due_at FROM timer WHERE kind = 'count'")["due_at"] == 400


@only_postgres  # a wake is a row here: the job that a worker of any process takes
def test_a_wake_is_seen_by_the_workers_only_after_the_commit(home: Home) -> None:
    def jobs() -> int:
        return int(home.one("SELECT COUNT(*) AS n FROM procrastinate_jobs WHERE lock = 'somebody'")["n"])

    def write(tx: Tx) -> None:
        tx.wake("somebody")
        assert jobs() == 0, "another connection sees nothing yet"

    def fails(tx: Tx) -> None:
        write(tx)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        home.record.do(fails)
    assert jobs() == 0
    home.record.do(write)
    assert jobs() == 1


@only_sqlite  # where a wake is a word within the process; on PostgreSQL it is a row
def test_a_wake_is_heard_only_after_the_commit(home: Home) -> None:
    """A lane that ran before its message was committed would find nothing, and nobody would come back for it."""
    seen: list[int] = []
    home.record.news.spread = lambda notices: notices and seen.append(home.count("audit"))  # type: ignore
    before = home.count("audit")

    def write(tx: Tx) -> None:
        tx.wake("somebody")
        tx.run("INSERT INTO audit (at, actor, action) VALUES (1, 'house', 'woken')")
        assert seen == []

    home.record.do(write)
    assert seen == [before + 1]

    def fails(tx: Tx) -> None:
        tx.wake("somebody")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        home.record.do(fails)
    assert len(seen) == 1
