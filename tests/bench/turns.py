"""What a durable turn costs: the same ten questions asked by ours, by other ways of writing a bot, and by the floor."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests import cluster

HERE = Path(__file__).parent
AIOGRAM = Path(tempfile.gettempdir()) / "puente-bench-aiogram"
"""aiogram asks for an older pydantic than ours: it gets an environment of its own."""


@dataclass(frozen=True)
class Runner:
    """One way of having the conversation: its module below `peers`, and what that is told."""

    name: str
    module: str
    more: tuple[str, ...] = ()
    server: str = ""
    must: str = ""
    aim: str = ""


OURS = "puente"
SQLITE = (
    Runner("puente", "puente"),
    Runner("python-telegram-bot, own SQLite", "ptb_sqlite", must="≤ 1.0", aim="≤ 0.5"),
    Runner("python-telegram-bot, SQLAlchemy ORM", "ptb_orm", must="≤ 0.25", aim="≤ 0.125"),
    Runner("python-telegram-bot, pickle", "ptb_pickle"),
    Runner("aiogram, Redis", "aiogram_redis", server="redis", must="≤ 0.33", aim="≤ 0.2"),
    Runner("floor: bare sqlite3", "floor", must="≤ 8", aim="≤ 4"),
)
HEARING = (
    Runner("puente, danger heard", "puente", ("--mind", "danger")),
    Runner("puente, everything understood", "puente", ("--mind", "whole")),
)
POSTGRES = (
    Runner("puente", "puente", server="postgres"),
    Runner("python-telegram-bot, own PostgreSQL", "ptb_postgres", server="postgres", must="≤ 1.0", aim="≤ 0.6"),
    Runner("floor: bare psycopg", "floor_postgres", server="postgres"),
)


@dataclass
class Result:
    """Seconds of CPU and of waiting for one turn, a figure a round."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.cpu)


@dataclass
class Servers:
    """The servers the peers need, started by the bench on loopback, with the process whose CPU counts."""

    postgres: str = ""
    postgres_pid: int = 0
    redis: str = ""
    redis_pid: int = 0
    count: int = 0

    def given(self, kind: str) -> list[str]:
        """A fresh database of the kind, as arguments; nothing for those that need none."""
        self.count += 1
        if kind == "redis":
            return ["--url", f"{self.redis}/{self.count % 16}", "--servers", str(self.redis_pid)]
        if kind == "postgres":
            name = f"bench{self.count}"
            with psycopg.connect(self.postgres.replace("+psycopg", "") + "postgres", autocommit=True) as db:
                db.execute(f"CREATE DATABASE {name}")
            return ["--url", self.postgres + name, "--servers", str(self.postgres_pid)]
        return []


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench turns", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=60, help="each answers ten questions")
    parser.add_argument("--at-once", type=int, nargs="*", default=[1, 20])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the databases lie; a real disk, unless you want to know")
    parser.add_argument("--only", default="", help="tables: sqlite, hearing, postgres (commas between)")
    parser.add_argument("--where", action="store_true", help="show where the time of a turn of ours goes")
    parser.add_argument("--bare", action="store_true", help="hand messages over above the provider's library too")
    given = parser.parse_args(arguments)
    wanted = set(filter(None, given.only.split(","))) or {"sqlite", "hearing", "postgres"}
    print(machine(given.seed))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="puente-bench-", dir=given.folder)))
        _template(folder)
        servers = Servers()
        if "sqlite" in wanted:
            stack.enter_context(_redis(folder, servers))
        if "postgres" in wanted:
            stack.enter_context(_postgres(servers))
        for at_once in given.at_once:
            runners = [*(SQLITE if "sqlite" in wanted else ()), *(HEARING if "hearing" in wanted else ())]
            _table(f"SQLite, {at_once} at a time", runners, given, at_once, folder, servers)
            stored = POSTGRES if "postgres" in wanted else ()
            _table(f"PostgreSQL, {at_once} at a time", stored, given, at_once, folder, servers)


