"""Whether every way through the conversations leads to a question or an end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from flows.book import Book
from flows.checks.finding import Finding
from flows.interrupts import COURTESIES, SUBFLOWS
from flows.repair import ANSWER, MEDIA, SCAM, STUCK
from flows.steps import END, HOME, Call, Flow, Waiting, exits
from flows.walk import HELD, UNLOCK

INTERRUPTS = (*SUBFLOWS.values(), *COURTESIES.values(), "danger", "leave_person", ANSWER, MEDIA, SCAM, STUCK, HELD,
              UNLOCK)  # fmt: skip
"""Flows the engine itself opens, on top of whatever was going on."""

Place = tuple[str, str]


def check(flows: Mapping[str, Flow]) -> Iterator[Finding]:
    dead = list(_dead(flows))
    yield from dead
    yield from _unreachable(flows)
    yield from _uncalled(flows)
    if not dead:
        yield from _endless(flows)


def opened(flows: Mapping[str, Flow], first: tuple[str, ...]) -> list[str]:
    """These flows and all that they call, and so on."""
    found = [name for name in dict.fromkeys(first) if name in flows]
    for name in found:
        calls = (step.flow for step in flows[name].steps.values() if isinstance(step, Call))
        found += [called for called in dict.fromkeys(calls) if called in flows and called not in found]
    return found


def _dead(flows: Mapping[str, Flow]) -> Iterator[Finding]:
    for flow in flows.values():
        if flow.start not in flow.steps:
            yield Finding(flow.name, "", "", f"starts at `{flow.start}`, which does not exist")
        for name, step in flow.steps.items():
            if isinstance(step, Call) and step.flow not in flows:
                yield Finding(flow.name, name, "", f"calls `{step.flow}`, which does not exist")
            for way, target in exits(step).items():
                if target not in flow.steps and target not in (END, HOME):
                    yield Finding(flow.name, name, "", f"`{way}` leads to `{target}`, which does not exist")


def _unreachable(flows: Mapping[str, Flow]) -> Iterator[Finding]:
    for flow in flows.values():
        found = [flow.start]
        for name in found:
            if name in flow.steps:
                found += [target for target in exits(flow.steps[name]).values() if target not in found]
        for name in flow.steps:
            if name not in found:
                yield Finding(flow.name, name, "", "no way leads here")


def _uncalled(flows: Mapping[str, Flow]) -> Iterator[Finding]:
    roots = (Book.door, Book.home, *INTERRUPTS)
    for name in dict.fromkeys(roots):
        if name not in flows:
            yield Finding(name, "", "", "the engine opens this flow, and it does not exist")
    for name in sorted(set(flows) - set(opened(flows, roots))):
        yield Finding(name, "", "", "nobody calls this flow")


def _endless(flows: Mapping[str, Flow]) -> Iterator[Finding]:
    """Ways that come back to where they were without asking the person anything."""
    ways = _silent_ways(flows)
    done: set[Place] = set()
    for start in ways:
        path: list[tuple[Place, Iterator[Place]]] = [(start, iter(ways[start]))] if start not in done else []
        open_places = {start} if path else set()
        while path:
            here, onward = path[-1]
            there = next(onward, None)
            if there is None:
                path.pop()
                open_places.discard(here)
                done.add(here)
            elif there in open_places:
                yield Finding(*there, "", "goes round without asking anything")
            elif there in ways and there not in done:
                path.append((there, iter(ways[there])))
                open_places.add(there)


def _silent_ways(flows: Mapping[str, Flow]) -> dict[Place, list[Place]]:
    """From every step that does not wait, the steps that follow; a call may also pass right through."""
    passing = _passing(flows)
    ways: dict[Place, list[Place]] = {}
    for flow in flows.values():
        for name, step in flow.steps.items():
            if isinstance(step, Waiting):
                continue
            onward = [_place(flows, flow.name, target) for target in exits(step).values()]
            if isinstance(step, Call):
                onward = [(step.flow, flows[step.flow].start), *(onward if step.flow in passing else [])]
            ways[flow.name, name] = [place for place in onward if place is not None]
    return ways


def _place(flows: Mapping[str, Flow], flow: str, target: str) -> Place | None:
    if target == HOME:
        return (Book.home, flows[Book.home].start) if Book.home in flows else None
    return None if target == END else (flow, target)


def _passing(flows: Mapping[str, Flow]) -> set[str]:
    """The flows that can end without having asked anything."""
    passing: set[str] = set()
    while True:
        more = {name for name, flow in flows.items() if name not in passing and _ends_silently(flow, passing)}
        if not more:
            return passing
        passing |= more


def _ends_silently(flow: Flow, passing: set[str]) -> bool:
    found = [flow.start]
    for name in found:
        if name == END:
            return True
        step = flow.steps.get(name)
        if step is None or isinstance(step, Waiting) or (isinstance(step, Call) and step.flow not in passing):
            continue
        found += [target for target in exits(step).values() if target not in found]
    return False
