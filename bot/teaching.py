"""What staff said unclear texts are, taught to the bot: by `puente train`, and at every start."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog
from sqlmodel import select

from bot import knowledge, memo, news, unanswered
from bot.house import House
from bot.knowledge import Own
from bot.logs import where
from bot.models import Service
from bot.record import DOWN, Record, Tx
from flows.book import Book
from flows.conversations import FLOWS

log = structlog.get_logger()

TRAINED = "trained"
"""The topic, and the number kept, that tell every process of a `puente train`."""

LOOK = 30.0
"""Seconds between looks for one: a process of its own cannot call us on SQLite."""


def own(tx: Tx) -> Own:
    """What this house brings: its directory as staff edited it, and what they said texts are."""
    rows = {row.id: row for row in tx.session.exec(select(Service).order_by(Service.id)).all()}
    shipped = {str(record["id"]): record for record in knowledge.shipped().services}
    records = [record for id, record in shipped.items() if id in rows]
    return Own([*records, *(_learnable(row) for id, row in rows.items() if id not in shipped)], unanswered.said(tx))


def trained(tx: Tx, now: float) -> None:
    """Everything was learnt anew; whoever runs uses it within seconds."""
    memo.put(tx, TRAINED, now, now)
    tx.tell(TRAINED)


async def follow(record: Record, house: Callable[[], House], use: Callable[[House], None], kept: Path) -> None:
    """After every `puente train`, have conversations use what was learnt, for ever; none is interrupted."""
    told = asyncio.Event()
    unhear = record.news.hear(TRAINED, lambda _about: told.set())
    known = await _last(record, None)
    try:
        while True:
            await news.told(told, LOOK)
            told.clear()
            if (last := await _last(record, known)) != known:
                with contextlib.suppress(*DOWN):  # the next look sees it
                    use(await asyncio.to_thread(_learnt, house(), await record.run(own), kept))
                    known = last
    except Exception as error:
        log.error("teaching.ended", error=type(error).__name__, where=where(error))
        raise
    finally:
        unhear()


async def _last(record: Record, otherwise: float | None) -> float | None:
    try:
        return await record.run(memo.get, TRAINED)
    except DOWN:
        return otherwise


def _learnt(house: House, brought: Own, kept: Path) -> House:
    mind = knowledge.taught(house.book.mind, brought, kept)
    return replace(house, book=Book(FLOWS, mind))


def _learnable(row: Service) -> dict[str, object]:
    def spanish(field: str) -> object:
        words = row.record.get(field)
        return words.get("es") if isinstance(words, dict) else words

    return {
        "id": row.id,
        "name_es": spanish("name"),
        "ship": row.ship,
        "tags": row.topic.split(),
        "dimension": None,
        **{field: spanish(field) for field in ("institution", "facts", "for_whom", "requirements", "where")},
    }
