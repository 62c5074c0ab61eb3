"""More workers on one PostgreSQL, and what a house that nobody writes to takes of a machine's memory."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import httpx

from bot import service
from bot.channels import Incoming
from bot.crypto import load, use
from bot.record import Record
from bot.settings import load as settings
from flows.message import Message
from tests.bench.contenders import ROOT, Bench
from tests.bench.peers import meter
from tests.bench.peers.puente import UNDER_WAY, Bot

WAITING = 5
"""Messages each person has written before the workers begin."""

IDLE = {"must": 200, "aim": 120}
"""MB."""


def workers(bench: Bench) -> None:
    """Turns a second out of a backlog, with one worker process and with more."""
    print(f"\nPostgreSQL, workers side by side ({os.cpu_count()} cores for them and the server); must: grows")
    print(f"{'workers':>8} {'turns/s':>9} {'(range)':>13} {'× one':>7} {'CPU µs':>9}")
    alone = 0.0
    bench.drawn["workers"] = []
    for count in range(1, bench.given.workers + 1):
        found = [_drained(bench, count, number) for number in range(bench.given.rounds)]
        rates = [turns / seconds for turns, seconds, _cpu in found]
        rate = statistics.median(rates)
        alone = alone or rate
        cost = statistics.median(cpu / turns for turns, _seconds, cpu in found) * 1e6
        print(
            f"{count:8} {rate:9.0f} {f'{min(rates):.0f}–{max(rates):.0f}':>13} {rate / alone:7.2f} {cost:9.0f}",
            flush=True,
        )
        bench.drawn["workers"].append((count, rate, 1000 / rate))


def _drained(bench: Bench, count: int, number: int) -> tuple[int, float, float]:
    """How many turns were taken, in how many seconds, and the CPU of workers and server."""
    url = bench.database()
    keys = bench.folder / "template" / "keys.json"
    prepared = service.prepare(settings(database_url=url, puente_keys=keys))
    prepared.close()
    crew = []
    for worker in range(count):
        folder = bench.folder / f"worker{worker}"
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "tests.bench.peers.worker", "--folder", str(folder), "--url", url]
        crew.append(subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))  # fmt: skip
    try:
        for one in crew:
            assert one.stdout is not None and one.stdout.readline() == "ready\n"
        use(load(keys))
        record = Record(url)
        turns = _backlog(record, bench.given.people)
        pids = [bench.postgres[1], *(one.pid for one in crew)]
        before, began = sum(map(meter.tree, pids)), time.perf_counter()
        for one in crew:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        while record.do(lambda tx: tx.one(UNDER_WAY)["n"]):
            if time.perf_counter() - began > 120:
                raise SystemExit("the workers do not come to an end")
            time.sleep(0.05)
        seconds, spent = time.perf_counter() - began, sum(map(meter.tree, pids)) - before
        record.close()
        return turns, seconds, spent
    finally:
        for one in crew:
            one.kill()
            one.communicate()


def _backlog(record: Record, people: int) -> int:
    """Everybody's first messages, taken in while nobody works."""
    from bot.lanes import lanes

    lanes(record)  # who wakes the lanes
    for person in range(people):
        for number, text in enumerate(Bot.prelude[:WAITING]):
            message = Incoming(f"{person}:{number}", str(10_000 + person), Message(text=text))
            record.do(service.keep, "telegram", [message])
    return people * min(WAITING, len(Bot.prelude))


def idle(bench: Bench) -> None:
    """A real start of the command, first with nothing set, then with both channels."""
    print(f"\nMemory of an idle `puente` (must ≤ {IDLE['must']} MB, aim ≤ {IDLE['aim']} MB)")
    channels = {
        "PUBLIC_BASE_URL": "https://puente.example", "TELEGRAM_TOKEN": "1:" + "b" * 30, "TELEGRAM_SECRET": "s" * 40,
        "TELEGRAM_API_BASE": "http://127.0.0.1:9", "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "t" * 32, "TWILIO_WHATSAPP_FROM": "whatsapp:+14155238886",
        "TWILIO_API_BASE": "http://127.0.0.1:9",
    }  # fmt: skip
    for name, more in (("web chat alone", {}), ("with WhatsApp and Telegram", channels)):
        folder = bench.folder / f"idle{len(more)}"
        folder.mkdir()
        for start in ("first start", "second start"):
            taken = started(folder, more, bench.given.idle)
            how = "aim" if taken.whole <= IDLE["aim"] else "must" if taken.whole <= IDLE["must"] else "MISSED"
            print(f"  {how:7} {name}, {start}: {taken.whole:4.0f} MB resident, {taken.own:.0f} MB its own, up after "
                  f"{taken.seconds:.1f} s", flush=True)  # fmt: skip


class Start(NamedTuple):
    """What a start of the whole program took: seconds until it answers, MB once it has settled."""

    seconds: float
    whole: float
    own: float


def started(folder: Path, more: dict[str, str], settle: float) -> Start:
    """Start `puente` in a folder, leave it alone for so many seconds (it learns at its first start), end it."""
    given = {"DATABASE_URL": f"sqlite:///{folder}/puente.db", "PUENTE_KEYS": f"{folder}/keys.json", "PORT": "0"}
    errors = folder / "stderr"
    began = time.perf_counter()
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "bot.start"], cwd=folder, stdout=subprocess.PIPE, stderr=stderr, text=True,
            env=os.environ | given | more | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    try:
        assert process.stdout is not None
        address = ""
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                address = found.group()
            if line.startswith("Ctrl-C"):
                break
        while process.poll() is None and not _answers(f"{address}/readyz"):
            time.sleep(0.02)
        seconds = time.perf_counter() - began
        time.sleep(settle)
        if process.poll() is not None:
            raise SystemExit(f"puente did not stay: {errors.read_text()[-1000:]}")
        kinds: dict[str, float] = {}
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]:
            kind, amount, *_unit = line.split()
            kinds[kind.rstrip(":")] = int(amount) / 1024
        return Start(seconds, kinds["Rss"], kinds["Pss_Anon"])
    finally:
        process.kill()
        process.communicate()


def _answers(address: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(address, trust_env=False).status_code == 200
    return False
