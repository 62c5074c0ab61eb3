"""Ours, as it runs: Telegram's update in, accepted, worked through, answered and settled, worker and pump running."""

from __future__ import annotations

import asyncio
import shutil
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot import house, knowledge, limits
from bot.channels import Channel, Limits, Request, telegram
from bot.channels.telegram import LIMITS, Telegram
from bot.service import Puente, prepare
from bot.settings import load
from bot.worker import Worker
from flows.mind import Mind
from tests.bench.peers import meter, profile, ptb
from tests.minds import MIND

SECRET = "s" * 40
HEADERS = {"x-telegram-bot-api-secret-token": SECRET, "content-type": "application/json"}
FAST = LIMITS._replace(per_second=1e6, per_chat=1e6)
ANSWERED = """SELECT COUNT(*) AS n FROM (SELECT contact_id FROM profile_answer GROUP BY contact_id
HAVING COUNT(*) >= :fields) AS whole"""
UNDER_WAY = """SELECT (SELECT COUNT(*) FROM outbox WHERE channel IN ('telegram', 'whatsapp')
AND state IN ('waiting', 'claimed')) + (SELECT COUNT(*) FROM inbox WHERE done_at IS NULL) AS n"""


class Deaf:
    """Hears no danger and no command, knows no service: the turn by itself."""

    decision, ids, score = "unknown", (), 0.0

    def hear(self, text: str, /) -> None:
        return None

    def find(self, text: str, /) -> Deaf:
        return self

    def offered(self, text: str, /) -> bool:
        return False


def minds(name: str, kept: Path) -> Mind:
    """`deaf`; `danger`, the same with the real detection; `whole`, everything the product understands."""
    if name == "whole":
        return knowledge.mind(kept=kept)
    dangers = knowledge.dangers(kept) if name == "danger" else Deaf()
    deaf: Any = Deaf()
    return replace(MIND, dangers=dangers, commands=deaf, services=deaf, scams=deaf, age=None)


class Outside:
    """Who waits for which chat's reply."""

    def __init__(self) -> None:
        self.calls = 0
        self._replies: dict[int, asyncio.Event] = defaultdict(asyncio.Event)

    def told(self, call: str, values: Any) -> None:
        if call == "sendMessage":
            self.calls += 1
            self._replies[int(values["chat_id"])].set()

    async def reply(self, chat: int) -> None:
        await self._replies[chat].wait()
        del self._replies[chat]


ours = Outside()


class Bot:
    prelude = ("hola", "español", "no", "mi perfil", "sí", "no")
    between = {"trade": "seguir"}
    delivered = staticmethod(profile.update)

    def __init__(self, puente: Puente) -> None:
        self.puente = puente
        self._channel = puente.channels["telegram"]

    async def hear(self, person: int, update: bytes) -> None:
        call = Request("/webhooks/telegram", "", HEADERS, update)
        if not self._channel.genuine(call):
            raise SystemExit("not genuine")
        await self.puente.keep("telegram", self._channel.read(call))
        await ours.reply(10_000 + person)

    async def rest(self) -> None:
        while await self.puente.record.run(lambda tx: tx.one(UNDER_WAY)["n"]):
            await asyncio.sleep(0.005)

    def kept(self) -> int:
        fields = len(profile.FIELDS) - 1  # the trade nobody wants to say is not kept
        return int(self.puente.record.do(lambda tx: tx.one(ANSWERED, fields=fields))["n"])


def settings(given: ptb.Given) -> Any:
    """A fresh copy of the installation the bench made, or a database of its own on the server given."""
    if getattr(given, "installation", None):
        return load(database_url=f"sqlite:///{given.installation}/puente.db",
                    puente_keys=given.installation / "keys.json")  # fmt: skip
    here = given.folder / "ours"
    shutil.rmtree(here, ignore_errors=True)
    shutil.copytree(given.folder.parent / "template", here)
    return load(database_url=given.url or f"sqlite:///{here}/puente.db", puente_keys=here / "keys.json")


@asynccontextmanager
async def running(given: ptb.Given, channels: dict[str, Channel]) -> AsyncIterator[Puente]:
    """The installation at work on these channels: lanes, pumps, timers; nobody outside is asked for anything."""
    limits.BURST = 1e9  # the people here answer at once and are no flood
    here = settings(given)
    record = prepare(here)
    puente = Puente(here, record, house.build(minds(given.mind, given.folder.parent / "learnt")), channels)
    worker = puente.worker
    puente.worker = Worker(record, worker.lanes, lambda: puente.house, channels, worker._file)
    await record.news.start()
    await puente.worker.start()
    await puente.worker.leading.wait()
    yield puente
    await puente.stop()
    record.close()


@asynccontextmanager
async def opened(given: ptb.Given) -> AsyncIterator[Bot]:
    async with running(given, {"telegram": channel(ptb.Instant(ours.told, given.send))}) as puente:
        yield Bot(puente)


def channel(wire: ptb.Instant, pace: Limits = FAST) -> Telegram:
    """Telegram as it is, behind it a wire of the measurement's own."""
    library = telegram.Quiet
    telegram.Quiet = lambda **_waits: wire  # type: ignore[assignment,misc]
    try:
        return Telegram("1:" + "b" * 30, SECRET, "http://127.0.0.1:9", pace)
    finally:
        telegram.Quiet = library  # type: ignore[misc]


if __name__ == "__main__":
    meter.main(opened)
