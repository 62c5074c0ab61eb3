"""What passes between a person and the bot in one turn: what they said, where they stand, what we say and do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.effects import Effect, Query
from flows.message import Message
from flows.text import Text

__all__ = ["Back", "Event", "Found", "Message", "Option", "Reply", "State", "Turn", "Way"]


@dataclass(frozen=True, slots=True)
class Found:
    """The world's answer to a flow's Query: rows of JSON values, best first."""

    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Back:
    """A person has given the conversation back to the bot, or the bot speaks first: say where we stand."""

    greeting: Text


Event = Message | Found | Back

Way = tuple[str, str, str]
"""An exit of a step: the flow, the step, the exit's name."""


@dataclass(frozen=True, slots=True)
class Option:
    """One thing to tap. Its id is stored and sent; its label is read; its hint explains it in a list."""

    id: str
    label: Any
    hint: Any = None
    also: Text | None = None
    """Other words for it, comma-separated and translatable: what people type instead of the label."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Words for the person, each line dropped if it has nothing to say, with the answers as they stood."""

    lines: tuple[Text, ...]
    options: tuple[Option, ...] = ()
    fills: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """All that is stored between two messages. JSON in and out; every name in it is a literal of a flow."""

    flow: str
    step: str
    answers: dict[str, Any] = field(default_factory=dict)
    callers: tuple[tuple[str, str], ...] = ()
    """Where each calling flow goes on, outermost first: (flow, step)."""
    trail: tuple[tuple[str, str, int], ...] = ()
    """The questions already put, oldest first, for going back and for corrections: (flow, step, depth)."""
    misses: int = 0
    """How often in a row the waiting step was not understood."""
    locked: bool = False
    """After the panic word: nothing stored about the person is said."""

    def to_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"flow": self.flow, "step": self.step}
        if self.answers:
            shown["answers"] = self.answers
        if self.callers:
            shown["callers"] = [list(frame) for frame in self.callers]
        if self.trail:
            shown["trail"] = [list(mark) for mark in self.trail]
        if self.misses:
            shown["misses"] = self.misses
        if self.locked:
            shown["locked"] = True
        return shown

    @classmethod
    def from_json(cls, shown: Mapping[str, Any]) -> State:
        return cls(
            flow=shown["flow"],
            step=shown["step"],
            answers=dict(shown.get("answers", {})),
            callers=tuple((flow, step) for flow, step in shown.get("callers", ())),
            trail=tuple((flow, step, depth) for flow, step, depth in shown.get("trail", ())),
            misses=shown.get("misses", 0),
            locked=shown.get("locked", False),
        )


@dataclass(frozen=True, slots=True)
class Turn:
    """What one event led to: the new state, an ordered log of what to say and do, and what is still wanted.

    `ways` are the exits taken to get there; a call's counts when the call is made.
    """

    state: State | None
    events: tuple[Reply | Effect, ...] = ()
    wants: Query | None = None
    ways: tuple[Way, ...] = ()
