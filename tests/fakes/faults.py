"""What can go wrong between us and a vendor, written down before it happens.

A plan is a list of faults and of whom they hit. The one question that matters for every fault is whether the
vendor took the message first (`after=True`): that is what a sender cannot see and must not guess.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

Kind = Literal["delay", "drop", "hang", "cut", "answer", "refuse", "later"]


@dataclass(frozen=True)
class Fault:
    """One failure. `after`: the vendor did the work, and only its answer is lost."""

    kind: Kind
    after: bool = False
    seconds: float = 0.0
    status: int = 0
    code: int = 0
    words: str = ""
    html: bool = False


def delay(seconds: float) -> Fault:
    """The answer is right, and late."""
    return Fault("delay", seconds=seconds)


def drop(after: bool = False) -> Fault:
    """The connection is reset without one byte of an answer."""
    return Fault("drop", after=after)


def hang(after: bool = False) -> Fault:
    """No answer at all, until the caller gives up."""
    return Fault("hang", after=after)


def cut() -> Fault:
    """Taken; the answer starts with its status line and breaks off in the body."""
    return Fault("cut", after=True)


def broken(status: int = 500, after: bool = True, html: bool = False) -> Fault:
    """A 5xx, in the vendor's JSON or as a proxy's HTML page."""
    return Fault("answer", after=after, status=status, html=html)


def busy(seconds: int = 1) -> Fault:
    """429: certainly not taken. Telegram says when to come back, Twilio (20429) says it too."""
    return Fault("refuse", status=429, code=20429, seconds=seconds, words="Too Many Requests")


def refuse(status: int, words: str, code: int = 0) -> Fault:
    """The vendor's own no: an HTTP status, its words, and Twilio's error code."""
    return Fault("refuse", status=status, words=words, code=code)


def later(code: int) -> Fault:
    """Twilio only: taken with 201, and failed with this code in a status callback."""
    return Fault("later", after=True, code=code)


BLOCKED = refuse(403, "Forbidden: bot was blocked by the user")
CHAT_NOT_FOUND = refuse(400, "Bad Request: chat not found")
DEACTIVATED = refuse(403, "Forbidden: user is deactivated")
OPTED_OUT = refuse(400, "Attempt to send to unsubscribed recipient", 21610)
OUTSIDE_WINDOW = later(63016)
CHANNEL_RATE = later(63018)


@dataclass
class Rule:
    """A fault, the calls it is meant for, and how many of them it still hits (or how likely it is)."""

    fault: Fault
    on: str = "send"  # "send", "any", or the name of one method
    to: str | None = None
    times: int = 1
    chance: float | None = None

    def meant_for(self, method: str, to: str, sends: bool) -> bool:
        if self.to is not None and self.to != to:
            return False
        return self.on == "any" or (self.on == "send" and sends) or self.on.lower() == method.lower()


class Plan:
    """Faults in the order they will happen, and a seeded weather of faults behind them.

    `take` is asked once a call, in the order of arrival: planned faults first, each used up, then chance.
    """

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._weather: list[Rule] = []
        self._dice = random.Random(seed)
        self.taken: list[tuple[str, str, Fault]] = []

    def add(self, *faults: Fault, on: str = "send", to: object = None, times: int = 1) -> Plan:
        with self._lock:
            self._rules += [Rule(f, on, None if to is None else str(to), times) for f in faults]
        return self

    def weather(self, seed: int, chances: Iterable[tuple[Fault, float]], on: str = "send") -> Plan:
        """From now on every call meets each fault with its own probability, reproducibly for one order of calls."""
        with self._lock:
            self._dice = random.Random(seed)
            self._weather = [Rule(fault, on, chance=chance) for fault, chance in chances]
        return self

    def clear(self) -> None:
        with self._lock:
            self._rules, self._weather = [], []

    def __len__(self) -> int:
        return sum(rule.times for rule in self._rules)

    def take(self, method: str, to: str, sends: bool) -> Fault | None:
        with self._lock:
            fault = self._planned(method, to, sends) or self._chanced(method, to, sends)
            if fault:
                self.taken.append((method, to, fault))
            return fault

    def _planned(self, method: str, to: str, sends: bool) -> Fault | None:
        for rule in self._rules:
            if rule.meant_for(method, to, sends):
                rule.times -= 1
                if rule.times <= 0:
                    self._rules.remove(rule)
                return rule.fault
        return None

    def _chanced(self, method: str, to: str, sends: bool) -> Fault | None:
        for rule in self._weather:
            if rule.meant_for(method, to, sends) and self._dice.random() < (rule.chance or 0):
                return rule.fault
        return None


def from_json(row: dict[str, Any]) -> tuple[Fault, dict[str, Any]]:
    """A fault and its aim as the control address takes them: `{"kind": "drop", "after": true, "times": 3}`."""
    known = {f.name for f in fields(Fault)}
    fault = Fault(**{k: v for k, v in row.items() if k in known})
    return fault, {k: v for k, v in row.items() if k in ("on", "to", "times")}
