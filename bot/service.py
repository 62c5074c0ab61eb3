"""Puente as a whole: settings, keys, record, conversations, channels and the worker, put together once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sqlalchemy.exc import DBAPIError

from bot import crypto, demo, directory, house, inbox, knowledge, layouts, learning, rounds, teaching, unreadable
from bot.channels import Channel, Event, Incoming, Reach, Status, Unreadable
from bot.channels.local import TERMINAL, WEB, Local
from bot.crypto import NoKeys
from bot.house import House
from bot.lanes import lanes
from bot.locks import hold
from bot.models.migrate import exists, migrate
from bot.record import Record, Tx
from bot.settings import Settings, Unusable, both
from bot.strangers import Strangers
from bot.worker import Worker
from flows.mind import Mind

if TYPE_CHECKING:  # the vendors' libraries take 30 MB: only a house that uses a channel loads its own
    from bot.channels.telegram import Telegram


class Puente:
    """One installation, ready to run. `web` and `terminal` are always there; others when their settings are."""

    def __init__(
        self, settings: Settings, record: Record, house: House, channels: Mapping[str, Channel], works: bool = True
    ) -> None:
        """`works` is False where other machines do the work and this one only takes messages in."""
        self.settings, self.record, self.house, self.channels = settings, record, house, channels
        self.works = works
        self.strangers = Strangers(record)
        lock = settings.sqlite_path.with_suffix(".lock") if settings.on_sqlite else None
        outside = rounds.rounds(settings, record, channels)
        telegram = cast("Telegram | None", channels.get("telegram"))
        hearing = {} if telegram is None else {"hear|telegram": partial(self._hear, telegram)}
        self.worker = Worker(record, lanes(record), lambda: self.house, channels, lock, outside, hearing)
        self._following: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work: lanes, pumps, timers, and hearing Telegram, at our public address or by asking it."""
        await self.record.news.start()
        if not self.works:
            return
        mind = self.house.book.mind
        learning.warm((mind.trades, mind.services, mind.scams))
        await self.worker.start()
        self._following = [
            asyncio.create_task(layouts.follow(self.record, self.channels)),
            asyncio.create_task(teaching.follow(self.record, lambda: self.house, self._use, self.settings.var)),
        ]

    async def stop(self) -> None:
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)
        await self.worker.stop()
        await self.strangers.stop()
        await self.record.news.stop()

    async def keep(self, channel: str, events: list[Event]) -> None:
        """Take in what a channel read; committed when this returns."""
        if events:
            await self.record.run(keep, channel, events)

    def _use(self, house: House) -> None:
        self.house = house

    async def _hear(self, telegram: Telegram) -> None:
        """In the background, in one process of all: two that ask Telegram get in each other's way."""
        from bot.channels.telegram_polling import poll
        from bot.channels.telegram_setup import insist, listen_at, offer_commands, stop_listening

        public = self.settings.public_base_url
        if public is not None:
            await insist(lambda: listen_at(telegram, self.record, f"{public}/webhooks/telegram"))
        else:
            await insist(lambda: stop_listening(telegram))
        await insist(lambda: offer_commands(telegram, self.house.tongues))
        if public is None:
            await poll(telegram, lambda events: self.keep("telegram", events))
        await asyncio.Event().wait()  # said once, and ours to say until we end


def keep(tx: Tx, channel: str, events: list[Event]) -> None:
    for event in events:
        match event:
            case Incoming():
                inbox.accept(tx, channel, event)
            case Status():
                inbox.settle(tx, channel, event)
            case Reach():
                inbox.reach(tx, channel, event)
            case Unreadable():
                unreadable.keep(tx, channel, event)


def prepare(settings: Settings) -> Record:
    """The record, migrated, its keys in use, directory and demo world loaded.

    Raises `NoKeys`, `NotSafe`, and `Unusable` where there is no such database to be had.
    """
    record, first_time = opened(settings)
    crypto.use(crypto.ready(settings.puente_keys, database_exists=not first_time))
    migrate(record.engine)
    record.do(_check_keys, settings.puente_keys)
    record.do(_furnish, settings.demo)
    return record


def _furnish(tx: Tx, with_demo: bool) -> None:
    """The directory of this release and, at the very first start, the demo world: both or neither, by one machine."""
    hold(tx, [b"furnish the house"])
    new = tx.one("SELECT id FROM service LIMIT 1") is None
    directory.seed(tx)
    if new and with_demo:
        demo.load(tx)


def opened(settings: Settings) -> tuple[Record, bool]:
    """The record, and whether nothing was ever kept in it."""
    try:
        record = Record(settings.database_url)
        return record, not exists(record.engine)
    except (OSError, DBAPIError, sqlite3.DatabaseError) as error:
        why = error.strerror if isinstance(error, OSError) else getattr(error, "orig", None) or error
        raise Unusable(f"the database of DATABASE_URL cannot be opened: {why}") from None


def _check_keys(tx: Tx, path: Path) -> None:
    """Raises `NoKeys` unless these keys open what this database holds, and find whom it knows."""
    staff = tx.one("SELECT name FROM staff LIMIT 1")
    person = tx.one("SELECT channel, hash, value FROM address ORDER BY id DESC LIMIT 1")
    keys = crypto.vault()
    wrong = f"{path} does not hold the keys this database was written with; put back the file that does"
    try:
        if staff is not None:
            keys.open("staff.name", staff["name"])
        address = "" if person is None else keys.open("address.value", person["value"])
    except NoKeys:
        raise NoKeys(wrong) from None
    if person is not None and keys.blind(person["channel"], address) != bytes(person["hash"]):
        raise NoKeys(wrong)


def build(settings: Settings, mind: Mind | None = None, works: bool = True) -> Puente:
    """Everything, from the settings; the only place where parts are put together. `mind` replaces the real one."""
    record = prepare(settings)
    understanding = mind or knowledge.mind(record.do(teaching.own), kept=settings.var, apart=True)
    return Puente(settings, record, house.build(understanding), channels(settings, record.do(layouts.stored)), works)


def channels(settings: Settings, stored: Mapping[str, str]) -> dict[str, Channel]:
    """The channels whose settings are given, and the two that need none."""
    found: dict[str, Channel] = {"web": Local(WEB), "terminal": Local(TERMINAL)}
    if settings.telegram_token is not None:
        from bot.channels.telegram import Telegram

        secrets = both(settings.telegram_secret)
        found["telegram"] = Telegram(
            settings.telegram_token.get_secret_value(),
            secrets[0] if secrets else None,
            settings.telegram_api_base,
            older=secrets[1:],
            public=settings.public_base_url,
        )
    if settings.twilio_account_sid and settings.twilio_auth_token and settings.public_base_url:
        from bot.channels.whatsapp import WhatsApp

        token, *older_tokens = both(settings.twilio_auth_token)
        found["whatsapp"] = WhatsApp(
            settings.twilio_account_sid,
            token,
            settings.public_base_url,
            settings.twilio_whatsapp_from,
            settings.twilio_messaging_service_sid,
            settings.twilio_api_base,
            stored,
            older=older_tokens,
        )
    return found
