"""A first start and an upgrade cut off at every statement they make: the next start must find or make the whole house."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from alembic import command
from sqlalchemy import inspect

from bot import failpoints, inbox, knowledge, service, settings
from bot.models.migrate import _config
from bot.record import Record
from tests.faults.kept import remember, remembered
from tests.faults.product import Databases, databases
from tests.faults.sweep import ACTIONS, apart

PEOPLE = 20
"""Contacts in the database that is upgraded."""

FIRST = "0001"
"""The first release's tables, from which it is upgraded."""

PLACES = ("migration", "statement", "commit")


class Start(NamedTuple):
    """A start of an `empty` database or of an `old` one, and where, how, and at which passing it is cut off."""

    kind: str
    house: str
    place: str
    action: str
    n: int

    def __str__(self) -> str:
        return ":".join(map(str, self))


class Starts:
    """All starts of one kind of database."""

    def __init__(self, bases: Databases) -> None:
        self.bases = bases
        self._old = bases.bare()
        self._first_release(self._old)
        whole = bases.bare()
        assert apart(lambda: self._start(whole)) == 0
        self.whole = look(whole)

    def cases(self, dice: random.Random) -> list[Start]:
        found = [
            Start(self.bases.kind, house, place, action, n)
            for house in ("empty", "old")
            for place, passings in self._passings(house).items()
            for n in range(1, passings + 1)
            for action in ACTIONS
        ]
        dice.shuffle(found)
        first = {(one.house, one.place): one for one in reversed(found)}
        return [*first.values(), *(one for one in found if first[one.house, one.place] is not one)]

    def run(self, case: Start) -> list[str]:
        """Cut one start off; what is wrong after the next two."""
        url = self._fresh(case.house)
        try:
            ended = apart(lambda: self._cut_off(url, case))
            found = [] if ended in (0, -signal.SIGKILL) else ["the fault was not met, or not passed on"]
            for time_ in ("a second", "a third"):
                if apart(lambda: self._start(url)):
                    return [*found, f"it did not start {time_} time"]
            there = look(url)
            people = PEOPLE if case.house == "old" else 0
            should = self.whole | {"contact": people}
            return found + [f"{name}: {there[name]} instead of {should[name]}" for name in there
                            if there[name] != should[name]]  # fmt: skip
        finally:
            self.bases.drop(url)

    def _fresh(self, house: str) -> str:
        return self.bases.bare(self._old if house == "old" else None)

    def _passings(self, house: str) -> dict[str, int]:
        """How often a start passes each place; counted in a process of its own."""
        url, told = self._fresh(house), self.bases.folder / f"passings-{house}.jsonl"

        def counting() -> None:
            failpoints.clear()
            failpoints.count()
            self._start(url)
            remember(told, **failpoints.count())

        assert apart(counting) == 0
        self.bases.drop(url)
        counted = remembered(told)[-1]
        assert all(counted.get(place) for place in PLACES), f"a start passes only {counted}"
        return {place: counted[place] for place in PLACES}

    def _cut_off(self, url: str, case: Start) -> None:
        failpoints.clear()
        failpoints.arm(case.place, case.action, case.n)
        try:
            self._start(url)
        except Exception:
            assert not failpoints.armed()
        else:
            raise AssertionError("it started as if nothing had happened")

    def _start(self, url: str) -> None:
        service.prepare(settings.load(database_url=url, puente_keys=self.bases.keys)).close()

    def _first_release(self, url: str) -> None:
        """A database with people in it, at the tables of the first release."""
        record = Record(url)
        with record.engine.begin() as connection:
            command.upgrade(_config(connection), FIRST)
        for number in range(PEOPLE):
            record.do(lambda tx, who=f"{number:032x}": tx.run(inbox.ADD_CONTACT, id=who, at=0.0, no=False))
        record.close()


def look(url: str) -> dict[str, Any]:
    """What a whole house has: its tables with their columns, its directory, its demo world, and people."""
    record = Record(url)
    with record.engine.connect() as connection:
        seen = inspect(connection)
        names = sorted(seen.get_table_names())
        found: dict[str, Any] = {
            "tables": {name: sorted(column["name"] for column in seen.get_columns(name)) for name in names},
            "indexes": {name: sorted(str(index["name"]) for index in seen.get_indexes(name)) for name in names},
        }
    for name in ("service", "office", "staff", "vacancy", "fair", "alembic_version", "contact"):
        found[name] = record.do(lambda tx, name=name: tx.one(f"SELECT COUNT(*) AS n FROM {name}")["n"])
    record.close()
    return found


def run(
    kinds: list[str], folder: Path, seed: int, until: float, case: str | None = None, most: int | None = None
) -> Iterator[str]:
    """Every start in a random order until the time is up; those of an earlier run in this folder are not repeated."""
    folder.mkdir(parents=True, exist_ok=True)
    knowledge.places()  # read once, before processes fork
    with databases(kinds, folder) as all_of_them:
        share = (until - time.monotonic()) / max(1, len(all_of_them))
        for bases in all_of_them:
            starts = Starts(bases)
            kept = folder / f"{bases.kind}.jsonl"
            done = {row["case"]: row for row in remembered(kept)} if case is None else {}
            cases = starts.cases(random.Random(seed))
            end = time.monotonic() + share
            for one in cases:
                if str(one) in done or case not in (None, str(one)):
                    continue
                if case is None and done and (time.monotonic() > end or len(done) == most):
                    break
                row = {"case": str(one), "wrong": starts.run(one)}
                done[str(one)] = row
                if case is None:
                    remember(kept, **row)
                if row["wrong"]:
                    yield f"  {row['wrong']}"
                    yield f"  replay: python -m tests.faults migration --on {bases.kind} --case {one}"
            bad = sum(bool(row["wrong"]) for row in done.values())
            yield (
                f"{'PASS' if done and not bad else 'FAIL'} migration {bases.kind}: {len(done)} of {len(cases)} starts, "
                f"first ones and upgrades, cut off in the middle and begun again: {bad} not whole afterwards"
            )
