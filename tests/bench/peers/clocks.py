"""Where a turn's time goes: every part of ours on its own clock, what it calls counted apart, in every thread."""

from __future__ import annotations

import functools
import importlib
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from types import CoroutineType
from typing import Any

PARTS = {
    "database: begin, commit": ("bot.hand:Hand.begin", "bot.hand:Hand.commit"),
    "database: savepoints, following": ("bot.record:Record._by_itself",),
    "encryption, look-up hashes": ("bot.crypto:Vault.seal", "bot.crypto:Vault.open", "bot.crypto:Vault.blind"),
    "JSON": ("json:dumps", "json:loads"),
    "conversation": ("flows.engine:advance", "flows.engine:welcome", "flows.engine:begin"),
    "danger and the rest heard": ("flows.interrupts:danger", "flows.interrupts:command"),
    "HTTP: FastAPI, guard": ("api.guard:Guard.__call__",),
    "webhook: verified": ("bot.channels.telegram:Telegram.genuine", "bot.channels.whatsapp:WhatsApp.genuine"),
    "webhook: read": ("bot.channels.telegram:Telegram.read", "bot.channels.whatsapp:WhatsApp.read"),
    "reply: written": ("bot.channels.telegram:Telegram.write", "bot.channels.whatsapp:WhatsApp.write"),
    "reply: handed over": ("bot.channels.telegram:Telegram.send", "bot.channels.whatsapp:WhatsApp.send"),
    "taking in": ("bot.inbox:accept",),
    "turn": ("bot.turn:take",),
    "effects, audit": ("bot.effects:apply",),
    "look-ups": ("bot.queries:answer",),
    "outbox: put": ("bot.outbox:put",),
    "outbox: claimed": ("bot.outbox:claim",),
    "outbox: settled": ("bot.outbox:settle",),
    "lane woken": ("bot.record:Tx.wake",),
}
"""What a person reads in the table, and the functions it is the time of (module:name), less what they call here."""

STATEMENTS = ("bot.record:Tx.run", "bot.record:Tx.many")


class Clocks:
    """Seconds of CPU and calls by part, from `start` on."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)
        self._running = threading.local()
        self._lock = threading.Lock()

    def start(self) -> None:
        for part, names in PARTS.items():
            for name in names:
                _replace(name, functools.partial(self._timed, lambda *_given, part=part: part))
        for name in STATEMENTS:
            _replace(name, functools.partial(self._timed, lambda _tx, statement, *_more: f"SQL {shortly(statement)}"))

    def clear(self) -> None:
        self.spent.clear()
        self.calls.clear()

    def enter(self, part: str) -> None:
        """Stop the clock of what runs in this thread, and start another."""
        now = time.thread_time()
        stack = self._stack()
        if stack:
            self._add(stack[-1][0], now - stack[-1][1])
        stack.append([part, now])

    def leave(self) -> None:
        now = time.thread_time()
        stack = self._stack()
        part, since = stack.pop()
        self._add(part, now - since)
        if stack:
            stack[-1][1] = now

    def _stack(self) -> list[list[Any]]:
        if not hasattr(self._running, "stack"):
            self._running.stack = []
        stack: list[list[Any]] = self._running.stack
        return stack

    def _add(self, part: str, seconds: float) -> None:
        with self._lock:
            self.spent[part] += seconds

    def _timed(self, part_of: Callable[..., str], function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def timed(*given: Any, **more: Any) -> Any:
            part = part_of(*given)
            self.calls[part] += 1
            self.enter(part)
            try:
                result = function(*given, **more)
            finally:
                self.leave()
            return Stepped(self, part, result) if isinstance(result, CoroutineType) else result

        return timed


class Stepped:
    """A coroutine whose clock runs only while it does."""

    def __init__(self, clocks: Clocks, part: str, work: CoroutineType[Any, Any, Any]) -> None:
        self._clocks, self._part, self._work = clocks, part, work

    def __await__(self) -> Any:
        sent: Any = None
        while True:
            self._clocks.enter(self._part)
            try:
                waits_for = self._work.send(sent)
            except StopIteration as done:
                return done.value
            finally:
                self._clocks.leave()
            sent = yield waits_for


def shortly(statement: str) -> str:
    """A statement by its first words, enough to find it by."""
    words = " ".join(statement.split())
    return words if len(words) <= 64 else words[:63] + "…"


def _replace(name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    module, _colon, path = name.partition(":")
    holder: Any = importlib.import_module(module)
    *above, last = path.split(".")
    for one in above:
        holder = getattr(holder, one)
    setattr(holder, last, wrap(getattr(holder, last)))
