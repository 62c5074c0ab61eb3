"""Whether the names that are stored are plain, and those that refer to something refer to something there is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any

from flows.checks.finding import Finding
from flows.steps import END, HOME, Ask, Choose, Do, Flow, Lookup, Pick

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_OPTION = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
"""An option's id may begin with a figure (an age band); forty letters fit any button (Telegram: 64 bytes)."""


def check(flows: Mapping[str, Flow]) -> Iterator[Finding]:
    for key, flow in flows.items():
        if key != flow.name:
            yield Finding(key, "", "", f"the flow is named `{flow.name}`")
        yield from _plain(flow)
        yield from _renamed(flow)
        yield from _fields(flow)
        for name in sorted(set(flow.remembers) - flow.saved()):
            yield Finding(key, "", "", f"remembers `{name}`, which no step saves")


def _plain(flow: Flow) -> Iterator[Finding]:
    for name in (flow.name, *flow.steps, *flow.saved(), *flow.takes):
        if not _NAME.fullmatch(name):
            yield Finding(flow.name, "", "", f"`{name}` is not a plain lower-case name")
    for name in {END, HOME} & set(flow.steps):
        yield Finding(flow.name, name, "", f"`{name}` is an exit, no step can be called that")
    for name, step in flow.steps.items():
        for option in step.options if isinstance(step, Ask | Choose | Pick) else ():
            if not _OPTION.fullmatch(option):
                yield Finding(flow.name, name, "", f"option `{option}` is not a plain lower-case name")


def _renamed(flow: Flow) -> Iterator[Finding]:
    for old, new in flow.renamed.items():
        if old in flow.steps:
            yield Finding(flow.name, old, "", "is renamed, but there is such a step")
        if new not in flow.steps:
            yield Finding(flow.name, old, "", f"is renamed to `{new}`, which does not exist")


def _fields(flow: Flow) -> Iterator[Finding]:
    """What a query or an effect is given must be its fields, and nothing it cannot do without may be missing."""
    for name, step in flow.steps.items():
        if not isinstance(step, Do | Lookup):
            continue
        wanted = step.effect if isinstance(step, Do) else step.query
        known = {field.name: field for field in fields(wanted)}  # type: ignore[arg-type]  # every one is a dataclass
        for field in sorted({*step.needs, *step.given} - set(known)):
            yield Finding(flow.name, name, "", f"{wanted.__name__} has no field `{field}`")
        for field in sorted(set(step.needs) & set(step.given)):
            yield Finding(flow.name, name, "", f"`{field}` is both needed and given")
        for field in sorted(set(known) - {*step.needs, *step.given}):
            if required(known[field]):
                yield Finding(flow.name, name, "", f"{wanted.__name__} needs `{field}`")


def required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING
