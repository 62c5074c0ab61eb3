"""What comes before the waiting question, always in this order: danger, hiding, rights, notices, then commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.message import Message
from flows.mind import Mind

SUBFLOWS: Mapping[str, str] = {
    "panic": "hide",
    "erase_data": "erase",
    "my_data": "my_data",
    "stop_notices": "stop_notices",
    "resume_notices": "resume_notices",
    "person": "person",
    "language": "language",
    "help": "help",
    "case_status": "case_status",
    "who_are_you": "who",
    "trust_question": "trust",
}
"""Commands that open a small conversation and come back."""

FIRST = frozenset({"panic", "erase_data", "my_data", "stop_notices"})
"""Commands nothing on offer comes before; all others yield to an option's own words ("continuar", "ayuda")."""

MOVES: Mapping[str, str] = {"menu": "menu", "back": "back", "cancel": "cancel", "leave": "cancel", "repeat": "repeat"}
"""Commands that move within the conversation; "salir" with no person there leaves what we are in."""

COURTESIES: Mapping[str, str] = {"greeting": "hello", "thanks": "thanks"}
"""Small talk: only when the waiting question had no use for it."""

WITH_A_PERSON = frozenset({"panic", "erase_data", "stop_notices", "resume_notices", "leave"})
"""All that the bot still hears while a case manager has the conversation, besides danger (SAFETY F2)."""

ADULT = 18
"""Years; Guatemala's age of majority (Código Civil, art. 8)."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Something that goes before the waiting question: a flow to call, or a move to make."""

    name: str
    answers: Mapping[str, Any] = field(default_factory=dict)


def danger(message: Message, mind: Mind) -> Interrupt | None:
    """Danger in what was written: nothing overrides it, not a human owner, not opt-out, not a command."""
    if not message.text:
        return None
    heard = mind.dangers.hear(message.text)
    if heard is not None:
        return Interrupt("danger", {"danger": heard.kind, "urgency": heard.level})
    if mind.age is not None and (age := mind.age(message.text)) is not None and age < ADULT:
        return Interrupt("danger", {"danger": "minor_writing_alone", "urgency": "R1"})
    return None


def command(message: Message, mind: Mind, yielding: bool = False) -> Interrupt | None:
    """A command heard anywhere: the privacy words, notices, a person, the menu and the rest.

    `yielding` when the whole message names an option on offer: then only the first of them count.
    """
    if not message.text:
        return None
    heard = mind.commands.hear(message.text) or ""
    if yielding and heard not in FIRST:
        return None
    name = SUBFLOWS.get(heard) or MOVES.get(heard)
    return Interrupt(name) if name else None


def while_with_a_person(message: Message, mind: Mind) -> Interrupt | None:
    """What the bot still answers while a case manager has the conversation."""
    if (alarm := danger(message, mind)) is not None:
        return alarm
    heard = mind.commands.hear(message.text) if message.text else None
    if heard is None or heard not in WITH_A_PERSON:
        return None
    return Interrupt("leave_person" if heard == "leave" else SUBFLOWS[heard])
