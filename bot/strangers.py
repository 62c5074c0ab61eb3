"""Who calls our webhooks and is not the vendor: counted, so that a storm is noticed, never a write for each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import structlog

from bot import alerts, meters, news
from bot.record import DOWN, Record

log = structlog.get_logger()

TOGETHER = 1.0
"""Seconds whose calls are written down in one go."""


class Strangers:
    """The count of one process on its way to the record, where all machines' counts meet."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._seen: Counter[str] = Counter()
        self._writing: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()

    def seen(self, channel: str) -> None:
        """One more; from the event loop."""
        meters.STRANGERS.labels(channel).inc()
        self._seen[channel] += 1
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_soon())

    async def stop(self) -> None:
        """Write down what is counted, now."""
        self._hurry.set()
        if self._writing is not None:
            await self._writing

    async def _write_soon(self) -> None:
        await news.told(self._hurry, TOGETHER)
        await self._write()

    async def _write(self) -> None:
        while self._seen:
            channel, count = self._seen.popitem()
            try:
                await self._record.run(alerts.stranger, channel, count, time.time())
            except DOWN as error:
                log.error("strangers.not_counted", error=type(error).__name__)
                return
