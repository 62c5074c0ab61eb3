"""One installation for a harness: its database copied from a template, its people's vendors the fakes, its clock ours.

Built in a process that may be killed at any moment; everything that must survive is in the database and the vendors.
"""

from __future__ import annotations

import asyncio
import functools
import json
import shutil
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
from twilio.rest import Client

from api.app import create
from bot import crypto, failpoints, house, service, settings, tokens, upkeep
from bot import pump as pumps
from bot.record import DOWN, Record, Tx, libpq
from bot.service import Puente
from tests.cluster import cluster
from tests.faults.vendors import SECRET, Vendors
from tests.minds import MIND

UNREAD = "SELECT DISTINCT contact_id AS c FROM inbox WHERE done_at IS NULL AND contact_id IS NOT NULL"
FAST = {"per_second": 900.0, "per_chat": 1e6}
"""A pace that tests nothing and costs nothing; still that of a channel with a provider."""

real_time = time.time


@functools.cache
def warm() -> house.House:
    """What costs a process half a second at its start and does not change: done once, before processes fork."""
    plain = ssl.create_default_context()
    httpx._transports.default.create_ssl_context = lambda *given, **more: plain  # type: ignore[attr-defined]
    Client("AC" + "0" * 32, "x").messages  # noqa: B018 - the library imports its parts as they are asked for
    return house.build(MIND)


