"""Thousands of random conversations while web and worker processes are killed at random and started again.

On PostgreSQL two web processes and three workers, on SQLite one process that is both; the vendors bring again what
was not acknowledged. Every conversation must end on its phone as it does when nothing goes wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import uvicorn

from bot import crypto, lanes, outbox, reconcile, worker
from bot.channels import Spoken, numbered
from bot.record import Record
from tests.fakes.twilio import FakeTwilio
from tests.fakes.twilio_hooks import signed
from tests.faults.kept import remember, remembered
from tests.faults.product import UNREAD, Databases, Product, databases, warm
from tests.faults.upgrade import Town
from tests.faults.vendors import PUBLIC, SECRET, Vendors, shown
from tests.oracle import CASES, Expected, Heard, Verdict, deeds, judge, neutral

WORDS = ("persona", "trabajo", "xela", "mi perfil", "menú", "documentos", "vivo en tecun", "hace unos dias", "no",
         "mis datos", "otra cosa", "fui albañil", "atrás", "ayuda", "gracias", "baja", "mi caso")  # fmt: skip
SCRIPTS = 120
AT_ONCE = 16
LEAST = 40
"""Conversations, however little time there is."""


@dataclass
class Script:
    """What somebody writes, and what they are told when nothing goes wrong: as Telegram and as WhatsApp show it."""

    words: list[str]
    told: dict[str, list[str]]
    deeds: Counter[str]
    cases: int


def scripts(bases: Databases, seed: int) -> list[Script]:
    """Random walks through the conversations, and where they lead."""
    crypto.use(crypto.load(bases.keys))
    record = Record(bases.fresh())
    town = Town(record, warm())
    dice = random.Random(seed)
    found = []
    for number in range(SCRIPTS):
        who, words, said = f"s{number}", ["hola", "español"], []
        for _step in range(dice.randrange(1, 9)):
            words.append(dice.choice(WORDS))
        before, cases = record.do(deeds), _cases(record)
        for text in words:
            said += town.say(who, text)
        spoken = [Spoken.from_json(one) for one in said]
        told = {
            "telegram": [neutral(one.text) for one in spoken],
            "whatsapp": [neutral(numbered(one)) for one in spoken],
        }
        found.append(Script(words, told, record.do(deeds) - before, _cases(record) - cases))
    record.close()
    return found


def _cases(record: Record) -> int:
    return int(record.do(lambda tx: tx.one(CASES))["n"])


class Crew:
    """The processes of one installation, each started again as soon as it dies."""

    def __init__(self, url: str, bases: Databases, vendors: Vendors, paced: bool = False) -> None:
        """`paced`: they send no faster, and wait as long, as in earnest."""
        self.url, self.bases, self.vendors, self.paced = url, bases, vendors, paced
        self.doors = [_door() for _ in range(2 if bases.kind == "postgres" else 1)]
        self._roles: dict[int, tuple[socket.socket | None, bool]] = {}
        if bases.kind == "postgres":
            for role in (*((door, False) for door in self.doors), *((None, True),) * 3):
                self._spawn(role)
        else:
            self._spawn((self.doors[0], True))

    def kill(self, dice: random.Random) -> None:
        pid = dice.choice(sorted(self._roles))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        self._spawn(self._roles.pop(pid))

    def end(self) -> None:
        for pid in self._roles:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for door in self.doors:
            door.close()

    def _spawn(self, role: tuple[socket.socket | None, bool]) -> None:
        self._roles[forked(lambda: asyncio.run(self._live(*role)))] = role

    async def _live(self, door: socket.socket | None, works: bool) -> None:
        if not self.paced:
            hurry()
        product = Product(self.url, self.bases, self.vendors, works, paced=self.paced)
        if door is None:
            await product.puente.start()
            await asyncio.Event().wait()
        config = uvicorn.Config(product.app, log_config=None, access_log=False, lifespan="on")
        await uvicorn.Server(config).serve(sockets=[door] if door else None)


def hurry() -> None:
    """The runtime's own waits, shortened: a process dies here as often in a minute as elsewhere in a year."""
    lanes.FORGOTTEN, lanes.DEAD, lanes.LONGEST_LANE, worker.SWEEP = 1.0, 3.0, 10.0, 0.5
    outbox.AGAIN_IN, reconcile.SOONER, reconcile.LISTED_AFTER = 1.0, 4.0, 4.0
    # a message here is interrupted more often than four times, and must not count as uncertain for that
    reconcile.SENDS = 50


