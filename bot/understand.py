"""What the bot makes of a line of text, for staff who want to see it and for measuring it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from bot import knowledge
from flows.mind import Mind

Answer = dict[str, Any]


def answer(task: str, line: Mapping[str, Any]) -> Answer:
    """What one engine, or the whole path (`message`), makes of `{"text": …}`."""
    return TASKS[task](str(line.get("text", "")))


@cache
def _mind() -> Mind:
    return knowledge.mind()


def _service(text: str) -> Answer:
    found = _mind().services.find(text)
    return {"decision": found.decision, "ids": list(found.ids), "score": round(float(found.score), 4)}


def _occupation(text: str) -> Answer:
    return {"codes": [trade.code for trade in _mind().trades.find(text)]}


def _place(text: str) -> Answer:
    where = _mind().places.find(text)
    return {"decision": where.decision, "codes": list(where.codes), "abroad": where.abroad}


def _danger(text: str) -> Answer:
    heard = _mind().dangers.hear(text)
    return {"danger": heard is not None, "kind": heard and heard.kind, "level": heard and heard.level}


def _scam(text: str) -> Answer:
    verdict = knowledge.scams().judge(text)
    return {"label": verdict.label, "reasons": list(verdict.reasons)}


def _command(text: str) -> Answer:
    return {"command": _mind().commands.hear(text)}


def _message(text: str) -> Answer:
    """In the order of a conversation: danger, then commands, then what the question is about."""
    danger = bool(_danger(text)["danger"])
    command = None if danger else _command(text)["command"]
    asked = {"decision": "unknown", "ids": []} if danger or command else _service(text)
    return {"danger": danger, "command": command, "decision": asked["decision"], "ids": asked["ids"]}


TASKS: Mapping[str, Callable[[str], Answer]] = {
    "service": _service,
    "occupation": _occupation,
    "place": _place,
    "danger": _danger,
    "scam": _scam,
    "command": _command,
    "message": _message,
}
