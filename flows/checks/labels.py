"""Whether the options of a question fit every channel's buttons and lists and cannot be taken for one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from flows import hearing
from flows.checks.finding import Finding
from flows.message import Message
from flows.steps import Ask, Choice, Choose, Flow, Pick, Step
from flows.talk import Option
from flows.text import Tongue, words
from flows.understanding.normalise import fold
from flows.walk import MORE, PAGE, SKIP

OPTIONS = 10
"""The most a person can be asked to choose from at once; a WhatsApp list has ten rows (Twilio, list picker)."""


class Limits(Protocol):
    """What a channel can show: so many buttons, so many rows of a list, and characters of each part."""

    @property
    def name(self) -> str: ...
    @property
    def buttons(self) -> int: ...
    @property
    def button_label(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def row_label(self) -> int: ...
    @property
    def row_hint(self) -> int: ...
    @property
    def body(self) -> int: ...


def check(flows: Mapping[str, Flow], tongues: Sequence[Tongue], limits: Sequence[Limits]) -> Iterator[Finding]:
    for flow in flows.values():
        for name, step in flow.steps.items():
            options, shown = offered(step)
            if shown > OPTIONS:
                yield Finding(flow.name, name, "", f"offers {shown} options, {OPTIONS} at most")
            for tongue in tongues:
                problems = [*_alike(options, tongue)]
                for channel in limits:
                    problems += _too_long(step, options, shown, tongue, channel)
                yield from (Finding(flow.name, name, tongue.locale, problem) for problem in problems)


def offered(step: Step) -> tuple[list[Option], int]:
    """The options whose labels are ours, and how many there may be with the rows of a list."""
    match step:
        case Ask(skip=skip, options=options):
            shown = [*([SKIP] if skip else []), *_made(options)]
            return shown, len(shown)
        case Choose(options=options):
            return _made(options), len(options)
        case Pick(options=options):
            return [MORE, *_made(options)], PAGE + 1 + len(options)
        case _:
            return [], 0


def _made(options: Mapping[str, Choice]) -> list[Option]:
    return [Option(name, choice.label, choice.hint, choice.also) for name, choice in options.items()]


def _too_long(step: Step, options: Sequence[Option], shown: int, tongue: Tongue, channel: Limits) -> Iterator[str]:
    text = getattr(step, "text", None)
    if text is not None and len(tongue(text)) > channel.body:
        yield f"text longer than {channel.body} on {channel.name}"
    as_rows = shown > channel.buttons
    if as_rows and not channel.rows:
        return  # numbered text: any label will do
    if as_rows and shown > channel.rows:
        yield f"{shown} options, {channel.name} shows {channel.rows}"
    most = channel.row_label if as_rows else channel.button_label
    for option in options:
        if len(label := words(option.label, tongue)) > most:
            yield f"“{label}” is {len(label)} characters, {channel.name} shows {most}"
        if as_rows and option.hint and len(hint := words(option.hint, tongue)) > channel.row_hint:
            yield f"“{hint}” is {len(hint)} characters, {channel.name} shows {channel.row_hint}"


def _alike(options: Sequence[Option], tongue: Tongue) -> Iterator[str]:
    """Every label and every other word, typed, must be heard as its own option."""
    for option in options:
        others = tongue(option.also).split(",") if option.also else []
        for typed in (words(option.label, tongue), *others):
            if not fold(typed):
                yield f"“{option.id}” has an empty label or word"
                continue
            message = Message(text=typed.strip())
            heard = hearing.exactly(message, options, tongue) or hearing.roughly(message, options, tongue)
            if heard is not option:
                instead = f"`{heard.id}`" if heard else "nothing"
                yield f"“{typed.strip()}”, typed for `{option.id}`, is heard as {instead}"
