"""The threads that write to the record: what waits together is written together, and whoever asked is told."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

SOON = 0.01
"""Seconds that work which need not be written at once waits for other work to be written with."""


class Outcome(NamedTuple):
    """What became of one piece of work: what it returned, or what it raised."""

    value: Any = None
    error: BaseException | None = None


class Asked(NamedTuple):
    work: Callable[..., Any]
    future: asyncio.Future[Any]


CarryOut = Callable[[Sequence[Callable[..., Any]]], Sequence[Outcome]]
"""Writes pieces of work in one transaction: an outcome for each, or for the first of them when they take long."""


class Writers:
    """Threads in front of the database. Work is begun in the order asked; `most` pieces share a transaction."""

    def __init__(self, carry_out: CarryOut, threads: int, most: int) -> None:
        self._carry_out, self._most, self._count = carry_out, most, threads
        self._asked: SimpleQueue[Asked | None] = SimpleQueue()
        self._soon: deque[Asked] = deque()
        self._threads: list[threading.Thread] = []

    def ask(self, work: Callable[..., Any], soon: bool = False) -> asyncio.Future[Any]:
        """Have a piece of work written; from the event loop. With `soon` it goes along with what comes next."""
        if not self._threads:
            self._start()
        loop = asyncio.get_running_loop()
        asked = Asked(work, loop.create_future())
        if soon:
            self._soon.append(asked)
            loop.call_later(SOON, self._go_by_itself)
        else:
            self._asked.put(asked)
        return asked.future

    def close(self) -> None:
        """Finish what was asked for, and end."""
        self._go_by_itself()
        for _thread in self._threads:
            self._asked.put(None)
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _start(self) -> None:
        self._threads = [
            threading.Thread(target=self._write, name=f"record-{number}", daemon=True)
            for number in range(self._count)
        ]
        for thread in self._threads:
            thread.start()

    def _go_by_itself(self) -> None:
        with contextlib.suppress(IndexError):  # it has gone along with something
            self._asked.put(self._soon.popleft())

    def _write(self) -> None:
        waiting: list[Asked] = []
        ended = False
        while waiting or not ended:
            ended = self._gather(waiting) or ended
            together = waiting[: self._most]
            outcomes = self._outcomes(together)
            _tell(together, outcomes)
            del waiting[: len(outcomes)]

    def _gather(self, waiting: list[Asked]) -> bool:
        """Add what was asked for, waiting for it when there is nothing; True when nothing more will come."""
        with contextlib.suppress(IndexError, Empty):
            if not waiting:
                first = self._asked.get()
                self._take_along(waiting)
                if first is None:
                    return True
                waiting.append(first)
            while len(waiting) < self._most:
                following = self._asked.get_nowait()
                if following is None:
                    return True
                waiting.append(following)
        return False

    def _take_along(self, waiting: list[Asked]) -> None:
        while self._soon and len(waiting) < self._most - 1:
            waiting.append(self._soon.popleft())

    def _outcomes(self, together: Sequence[Asked]) -> Sequence[Outcome]:
        try:
            return self._carry_out([asked.work for asked in together]) if together else ()
        except BaseException as error:  # whatever happened, who asked must hear of it, and the thread goes on
            return [Outcome(error=error)] * len(together)


def _tell(together: Sequence[Asked], outcomes: Sequence[Outcome]) -> None:
    """Hand each outcome to who asked for it, with one word to each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Outcome]]] = {}
    for asked, outcome in zip(together, outcomes, strict=False):
        by_loop.setdefault(asked.future.get_loop(), []).append((asked.future, outcome))
    for loop, answers in by_loop.items():
        with contextlib.suppress(RuntimeError):  # its loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: Iterable[tuple[asyncio.Future[Any], Outcome]]) -> None:
    for future, outcome in answers:
        if future.done():
            continue  # who asked has gone away
        if outcome.error is None:
            future.set_result(outcome.value)
        else:
            future.set_exception(outcome.error)
