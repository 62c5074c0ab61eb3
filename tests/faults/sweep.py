"""Fails the n-th statement, commit and socket write of one full conversation, for every n, in every way, and judges.

Every case is a process of its own that may really be killed; another one then goes on from the database alone.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import httpcore

from bot import failpoints
from tests.faults.kept import remember, remembered
from tests.faults.product import Databases, Product, databases, warm
from tests.faults.story import SHORT, STORY, Step, Teller
from tests.faults.vendors import Vendors, shown
from tests.oracle import CASES, Expected, Verdict, deeds, judge, phones

ACTIONS = ("kill", "raise", "full", "locked", "drop")
AFTER = ("kill", "raise")
WRITES = ("kill_before", "kill_after", "raise_before", "drop_after", "refuse_before")
EVERY = {"statement": ACTIONS, "commit": ACTIONS, "committed": AFTER, "write": WRITES}
"""Swept at every passing; `write` is one on a vendor's socket."""

NAMED = tuple(place for place in failpoints.PLACES if place not in (*EVERY, "migration"))
"""What lies between two statements: at the first, the middle and the last passing. `migration` has its own harness."""


class Case(NamedTuple):
    """Where it fails, how, and the how-manieth time."""

    kind: str
    place: str
    action: str
    n: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.place}:{self.action}:{self.n}"


@dataclass
class Result:
    """What became of one case: whether the fault was met at all, and the verdict."""

    met: bool
    verdict: Verdict


class Cable(httpcore.AsyncNetworkStream):
    """A connection whose n-th write, counted over all of them, goes wrong."""

    def __init__(self, real: Any, wires: Wires) -> None:
        self._real, self._wires = real, wires
        self._cut = False

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._wires.written += 1
        fault = self._wires.fault if self._wires.written == self._wires.at else ""
        if fault == "kill_before":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "raise_before":
            raise httpcore.WriteError("cut before a byte")
        await self._real.write(buffer, timeout)
        if fault == "kill_after":
            # what is written is the vendor's: wait until it is taken, then die before the answer is read
            await asyncio.sleep(0.05)
            os.kill(os.getpid(), signal.SIGKILL)
        self._cut = fault == "drop_after"

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._cut:
            await asyncio.sleep(0.05)
            raise httpcore.ReadError("cut before the answer")
        return bytes(await self._real.read(max_bytes, timeout))

    async def aclose(self) -> None:
        await self._real.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._real.get_extra_info(info)

    async def start_tls(self, *given: Any, **more: Any) -> Any:
        return await self._real.start_tls(*given, **more)


class Wires(httpcore.AsyncNetworkBackend):
    """Every connection of a product's HTTP clients; counts what is written on them."""

    def __init__(self, real: Any, fault: str = "", at: int = 0) -> None:
        self._real, self.fault, self.at, self.written = real, fault, at, 0

    async def connect_tcp(self, *given: Any, **more: Any) -> Any:
        if self.fault == "refuse_before" and self.written + 1 == self.at:
            self.fault = ""
            raise httpcore.ConnectError("nobody there")
        return Cable(await self._real.connect_tcp(*given, **more), self)

    async def connect_unix_socket(self, *given: Any, **more: Any) -> Any:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        await self._real.sleep(seconds)


def wire(product: Product, fault: str = "", at: int = 0) -> Wires:
    """Put the wires of a product into our hands."""
    channels: Any = product.puente.channels
    pools = [
        channels["telegram"]._sending._client._transport._pool,
        channels["whatsapp"]._wire._http._transport._pool,
    ]
    wires = Wires(pools[0]._network_backend, fault, at)
    for pool in pools:
        pool._network_backend = wires
    return wires


