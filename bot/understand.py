"""What the bot makes of a line of text, for staff who want to see it and for measuring it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from bot import knowledge
from bot.knowledge import Own
from flows import interrupts
from flows.message import Message
from flows.mind import Mind
from flows.understanding.commands import Commands
from flows.understanding.danger import Dangers
from flows.understanding.normalise import clean
from flows.understanding.occupations import Occupations
from flows.understanding.places import Places
from flows.understanding.scam import Scams
from flows.understanding.services import Services

Answer = dict[str, Any]


class Understanding:
    """The engines, each loaded when it is first needed; `kept` is what was learnt before, `own` what a house brings."""

    def __init__(self, kept: Path | None = None, own: Own | None = None) -> None:
        self._kept = kept
        self._own = own or knowledge.shipped()

    def answer(self, task: str, line: Mapping[str, Any]) -> Answer:
        """What one engine, or the whole path (`message`), makes of `{"text": …}`."""
        return TASKS[task](self, clean(str(line.get("text", ""))))

    @cached_property
    def services(self) -> Services:
        return knowledge.directory(self._own, self._kept)

    @cached_property
    def dangers(self) -> Dangers:
        return knowledge.dangers(self._kept)

    @cached_property
    def commands(self) -> Commands:
        return knowledge.commands(self._kept, self._own)

    @cached_property
    def trades(self) -> Occupations:
        return knowledge.trades(self._kept, self._own)

    @cached_property
    def places(self) -> Places:
        return knowledge.gazetteer(self._own)

    @cached_property
    def scams(self) -> Scams:
        return knowledge.scams(self._kept)

    @cached_property
    def mind(self) -> Mind:
        return knowledge.mind(self._own, self._kept)


def _service(engines: Understanding, text: str) -> Answer:
    found = engines.services.find(text)
    return {"decision": found.decision, "ids": list(found.ids), "score": round(float(found.score), 4)}


def _occupation(engines: Understanding, text: str) -> Answer:
    return {"codes": [trade.code for trade in engines.trades.find(text)]}


def _place(engines: Understanding, text: str) -> Answer:
    where = engines.places.find(text)
    return {"decision": where.decision, "codes": list(where.codes), "abroad": where.abroad}


def _danger(engines: Understanding, text: str) -> Answer:
    heard = engines.dangers.hear(text)
    return {"danger": heard is not None, "kind": heard and heard.kind, "level": heard and heard.level}


def _scam(engines: Understanding, text: str) -> Answer:
    verdict = engines.scams.judge(text)
    return {"label": verdict.label, "reasons": list(verdict.reasons)}


def _command(engines: Understanding, text: str) -> Answer:
    return {"command": engines.commands.hear(text)}


def _message(engines: Understanding, text: str) -> Answer:
    """In the order of a conversation: danger, then commands, then what the question is about."""
    mind = engines.mind
    danger = interrupts.danger(Message(text=text), mind) is not None
    command = None if danger else mind.commands.hear(text)
    asked: Answer = {"decision": "unknown", "ids": []}
    if not danger and command is None:
        found = mind.services.find(text)
        asked = {"decision": found.decision, "ids": list(found.ids)}
    return {"danger": danger, "command": command, **asked}


TASKS: Mapping[str, Callable[[Understanding, str], Answer]] = {
    "service": _service,
    "occupation": _occupation,
    "place": _place,
    "danger": _danger,
    "scam": _scam,
    "command": _command,
    "message": _message,
}
