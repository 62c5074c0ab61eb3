"""Contenders side by side: each in a process of its own, in turn, with the servers they need; one table of ratios."""

from __future__ import annotations

import argparse
import hashlib
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests import cluster
from tests.installation import Template

ROOT = Path(__file__).parent.parent.parent
PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True)
class Runner:
    """One way of having the conversation: its module below `peers`, what that is told and which server it needs.

    `must` and `aim`: how many times its CPU ours may take.
    """

    name: str
    module: str
    more: tuple[str, ...] = ()
    server: str = ""
    must: float | None = None
    aim: float | None = None


@dataclass(frozen=True)
class Figure:
    """What a table shows of each contender: read from what its process measured, and whether more of it is better."""

    name: str
    of: Callable[[dict[str, Any]], float]
    beside: str
    and_of: Callable[[dict[str, Any]], float]
    more: bool = False

    def verdict(self, ratio: float, must: float | None, aim: float | None) -> str:
        if must is None:
            return ""
        sign = -1 if self.more else 1
        if aim is not None and sign * ratio <= sign * aim:
            return "aim"
        return "must" if sign * ratio <= sign * must else "MISSED"

    def limit(self, value: float | None) -> str:
        return "" if value is None else f"{'≥' if self.more else '≤'} {value:.3g}"


CPU = Figure("CPU µs", lambda told: told["cpu"] * 1e6, "waited µs", lambda told: told["wall"] * 1e6)
REPLIES = Figure("replies/s", lambda told: 1 / told["wall"], "CPU µs", lambda told: told["cpu"] * 1e6, more=True)


class Bench:
    """One run of the measurements: a folder for the databases, the servers, and what was asked for."""

    def __init__(self, given: argparse.Namespace, folder: Path) -> None:
        self.given, self.folder = given, folder
        (folder / "template").mkdir()
        Template(folder / "template")  # one installation, made once; every round of ours begins with a copy
        self.drawn: dict[str, list[tuple[float, ...]]] = {}  # what is plotted at the end
        self._servers = ExitStack()
        self._postgres: tuple[str, int] | None = None
        self._redis: tuple[str, int] | None = None
        self._count = 0

    def close(self) -> None:
        self._servers.close()

    def table(self, title: str, runners: Sequence[Runner], at_once: int, figure: Figure = CPU, *more: str) -> None:
        """Every contender's rounds in turn, ours first; then the ratios of what each round measured."""
        told: dict[Runner, list[dict[str, Any]]] = {runner: [] for runner in runners}
        for _round in range(self.given.rounds):
            for runner, rounds in told.items():
                rounds.append(self.run(runner, at_once, *more))
        ours = [figure.of(one) for one in told[runners[0]]]
        print(f"\n{title}, {at_once} at a time; medians of {self.given.rounds} rounds taken in turn")
        heads = f"{figure.name:>9} {'(range)':>13} {figure.beside:>10}"
        print(f"{'ours ÷ this':>12} {'must':>7} {'aim':>7}  {'':7} {'':38} {heads}")
        for runner, rounds in told.items():
            found = [figure.of(one) for one in rounds]
            ratio = statistics.median(mine / other for mine, other in zip(ours, found, strict=True))
            first = "" if runner is runners[0] else f"{ratio:.2f} ×"
            how = figure.verdict(ratio, runner.must, runner.aim)
            spread = f"{min(found):.0f}–{max(found):.0f}"
            print(
                f"{first:>12} {figure.limit(runner.must):>7} {figure.limit(runner.aim):>7}  {how:7} {runner.name:38} "
                f"{statistics.median(found):9.0f} {spread:>13} {statistics.median(map(figure.and_of, rounds)):10.0f}",
                flush=True,
            )
        if self.given.where:
            self._where(runners[0], at_once)

    def _where(self, runner: Runner, at_once: int) -> None:
        """One more round of ours with a clock on every part of it."""
        found = self.run(runner, at_once, "--where")
        watched = sum(seconds for seconds, _calls in found["parts"].values())
        server = f", of which {found['server'] * 1e6:.0f} in the server" if found["server"] else ""
        print(f"\nWhere it goes: {found['cpu'] * 1e6:.0f} µs{server} (the clocks themselves cost about a tenth)")
        rest = found["cpu"] - found["server"] - watched
        parts = {**found["parts"], "event loop, threads, hand-overs": (rest, 1)}
        for part, (seconds, calls) in sorted(parts.items(), key=lambda item: -item[1][0]):
            if seconds > 2e-6:
                print(f"  {seconds * 1e6:7.0f} µs {calls:6.1f} ×  {part}")

    def run(self, runner: Runner, at_once: int, *more: str) -> dict[str, Any]:
        """One contender's whole round in a fresh process, and what it measured."""
        here = self.folder / "round"
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir()
        python, extra = sys.executable, ()
        if runner.module.startswith("aiogram"):
            python = str(_environment("aiogram") / "bin" / "python")
        if runner.module.startswith("fastapi"):
            extra = (str(_beside("forms")),)
        command = [
            python, "-m", f"tests.bench.peers.{runner.module}", "--folder", str(here), "--people",
            str(self.given.people), "--at-once", str(at_once), "--seed", str(self.given.seed), *runner.more, *more,
            *self.server(runner.server),
        ]  # fmt: skip
        environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT), *extra))}
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, cwd=ROOT, env=environment)
        if done.returncode:
            sys.exit(f"{runner.name} failed: {done.stderr[-2000:]}")
        measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return measured

    def server(self, kind: str) -> list[str]:
        """A fresh database on the server of this kind, begun when first asked for, as arguments."""
        self._count += 1
        if kind == "redis":
            if self._redis is None:
                self._redis = self._servers.enter_context(_redis(self.folder))
            address, pid = self._redis
            return ["--url", f"{address}/{self._count % 16}", "--servers", str(pid)]
        if kind == "postgres":
            return ["--url", self.database(), "--servers", str(self.postgres[1])]
        return []

    @property
    def postgres(self) -> tuple[str, int]:
        """The address of the server, without a database, and its process id."""
        if self._postgres is None:
            address = self._servers.enter_context(cluster.cluster())
            self._postgres = address, _listening("postgres", address)
        return self._postgres

    def database(self) -> str:
        """A new, empty database on PostgreSQL."""
        address, _pid = self.postgres
        self._count += 1
        with psycopg.connect(address.replace("+psycopg", "") + "postgres", autocommit=True) as db:
            db.execute(f"CREATE DATABASE bench{self._count}".encode())
        return f"{address}bench{self._count}"