class Databases:
    """Fresh databases of one kind, each a copy of a template with the demo world and a token for staff."""

    def __init__(self, kind: str, folder: Path, server: str | None = None) -> None:
        self.kind, self.folder, self._server = kind, folder, server
        folder.mkdir(parents=True, exist_ok=True)
        self.keys = folder / "keys.json"
        self._made = 0
        self._template = self._new("template")
        record = service.prepare(settings.load(database_url=self._template, puente_keys=self.keys))
        self.token = record.do(tokens.create, tokens.SCOPES, office_id=None, staff_id=_somebody(record), days=365)
        record.close()

    def fresh(self) -> str:
        """The address of a new database."""
        self._made += 1
        return self._new(f"d{self._made}", self._template)

    def bare(self, like: str | None = None) -> str:
        """The address of a new database with nothing in it, or a copy of another one."""
        self._made += 1
        return self._new(f"d{self._made}", like)

    def drop(self, url: str) -> None:
        if self._server is None:
            for left in self.folder.glob(f"{Path(url).name}*"):
                left.unlink()
        else:
            self._administer(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def _new(self, name: str, template: str | None = None) -> str:
        if self._server is None:
            path = self.folder / f"{name}.db"
            for left in self.folder.glob(f"{path.name}*"):  # a log of an earlier run would be played into the copy
                left.unlink()
            if template is not None:
                shutil.copy2(template.removeprefix("sqlite:///"), path)
            return f"sqlite:///{path}"
        copied = f'TEMPLATE "{template.rpartition("/")[2]}"' if template else ""
        self._administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" {copied}')
        return f"{self._server}{name}"

    def _administer(self, *statements: str) -> None:
        assert self._server is not None
        with psycopg.connect(libpq(self._server) + "postgres", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


def _somebody(record: Record) -> str:
    return str(record.do(lambda tx: tx.one("SELECT id FROM staff ORDER BY created_at DESC LIMIT 1"))["id"])


@contextmanager
def databases(kinds: list[str], folder: Path) -> Iterator[list[Databases]]:
    """Both kinds or one; the private PostgreSQL lives as long as this. Raises `NoPostgres`.

    Here only processes of ours are killed, so what a killed machine would still have to find on its disk is not asked.
    """
    made = [Databases("sqlite", folder / "sqlite")] if "sqlite" in kinds else []
    if "postgres" not in kinds:
        yield made
        return
    with cluster(immortal=True) as server:
        yield [*made, Databases("postgres", folder / "postgres", server)]


class Product:
    """A running installation without its engine room: a harness takes the turns and sends, one after another."""

    def __init__(self, url: str, bases: Databases, vendors: Vendors, works: bool = True, paced: bool = False) -> None:
        """`works` is False for a process that only takes messages in; a `paced` one sends no faster than in earnest."""
        given = settings.load(database_url=url, puente_keys=bases.keys, **vendors.settings())
        crypto.use(crypto.load(bases.keys))
        self.vendors = vendors
        self.record = Record(url)
        houses = warm()
        channels = service.channels(given, {})
        for name in () if paced else ("telegram", "whatsapp"):
            channel: Any = channels[name]
            channel._limits = channel.limits._replace(**FAST)
        self.puente = Puente(given, self.record, houses, channels, works)
        self.worker = self.puente.worker
        self.pumps = [self.worker.pumps[name] for name in ("telegram", "whatsapp")]
        self._moved = True  # the clock, since the timers were looked at
        self._token = bases.token
        self._ahead = vendors.ahead()
        time.time = self.now
        pumps.TICK = 0.02  # seconds between tries to write a receipt down; a test has no time to lose
        self.app = create(self.puente)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self._web = httpx.AsyncClient(transport=transport, base_url="http://product")

    def now(self) -> float:
        return real_time() + self._ahead

    def later(self, seconds: float) -> None:
        """The whole world's clock moves: ours and the vendors'."""
        self._ahead += seconds
        self._moved = True
        self.vendors.advance(seconds)

    async def telegram(self, update: dict[str, Any]) -> int:
        headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET, "Content-Type": "application/json"}
        body = json.dumps(update).encode()  # half a surrogate pair can be written so, and only so
        return (await self._web.post("/webhooks/telegram", content=body, headers=headers)).status_code

    async def twilio(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        form = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        return (await self._web.post(path, content=body, headers=form | headers)).status_code

    async def api(self, path: str, key: str, body: dict[str, str] | None = None) -> int:
        headers = {"Authorization": f"Bearer {self._token}", "Idempotency-Key": key}
        return (await self._web.post(f"/api/v1{path}", json=body, headers=headers)).status_code

    async def case_of(self, channel: str, address: str) -> str:
        """The id of somebody's open case, as a console would know it."""
        hashed = crypto.vault().blind(channel, address)

        def look(tx: Tx) -> Any:
            return tx.one(
                "SELECT h.id FROM handoff_case h JOIN address a ON a.contact_id = h.open_contact "
                "WHERE a.channel = :channel AND a.hash = :hash",
                channel=channel,
                hash=hashed,
            )

        return str((await _insist(self.record.run, look))["id"])

    async def start(self) -> None:
        """What a worker does first: settle what one before it left in flight. On SQLite it then follows what it hears."""
        for pump in self.pumps:
            pump._loop = asyncio.get_running_loop()
            await _insist(pump.reclaim, self.now())
        if not self.record.postgres:
            self.record.taker, self.record.lastly = self.worker._take_up, {"outbox": self.worker._send_off}
        await self.work()

    async def work(self) -> None:
        """Turns and sends until nothing is left that is due."""
        for _round in range(200):
            if not await self._some():
                return
        raise AssertionError("there is no end to the work")

    async def recover(self) -> None:
        """Let the time pass in which every uncertain thing is settled, as the engine room would."""
        for seconds in (1, 15, 30, 90, 90, 3600):
            self.later(seconds)
            for pump in self.pumps:
                await _insist(pump.reclaim, self.now() - 60)
            for one in self.worker._outside:
                if one.name.startswith("sends|"):
                    await _insist(one.work, self.now())
            await self.work()

    async def _some(self) -> bool:
        moved = False
        with suppress(*DOWN, failpoints.Injected):  # the sweep comes back
            if self._moved:
                await self.record.run(upkeep.ring, self.now())
                self._moved = False
            for row in await self.record.run(lambda tx: tx.all(UNREAD)):
                await self.worker._work_off(row["c"])
                moved = True
        for pump in self.pumps:
            try:
                moved |= await pump._send_some()
            except Exception:  # a pump goes on after whatever kept it from claiming
                moved = True
            await asyncio.sleep(0)
            while pump._sending:
                await asyncio.wait(list(pump._sending))
                moved = True
        return moved

    async def close(self) -> None:
        for channel in self.puente.channels.values():
            await channel.close()
        await self._web.aclose()
        self.record.close()


async def _insist(work: Any, *given: Any) -> Any:
    """A fault is met once: what it kept from being done is done the next time."""
    for _try in range(3):
        with suppress(*DOWN, failpoints.Injected):
            return await work(*given)
