"""Whether an answer is used only after it was given: in texts, queries, effects and lists to pick from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields

from flows.checks.finding import Finding
from flows.checks.names import required
from flows.checks.ways import INTERRUPTS, opened
from flows.steps import END, HOME, Ask, Call, Choose, Do, Flow, Lookup, Pick, Say, Step, exits, saves, texts
from flows.text import slots

Names = frozenset[str]


def check(flows: Mapping[str, Flow]) -> Iterator[Finding]:
    """A flow may use what it takes, what its own steps save, and what every flow keeps (the language)."""
    kept = frozenset(name for flow in flows.values() for name in flow.keeps)
    for flow in flows.values():
        surely, maybe = _known(flows, flow, frozenset(flow.takes), every=True), _known(flows, flow, kept, every=False)
        for name, step in flow.steps.items():
            if name in surely:
                yield from _used(flow, name, step, surely[name], maybe[name] | set(flow.takes))
                yield from _handed(flows, flow, name, step, maybe[name] | set(flow.takes))
    yield from _overwritten(flows)


def _used(flow: Flow, name: str, step: Step, surely: Names, maybe: Names) -> Iterator[Finding]:
    """A line of a Say may be left out, a question never: what it needs must be there whichever way was taken."""
    needed = {slot for text in texts(step) for slot in slots(text)}
    for slot in sorted(needed - (maybe if isinstance(step, Say) else surely)):
        yield Finding(flow.name, name, "", f"says `{slot}`, which {_when(slot, maybe)}")
    if isinstance(step, Pick) and step.rows not in surely:
        yield Finding(flow.name, name, "", f"shows `{step.rows}`, which {_when(step.rows, maybe)}")
    if isinstance(step, Do | Lookup):
        wanted = step.effect if isinstance(step, Do) else step.query
        musts = {field.name for field in fields(wanted) if required(field)}  # type: ignore[arg-type]
        for need in step.needs:
            if need not in (surely if need in musts else maybe):
                yield Finding(flow.name, name, "", f"needs `{need}`, which {_when(need, maybe)}")


def _handed(flows: Mapping[str, Flow], flow: Flow, name: str, step: Step, maybe: Names) -> Iterator[Finding]:
    if isinstance(step, Call):
        for taken in flows[step.flow].takes:
            if taken not in maybe:
                yield Finding(flow.name, name, "", f"`{step.flow}` takes `{taken}`, which {_when(taken, maybe)}")


def _when(name: str, maybe: Names) -> str:
    return "is not always known here" if name in maybe else "nobody has been asked for"


def _known(flows: Mapping[str, Flow], flow: Flow, first: Names, every: bool) -> dict[str, Names]:
    """The answers there are on arriving at each step: by every way that leads there, or by some way."""
    known: dict[str, Names] = {flow.start: first}
    todo = [flow.start]
    while todo:
        name = todo.pop()
        step = flow.steps[name]
        for way, target in exits(step).items():
            if target in (END, HOME):
                continue
            after = _after(flows, step, way, known[name])
            before = known.get(target)
            joined = after if before is None else before & after if every else before | after
            if joined != before:
                known[target] = joined
                todo.append(target)
    return known


def _after(flows: Mapping[str, Flow], step: Step, way: str, known: Names) -> Names:
    """What is known after leaving a step one way: a skipped question and an empty search leave nothing."""
    name = saves(step)
    match step:
        case Call(flow=called):
            return known | (flows[called].saved() & set(flows[called].keeps))
        case Ask() if way == "skip":
            return known - {str(name)}
        case Choose() | Ask() if name is not None:
            return known | {name}
        case Lookup() if way == "some":
            return known | {str(name)}
        case Pick() if way == "then":
            return known | {str(name)}
        case _:
            return known


def _overwritten(flows: Mapping[str, Flow]) -> Iterator[Finding]:
    """A list shown at a question must still be there when a person asked something else in between."""
    above = opened(flows, INTERRUPTS)
    for flow in flows.values():
        for name, step in flow.steps.items():
            if not isinstance(step, Pick):
                continue
            for other in above:
                if other != flow.name and step.rows in {*flows[other].saved(), *flows[other].takes}:
                    yield Finding(
                        flow.name, name, "", f"`{other}` may be asked in between, and changes `{step.rows}`"
                    )
