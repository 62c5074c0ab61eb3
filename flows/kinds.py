"""What counts as an answer to an open question, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.message import Message
from flows.mind import Mind
from flows.text import Text, _
from flows.understanding.normalise import fold

LONGEST = 300
"""Characters kept of a free answer."""

OFFER = 2000
"""Characters kept of one message with a pasted offer."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """An answer that was understood, as it is stored: JSON."""

    value: Any


@dataclass(frozen=True, slots=True)
class Which:
    """Several things it may mean: rows to choose from, each with id and label."""

    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of answer. `eager` kinds would take almost any text, so a question of the person's own comes first.

    `other` says what is kept when none of the offered meanings fits; without it the question is put again.
    """

    name: str
    read: Callable[[Message, Mind], Value | Which | None]
    which: Text = _("¿Cuál de estos es?")
    eager: bool = False
    other: Callable[[str], Any] | None = None


def _text(message: Message, mind: Mind) -> Value | None:
    said = message.text[:LONGEST].strip()
    return Value(said) if fold(said) else None


def _anything(message: Message, mind: Mind) -> Value | None:
    return Value("")


def _place(message: Message, mind: Mind) -> Value | Which | None:
    where = mind.places.find(message.text) if message.text else None
    if where is None or where.decision == "unknown":
        return None
    if where.decision == "place":
        return Value(_town(where.codes[0], mind))
    return Which(tuple(_town(code, mind) for code in where.codes[:8]))


def _town(code: str, mind: Mind) -> Row:
    return {"id": code, "label": mind.places.full_name(code)}


def _trade(message: Message, mind: Mind) -> Which | None:
    trades = mind.trades.find(message.text)[:3] if message.text else ()
    said = message.text[:LONGEST]
    rows = tuple({"id": trade.code, "label": _titles(trade.code, mind), "said": said} for trade in trades)
    return Which(rows) if rows else None


def _titles(code: str, mind: Mind) -> Mapping[str, str]:
    return {locale: mind.trades.title(code, locale) for locale in ("es", "en")}


def _unlisted(said: str) -> Row:
    """A trade in the person's own words; staff find the code later."""
    return {"id": "", "label": said[:LONGEST], "said": said[:LONGEST]}


def _offer(message: Message, mind: Mind) -> Value | None:
    """Somebody else's words, pasted: at least three of them or a link, and no command of the person's own."""
    said = message.text[:OFFER].strip()
    if len(fold(said).split()) < 3 and not any(mark in said for mark in "/@"):
        return None
    return None if mind.commands.hear(said) else Value(said)


def _key(message: Message, mind: Mind) -> Value | None:
    folded = fold(message.text)
    return Value(folded) if 4 <= len(folded) <= 30 else None


text = Kind("text", _text, eager=True)
question = Kind("question", _text)
anything = Kind("anything", _anything)
place = Kind("place", _place, which=_("Hay varios lugares con ese nombre. ¿Cuál es?"))
trade = Kind("trade", _trade, which=_("¿Cuál se parece más a su trabajo?"), eager=True, other=_unlisted)
offer = Kind("offer", _offer, eager=True)
key = Kind("key", _key)
