"""Buttons and lists on WhatsApp: the layouts kept at Twilio, created once and found again by their hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from bot.channels import Choice, Spoken, cut

BUTTONS, ROWS = 3, 10
TITLE, ITEM, ID, HINT, BODY, OPENER = 20, 24, 200, 72, 1024, "Ver / See"
NAME = "puente"


def layouts() -> dict[str, dict[str, Any]]:
    """Every layout we need, by name, as Twilio's `types`: n buttons, n rows, n rows with a description each.

    All words and ids are variables, so the same few layouts serve every question in every language. They are for
    use within the 24-hour window and need no approval.
    """
    made: dict[str, dict[str, Any]] = {}
    for count in range(1, BUTTONS + 1):
        actions = [{"title": _slot(2 * n + 2), "id": _slot(2 * n + 3)} for n in range(count)]
        made[f"buttons-{count}"] = {"twilio/quick-reply": {"body": "{{1}}", "actions": actions}}
    for count in range(1, ROWS + 1):
        plain = [{"item": _slot(2 * n + 2), "id": _slot(2 * n + 3)} for n in range(count)]
        hinted = [
            {"item": _slot(3 * n + 2), "id": _slot(3 * n + 3), "description": _slot(3 * n + 4)} for n in range(count)
        ]
        for name, items in (("rows", plain), ("hints", hinted)):
            made[f"{name}-{count}"] = {"twilio/list-picker": {"body": "{{1}}", "button": OPENER, "items": items}}
    return made


def current(stored: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Of (layout, digest, Twilio's id): the ids of the layouts as this release has them, by layout."""
    now = {name: digest(types) for name, types in layouts().items()}
    return {layout: sid for layout, made, sid in stored if now.get(layout) == made}


def digest(types: dict[str, Any]) -> str:
    """Names a layout by what it is: a changed one gets another name and is created anew."""
    return hashlib.sha256(json.dumps(types, sort_keys=True).encode()).hexdigest()[:12]


def friendly_name(layout: str, types: dict[str, Any]) -> str:
    return f"{NAME}_{layout.replace('-', '_')}_{digest(types)}"


def fitting(spoken: Spoken) -> Iterator[tuple[str, dict[str, str]]]:
    """The layouts that could say this, best first, each with the values of its variables.

    None where Twilio would not take it: too long, an option without words, two that would read the same.
    """
    choices = spoken.choices
    if not 0 < len(choices) <= ROWS or not 0 < len(spoken.text) <= BODY:
        return
    if len({cut(choice.label, ITEM) for choice in choices if choice.label}) < len(choices):
        return
    if len({choice.id for choice in choices if 0 < len(choice.id) <= ID}) < len(choices):
        return
    if len(choices) <= BUTTONS and all(len(choice.label) <= TITLE for choice in choices):
        pairs = [text for choice in choices for text in (choice.label, choice.id)]
        yield f"buttons-{len(choices)}", _numbered(spoken.text, pairs)
    if any(_hint(choice) for choice in choices):
        triples = [
            text
            for choice in choices
            for text in (cut(choice.label, ITEM), choice.id, cut(_hint(choice) or choice.label, HINT))
        ]
        yield f"hints-{len(choices)}", _numbered(spoken.text, triples)
    else:
        pairs = [text for choice in choices for text in (choice.label, choice.id)]
        yield f"rows-{len(choices)}", _numbered(spoken.text, pairs)


def _hint(choice: Choice) -> str | None:
    """What explains a row: its full label where that had to be cut, else its own hint."""
    return choice.label if len(choice.label) > ITEM else choice.hint


def _numbered(body: str, values: list[str]) -> dict[str, str]:
    return {str(number): value for number, value in enumerate([body, *values], 1)}


def _slot(number: int) -> str:
    return f"{{{{{number}}}}}"