def machine(seed: int) -> str:
    """Where and when this was measured."""
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "?")  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{time.strftime('%Y-%m-%d %H:%M')} · Python {platform.python_version()} · {os.cpu_count()} × {model} · "
        f"{memory:.0f} GiB · load before {load} · seed {seed}"
    )


def _environment(name: str) -> Path:
    """A Python of a peer's own, where its libraries do not go with ours; made once."""
    wanted = PEERS / f"{name}.txt"
    made = _kept(name, wanted)
    if not (made / "ready").exists():
        venv.create(made, with_pip=True)
        _install(str(made / "bin" / "python"), "-r", str(wanted))
        (made / "ready").touch()
    return made


def _beside(name: str) -> Path:
    """Libraries a peer needs beside ours."""
    wanted = PEERS / f"{name}.txt"
    made = _kept(name, wanted)
    if not (made / "ready").exists():
        _install(sys.executable, "-r", str(wanted), "--target", str(made))
        (made / "ready").touch()
    return made


def _kept(name: str, wanted: Path) -> Path:
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"puente-bench-{name}-{digest}"


def _install(python: str, *what: str) -> None:
    subprocess.run([python, "-m", "pip", "install", "-q", *what], check=True, capture_output=True)


@contextmanager
def _redis(folder: Path) -> Iterator[tuple[str, int]]:
    """Debian's redis-server, every write on the disk before it is answered."""
    (folder / "redis").mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder / "redis"), "--save", "",
                "--appendonly", "yes", "--appendfsync", "always"]  # fmt: skip
    server = subprocess.Popen(["redis-server", *settings], stdout=subprocess.DEVNULL)
    try:
        _until_it_answers(port)
        yield f"redis://127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        server.wait(10)


def _listening(program: str, address: str) -> int:
    """The process id of a server by its name and the port it was told to listen at."""
    port = address.rsplit(":", 1)[1].strip("/").encode()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(f"/{program}".encode()) and port in words:
                return int(process.name)
    sys.exit(f"{program} did not start")


def _until_it_answers(port: int) -> None:
    for _try in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit("redis-server did not start")