def machine(seed: int) -> str:
    """Where and when this was measured."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "?")  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{time.strftime('%Y-%m-%d')} · Python {platform.python_version()} · {os.cpu_count()} × {model} · "
        f"{memory:.0f} GiB · load before {load} · seed {seed}"
    )


def _table(
    title: str, runners: object, given: argparse.Namespace, at_once: int, folder: Path, servers: Servers
) -> None:
    runners = list(runners)  # type: ignore[call-overload]
    if not runners:
        return
    results = {runner: Result() for runner in runners}
    for _round in range(given.rounds):
        for runner in runners:
            measured = _run(runner, given, at_once, folder, servers)
            results[runner].cpu.append(measured["cpu"])
            results[runner].wall.append(measured["wall"])
    ours = results[runners[0]]
    print(f"\n{title}: CPU of one durable turn, medians of {given.rounds} rounds taken in turn")
    print(f"{'':38} {'ours ÷ this':>12} {'must':>8} {'aim':>8} {'CPU µs':>9} {'(range)':>13} {'waiting µs':>11}")
    for runner in runners:
        result = results[runner]
        ratios = statistics.median(mine / other for mine, other in zip(ours.cpu, result.cpu, strict=True))
        ratio = "" if runner is runners[0] else f"{ratios:.2f} ×"
        spread = f"{min(result.cpu) * 1e6:.0f}–{max(result.cpu) * 1e6:.0f}"
        print(
            f"{runner.name:38} {ratio:>12} {runner.must:>8} {runner.aim:>8} {result.median * 1e6:9.0f} "
            f"{spread:>13} {statistics.median(result.wall) * 1e6:11.0f}", flush=True
        )  # fmt: skip
    if given.where:
        _where(runners[0], given, at_once, folder, servers)


def _where(runner: Runner, given: argparse.Namespace, at_once: int, folder: Path, servers: Servers) -> None:
    """One more round of ours with a clock on every part of it."""
    found = _run(runner, given, at_once, folder, servers, "--where")
    watched = sum(seconds for seconds, _calls in found["parts"].values())
    server = f", of which {found['server'] * 1e6:.0f} in the server" if found["server"] else ""
    print(
        f"\nWhere the time goes, {at_once} at a time: {found['cpu'] * 1e6:.0f} µs{server} (the clocks cost a tenth)"
    )
    parts = {**found["parts"], "event loop, threads, hand-overs": (found["cpu"] - found["server"] - watched, 1)}
    for part, (seconds, calls) in sorted(parts.items(), key=lambda item: -item[1][0]):
        if seconds > 1e-6:
            print(f"  {seconds * 1e6:7.0f} µs {calls:6.1f} ×  {part}")


def _run(
    runner: Runner, given: argparse.Namespace, at_once: int, folder: Path, servers: Servers, *more: str
) -> dict[str, Any]:
    here = folder / "round"
    shutil.rmtree(here, ignore_errors=True)
    here.mkdir()
    python = AIOGRAM / "bin" / "python" if runner.module.startswith("aiogram") else Path(sys.executable)
    command = [
        str(python), "-m", f"tests.bench.peers.{runner.module}", "--folder", str(here), "--people", str(given.people),
        "--at-once", str(at_once), "--seed", str(given.seed), *runner.more, *more, *servers.given(runner.server),
    ]  # fmt: skip
    if given.bare and runner.module.startswith(("puente", "ptb")):
        command.append("--bare")
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=HERE.parent.parent)
    if done.returncode:
        sys.exit(f"{runner.name} failed: {done.stderr[-2000:]}")
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _template(folder: Path) -> None:
    """One installation, made once; every round of ours begins with a copy."""
    from tests.installation import Template

    (folder / "template").mkdir()
    Template(folder / "template")


@contextmanager
def _redis(folder: Path, servers: Servers) -> Iterator[None]:
    """Debian's redis-server, every write on the disk before it is answered; aiogram beside it."""
    if not (AIOGRAM / "ready").exists():
        venv.create(AIOGRAM, with_pip=True)
        wanted = ["-r", str(HERE / "peers" / "aiogram.txt")]
        subprocess.run([AIOGRAM / "bin" / "pip", "install", "-q", *wanted], check=True, capture_output=True)
        (AIOGRAM / "ready").touch()
    (folder / "redis").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder / "redis"), "--save", "",
                "--appendonly", "yes", "--appendfsync", "always"]  # fmt: skip
    server = subprocess.Popen(["redis-server", *settings], stdout=subprocess.DEVNULL)
    try:
        _until_it_answers(port)
        servers.redis, servers.redis_pid = f"redis://127.0.0.1:{port}", server.pid
        yield
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def _postgres(servers: Servers) -> Iterator[None]:
    with cluster.cluster() as url:
        servers.postgres = url
        port = url.rsplit(":", 1)[1].strip("/")
        for pid in filter(str.isdigit, os.listdir("/proc")):
            line = Path(f"/proc/{pid}/cmdline")
            try:
                words = line.read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"/postgres") and port.encode() in words:
                servers.postgres_pid = int(pid)
        yield


def _until_it_answers(port: int) -> None:
    for _try in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit("redis-server did not start")