class Sweep:
    """All cases of one kind of database."""

    def __init__(self, bases: Databases, vendors: Vendors, folder: Path, story: tuple[Step, ...] = STORY) -> None:
        self.bases, self.vendors, self.folder, self.story = bases, vendors, folder, story
        self._numbers = itertools.count(1 + (0 if bases.kind == "sqlite" else 500_000))
        self.expected = Expected()
        self.counts: Counter[str] = Counter()
        self._taken = {name: len(rows) for name, rows in vendors.taken().items()}

    def measure(self) -> None:
        """Tell the story once without a fault: what is to be expected, and how many times it can fail."""
        told = self._run(None)
        self.expected = Expected(
            {(channel, who): texts for channel, who, texts in told["phones"]}, Counter(told["deeds"]), told["cases"]
        )
        self.counts = Counter(told["counts"])

    def cases(self, dice: random.Random) -> list[Case]:
        """Every one in a random order, but every place once before any comes again."""
        kind = self.bases.kind
        found = [
            Case(kind, place, action, n)
            for place, actions in EVERY.items()
            for action in actions
            for n in range(1, self.counts[place] + 1)
        ]
        found += [
            Case(kind, place, action, n)
            for place in NAMED
            for action in ACTIONS
            for n in sorted({1, self.counts[place] // 2 + 1, self.counts[place]})
            if n <= self.counts[place]
        ]
        dice.shuffle(found)
        first = {case.place: case for case in reversed(found)}
        return [*first.values(), *(case for case in found if first[case.place] is not case)]

    def run(self, case: Case) -> Result:
        """One case in its own process, gone on with in another if it died."""
        told = self._run(case)
        return Result(told["met"], Verdict(**told["verdict"]))

    def _run(self, case: Case | None) -> dict[str, Any]:
        number = next(self._numbers)
        url = self.bases.fresh()
        since = dict(self._taken)
        answer = self.folder / f"answer-{number}.jsonl"
        try:
            first = apart(lambda: asyncio.run(self._tell(url, number, since, case, answer)))
            if first == -signal.SIGKILL:
                second = apart(lambda: asyncio.run(self._tell(url, number, since, None, answer, case)))
                assert second == 0, f"{case}: it did not come back ({second})"
            else:
                assert first == 0, f"{case}: it ended with {first}"
            return remembered(answer)[-1]
        finally:
            for name, rows in self.vendors.taken(since).items():
                self._taken[name] += len(rows)
            self.bases.drop(url)
            for left in self.folder.glob(f"*{number}.jsonl"):
                left.unlink()

    async def _tell(
        self,
        url: str,
        number: int,
        since: dict[str, int],
        case: Case | None,
        answer: Path,
        died_of: Case | None = None,
    ) -> None:
        product = Product(url, self.bases, self.vendors)
        teller = Teller(product, number, self.folder, self.story, since)
        wires = wire(product, case.action, case.n) if case and case.place == "write" else wire(product)
        failpoints.clear()
        counted = failpoints.count()
        if case is not None and case.place != "write":
            failpoints.arm(case.place, case.action, case.n)
        await product.start()
        await teller.tell()
        met = not failpoints.armed() and (wires.written >= wires.at)
        counted = failpoints.count()
        failpoints.clear()
        await product.recover()
        seen = shown(self.vendors.taken(since))
        if case is None and died_of is None:
            found = await product.record.run(lambda tx: (deeds(tx), tx.one(CASES)["n"]))
            remember(
                answer,
                phones=[[*_relative(phone, number), texts] for phone, texts in phones(seen).items()],
                deeds=dict(found[0]),
                cases=found[1],
                counts=dict(counted) | {"write": wires.written},
            )
        else:
            here = Expected(
                {_absolute(phone, number): texts for phone, texts in self.expected.phones.items()},
                self.expected.deeds,
                self.expected.cases,
            )
            verdict = await product.record.run(judge, teller.heard, seen, here, teller.erased)
            remember(answer, met=met or died_of is not None, verdict=verdict.to_json())
        await product.close()


def _relative(phone: tuple[str, str], number: int) -> tuple[str, str]:
    channel, address = phone
    who = int(address.removeprefix("whatsapp:+502")) - (30_000_000 if channel == "whatsapp" else 7_000_000_000)
    return channel, str(who - number * 10)


def _absolute(phone: tuple[str, str], number: int) -> tuple[str, str]:
    channel, who = phone
    person = number * 10 + int(who)
    return channel, str(7_000_000_000 + person) if channel == "telegram" else f"whatsapp:+502{30_000_000 + person}"


def apart(work: Callable[[], None]) -> int:
    """Do something in a forked process of its own; its exit status, or minus the signal that ended it."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run(
    kinds: list[str],
    folder: Path,
    seed: int,
    until: float,
    whole: bool,
    case: str | None = None,
    most: int | None = None,
) -> Iterator[str]:
    """Every case in a random order until the time is up; those of an earlier run in this folder are not repeated.

    Yields one line a kind of database, and one for each case that went wrong; the last word is PASS or FAIL. With
    `case` (as such a line names it) only that one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    warm()
    told = "long" if whole else "short"
    vendors = Vendors()
    try:
        with databases(kinds, folder) as all_of_them:
            share = (until - time.monotonic()) / max(1, len(all_of_them))
            for bases in all_of_them:
                kept = folder / f"{bases.kind}-{told}.jsonl"
                done = {row["case"]: row for row in remembered(kept)} if case is None else {}
                sweep = Sweep(bases, vendors, folder, STORY if whole else SHORT)
                sweep.measure()
                for place in (*NAMED, *EVERY):
                    if not sweep.counts[place]:
                        yield f"FAIL sweep {bases.kind}: the story never passes {place}"
                cases = sweep.cases(random.Random(seed))
                end = time.monotonic() + share
                for one in cases:
                    if str(one) in done or case not in (None, str(one)):
                        continue
                    if case is None and done and (time.monotonic() > end or len(done) == most):
                        break
                    row = _row(one, sweep.run(one))
                    done[str(one)] = row
                    if case is None:
                        remember(kept, **row)
                    if not row["clean"]:
                        yield f"  {json.dumps(row['verdict'], ensure_ascii=False)}"
                        whole_too = " --whole" if whole else ""
                        yield f"  replay: python -m tests.faults sweep --on {bases.kind} --case {one}{whole_too}"
                yield _line(bases.kind, sweep, len(cases), list(done.values()))
    finally:
        vendors.close()


def _row(case: Case, result: Result) -> dict[str, Any]:
    clean = result.verdict.clean
    return {"case": str(case), "met": result.met, "clean": clean, "verdict": result.verdict.to_json()}


def _line(kind: str, sweep: Sweep, of: int, rows: list[dict[str, Any]]) -> str:
    bad = sum(not row["clean"] for row in rows)
    sums = {key: sum(row["verdict"][key] for row in rows) for key in ("uncertain", "unseen", "repeated")}
    met = sum(row["met"] for row in rows)
    counts = ", ".join(f"{sweep.counts[name]} {name}s" for name in ("statement", "commit", "write"))
    places = len({row["case"].split(":")[1] for row in rows})
    return (
        f"{'PASS' if not bad and rows else 'FAIL'} sweep {kind}: {len(rows)} of {of} cases at {places} places ({met} "
        f"met; {counts}), {bad} with anything lost, doubled, stuck or wrong; uncertain and listed "
        f"{sums['uncertain']}, not on the phone {sums['unseen']}; urgent words twice {sums['repeated']}"
    )