def forked(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    return child


def _door() -> socket.socket:
    """Stays open while the process behind it is changed, as a proxy in front would keep it."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    return listening


class Streets:
    """The people and the vendors that carry what they write: a process of its own, so that it sees every death."""

    def __init__(self, doors: list[str], told: list[Script], log: Path, seed: int) -> None:
        self.doors, self.scripts, self.log = doors, told, log
        self.dice = random.Random(seed)
        self._twilio = FakeTwilio()

    async def live(self, conversations: int, until: float) -> None:
        limits = httpx.Limits(max_connections=AT_ONCE * 2)
        async with httpx.AsyncClient(trust_env=False, timeout=5, limits=limits) as self._client:
            numbers = iter(range(conversations))

            async def walk() -> None:
                for number in numbers:
                    if number >= LEAST and time.monotonic() > until:
                        return
                    await self._converse(number)

            await asyncio.gather(*(walk() for _ in range(AT_ONCE)))

    async def _converse(self, number: int) -> None:
        channel = "telegram" if number % 2 else "whatsapp"
        script = self.dice.randrange(len(self.scripts))
        remember(self.log, number=number, channel=channel, script=script)
        heard = []
        for place, text in enumerate(self.scripts[script].words):
            while True:
                try:
                    status = await self._bring(channel, number, place, text)
                except httpx.HTTPError:
                    status = 0
                if 200 <= status < 300:
                    break
                await asyncio.sleep(0.05)
            heard.append(place)
        remember(self.log, number=number, done=len(heard))

    async def _bring(self, channel: str, number: int, place: int, text: str) -> int:
        door = self.dice.choice(self.doors)
        if channel == "telegram":
            id = int(address(channel, number))
            person = {"id": id, "is_bot": False, "first_name": "Ana"}
            message = {"message_id": place, "from": person, "chat": {"id": id, "type": "private"}, "text": text}
            update = {"update_id": number * 100 + place, "message": message}
            headers = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
            return (await self._client.post(f"{door}/webhooks/telegram", json=update, headers=headers)).status_code
        sender, sid = address(channel, number), provider(channel, number, place)
        form = {
            "Body": text, "To": self._twilio.sender, "MessageSid": sid, "NumMedia": "0", "From": sender,
            "AccountSid": self._twilio.account_sid, "ApiVersion": "2010-04-01",
        }  # fmt: skip
        hook = signed(self._twilio, f"{PUBLIC}/webhooks/twilio", list(form.items()))
        kind = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        body = urlencode(hook.form).encode()
        return (
            await self._client.post(f"{door}/webhooks/twilio", content=body, headers=kind | hook.headers)
        ).status_code


def address(channel: str, number: int) -> str:
    return str(7_300_000_000 + number) if channel == "telegram" else f"whatsapp:+502{50_000_000 + number}"


def provider(channel: str, number: int, place: int) -> str:
    if channel == "telegram":
        return f"{number * 100 + place}:{address(channel, number)}:{place}"
    return f"SM{number * 100 + place:032x}"


def crowd(
    bases: Databases, vendors: Vendors, folder: Path, conversations: int, seed: int, until: float
) -> tuple[str, Verdict]:
    """So many conversations, or as many as the time allows, and a death about every second."""
    told = scripts(bases, seed)
    url = bases.fresh()
    since = {name: len(rows) for name, rows in vendors.taken().items()}
    log = folder / f"crowd-{bases.kind}.jsonl"
    log.unlink(missing_ok=True)
    crew = Crew(url, bases, vendors)
    doors = [f"http://127.0.0.1:{door.getsockname()[1]}" for door in crew.doors]
    streets = Streets(doors, told, log, seed)
    people = forked(lambda: (asyncio.run(streets.live(conversations, until)), os._exit(0))[0])
    dice = random.Random(seed)
    killed, began = 0, time.monotonic()
    try:
        while os.waitpid(people, os.WNOHANG)[0] == 0:
            time.sleep(dice.uniform(0.3, 1.6) if bases.kind == "postgres" else dice.uniform(1.0, 3.0))
            crew.kill(dice)
            killed += 1
        took = time.monotonic() - began
        quiet = _until_quiet(url)
    finally:
        crew.end()
    verdict, done = _verdict(url, bases, vendors, since, told, log)
    messages = sum(row["done"] for row in done)
    line = (
        f"{'PASS' if verdict.clean and done else 'FAIL'} crowd {bases.kind}: {len(done):,} conversations, "
        f"{messages:,} messages at {messages / took:.0f}/s, {killed} processes killed, quiet {quiet:.0f} s after the "
        f"last: {len(verdict.lost)} lost, {len(verdict.doubled)} doubled, {len(verdict.stuck)} stuck, "
        f"{len(verdict.wrong)} wrong; uncertain and listed {verdict.uncertain} (not on the phone {verdict.unseen}), "
        f"urgent twice {verdict.repeated}"
    )
    return line, verdict


def _until_quiet(url: str) -> float:
    """Wait until nothing is left to do, at most three minutes; the seconds it took."""
    record, began = Record(url), time.monotonic()
    waiting = "SELECT 1 FROM outbox WHERE state IN ('waiting', 'claimed') LIMIT 1"
    uncertain = "SELECT 1 FROM outbox WHERE state = 'unknown' AND channel = 'whatsapp' LIMIT 1"
    while time.monotonic() < began + 180:
        if not any(record.do(lambda tx, s=s: tx.one(s)) for s in (UNREAD + " LIMIT 1", waiting, uncertain)):
            break
        time.sleep(0.5)
    record.close()
    return time.monotonic() - began


def _verdict(
    url: str, bases: Databases, vendors: Vendors, since: dict[str, int], told: list[Script], log: Path
) -> tuple[Verdict, list[dict[str, Any]]]:
    rows = remembered(log)
    begun = {row["number"]: row for row in rows if "script" in row}
    done = [row for row in rows if "done" in row]
    expected, heard = Expected(), []
    for row in done:
        number, channel = row["number"], begun[row["number"]]["channel"]
        script = told[begun[row["number"]]["script"]]
        expected.phones[channel, address(channel, number)] = script.told[channel]
        expected.deeds += script.deeds
        expected.cases += script.cases
        heard += [
            Heard(channel, address(channel, number), provider(channel, number, place))
            for place in range(len(script.words))
        ]
    crypto.use(crypto.load(bases.keys))
    record = Record(url)
    verdict = record.do(judge, heard, shown(vendors.taken(since)), expected)
    record.close()
    return verdict, done


def run(kinds: list[str], folder: Path, seed: int, share: float, until: float) -> Iterator[str]:
    """10,000 conversations with `share` 1.0, half on each kind of database."""
    warm()
    folder.mkdir(parents=True, exist_ok=True)
    vendors = Vendors()
    try:
        with databases(kinds, folder) as all_of_them:
            count = max(40, int(10_000 * share / len(all_of_them)))
            for place, bases in enumerate(all_of_them):
                end = time.monotonic() + (until - time.monotonic()) / (len(all_of_them) - place)
                line, verdict = crowd(bases, vendors, folder, count, seed + place, end)
                for kind in ("lost", "doubled", "stuck", "wrong"):
                    for finding in getattr(verdict, kind)[:5]:
                        yield f"  {kind}: {json.dumps(finding, ensure_ascii=False)}"
                yield line
    finally:
        vendors.close()
