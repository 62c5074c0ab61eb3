"""Which buttons and lists a provider keeps for us: made by a command, used by whatever runs, without a restart."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from sqlmodel import select

from bot import news
from bot.channels import Channel
from bot.channels.whatsapp_layouts import current
from bot.models import ContentTemplate
from bot.record import DOWN, Record, Tx

NEWS = "layouts"
"""The topic under which their change is told; a process that cannot hear of it looks for itself."""

LOOK = 30.0
"""Seconds between such looks."""


@runtime_checkable
class Keeps(Protocol):
    """A channel whose layouts are kept at the provider: the ids there, by our names for them."""

    contents: Mapping[str, str]


def stored(tx: Tx) -> dict[str, str]:
    """The provider's ids of our layouts, by layout; those of an older release do not count."""
    return current((row.layout, row.digest, row.sid) for row in tx.session.exec(select(ContentTemplate)).all())


def remember(tx: Tx, layout: str, digest: str, sid: str) -> None:
    """Where a layout is from now on."""
    tx.run("DELETE FROM content_template WHERE layout = :layout", layout=layout)
    tx.run("INSERT INTO content_template (layout, digest, sid) VALUES (:l, :d, :s)", l=layout, d=digest, s=sid)
    tx.tell(NEWS, layout)


async def follow(record: Record, channels: Mapping[str, Channel]) -> None:
    """Give the channels what is stored whenever that changes, for ever."""
    keeping = [channel for channel in channels.values() if isinstance(channel, Keeps)]
    if not keeping:
        return
    changed = asyncio.Event()
    unhear = record.news.hear(NEWS, lambda _layout: changed.set())
    try:
        while True:
            await news.told(changed, LOOK)
            changed.clear()
            with contextlib.suppress(*DOWN):  # the next look sees it
                found = await record.run(stored)
                for channel in keeping:
                    channel.contents = found
    finally:
        unhear()
