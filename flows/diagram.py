"""A conversation drawn as a Mermaid flowchart, for people who would rather look at it than read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flows.steps import (
    END,
    HOME,
    Ask,
    Branch,
    Call,
    Choose,
    Do,
    Flow,
    Hold,
    Lookup,
    Pick,
    Say,
    Step,
    exits,
)
from flows.text import SPANISH, Tongue

CUT = 60
"""Characters of a text shown in a box: enough to know it again."""

_ESCAPED = str.maketrans(
    {"&": "#amp;", "<": "#lt;", ">": "#gt;", '"': "#quot;", "#": "#35;", "`": "#96;", "\n": " ", "|": "#124;"}
)


def mermaid(flow: Flow, tongue: Tongue = SPANISH) -> str:
    """One flow from its first step on. Questions are rounded, queries and effects slanted, other flows doubled."""
    lines = ["flowchart TD", f"  begin([{_quoted(tongue(flow.title))}]) --> {_id(flow.start)}"]
    lines += [f"  {_id(name)}{_shape(name, step, tongue)}" for name, step in flow.steps.items()]
    leads = [edge for name, step in flow.steps.items() for edge in _edges(name, step, tongue)]
    targets = {target for step in flow.steps.values() for target in exits(step).values()}
    lines += [f"  {_id(place)}([{_quoted(tongue(said))}])" for place, said in _PLACES.items() if place in targets]
    return "\n".join([*lines, *leads, ""])


def overview(flows: Mapping[str, Flow], tongue: Tongue = SPANISH) -> str:
    """Which conversation opens which other."""
    lines = ["flowchart LR"]
    lines += [f"  {_id(name)}[{_quoted(tongue(flow.title))}]" for name, flow in flows.items()]
    for name, flow in flows.items():
        called = dict.fromkeys(step.flow for step in flow.steps.values() if isinstance(step, Call))
        lines += [f"  {_id(name)} --> {_id(other)}" for other in called]
    return "\n".join([*lines, ""])


_PLACES: Mapping[str, str] = {END: "↩", HOME: "⌂"}
"""Where exits lead that are no step: back to the conversation that called this one, and to the menu."""


def _shape(name: str, step: Step, tongue: Tongue) -> str:
    match step:
        case Say(lines=lines):
            return f"[{_quoted(_cut(' '.join(tongue(line) for line in lines)))}]"
        case Ask(text=text) | Choose(text=text) | Pick(text=text):
            return f"({_quoted(_cut(tongue(text)))})"
        case Lookup(query=query):
            return f"[/{_quoted(f'? {query.__name__}')}/]"
        case Do(effect=effect):
            return f"[/{_quoted(f'! {effect.__name__}')}/]"
        case Call(flow=called):
            return f"[[{_quoted(called)}]]"
        case Branch():
            return f"{{{_quoted(name)}}}"
        case Hold():
            return f"({_quoted('…')})"


def _edges(name: str, step: Step, tongue: Tongue) -> Iterator[str]:
    """One arrow a target: exits that lead to the same step share it."""
    ways: dict[str, list[str]] = {}
    for way, target in exits(step).items():
        ways.setdefault(target, []).append(_way(step, way, tongue))
    for target, labels in ways.items():
        label = _cut(" / ".join(filter(None, labels)))
        yield f"  {_id(name)} -->{f'|{_quoted(label)}|' if label else ''} {_id(target)}"


def _way(step: Step, way: str, tongue: Tongue) -> str:
    """How an exit reads: its option's label, its name, or nothing where there is only one."""
    options = step.options if isinstance(step, Ask | Choose | Pick) else {}
    if way in options:
        return tongue(options[way].label)
    return "" if way == "then" else way


def _id(name: str) -> str:
    """A node's id; the underscore keeps names apart from Mermaid's own words, "end" above all."""
    return f"{name}_"


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPED)}"'


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= CUT else f"{flat[: CUT - 1]}…"
