"""Who wants to know hears of it after the commit: in this process, and on PostgreSQL in every other one too."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

import psycopg
import structlog

log = structlog.get_logger()

CHANNEL = "puente"
"""PostgreSQL's notification channel; a payload is `topic about`."""

Heard = Callable[[str], None]


async def told(event: asyncio.Event, within: float) -> bool:
    """Wait for an event for so many seconds; whether it came.

    `asyncio.wait_for` (Python 3.11) loses the word to stop that comes together with the event.
    """
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        return False
    return True


class News:
    """Short notices by topic. They may be lost (a listener away, a connection down): the rows are the truth."""

    def __init__(self, postgres: str | None) -> None:
        self._postgres = postgres
        self._listeners: dict[str, set[Heard]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listening: asyncio.Task[None] | None = None

    def hear(self, topic: str, listener: Heard) -> Callable[[], None]:
        """Call `listener(about)` on the event loop for every notice of a topic; returns what ends it."""
        self._listeners[topic].add(listener)
        return lambda: self._listeners[topic].discard(listener)

    def spread(self, notices: Iterable[tuple[str, str]]) -> None:
        """Tell the listeners of this process, each notice `(topic, about)`; from any thread."""
        heard = [notice for notice in notices if self._listeners.get(notice[0])]
        if heard and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_all, heard)

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._postgres is not None:
            self._listening = asyncio.create_task(self._listen(self._postgres))

    async def stop(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        self._loop = None

    def _tell_all(self, notices: Iterable[tuple[str, str]]) -> None:
        for topic, about in notices:
            self._tell(topic, about)

    def _tell(self, topic: str, about: str) -> None:
        for listener in list(self._listeners[topic]):
            listener(about)

    async def _listen(self, address: str) -> None:
        """Hear what other processes say, for ever; a lost connection is made again."""
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    async for notice in connection.notifies():
                        topic, _space, about = notice.payload.partition(" ")
                        self._tell(topic, about)
            except psycopg.Error as error:
                log.warning("news.connection_lost", error=type(error).__name__)
                await asyncio.sleep(0.5)
