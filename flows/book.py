"""All the conversations together, and what becomes of a stored place in one when the conversations change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from flows.mind import Mind
from flows.steps import END, HOME, Flow, Waiting
from flows.talk import State


@dataclass(frozen=True)
class Book:
    """Every flow by name, and the engines that understand people: all the engine needs besides the state.

    `door` is where a stranger begins, `home` where everybody ends up (the menu).
    """

    flows: Mapping[str, Flow]
    mind: Mind
    door: str = "welcome"
    home: str = "menu"

    @cached_property
    def version(self) -> str:
        """Names the set of stored names: two releases with the same one need no settling."""
        names = {name: sorted(flow.steps) for name, flow in sorted(self.flows.items())}
        return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:12]

    def settle(self, state: State) -> tuple[State, bool]:
        """A stored state brought to today's names, and whether the place itself is gone.

        Renamed steps are followed silently. When a waiting step was removed the person goes to the nearest
        place that still exists: where the calling flow goes on, or the menu; the answers stay.
        """
        if self._stands(state):
            return state, False
        here = self._renamed(state.flow, state.step)
        callers = tuple(frame for old in state.callers if (frame := self._renamed(*old)) is not None)
        trail = tuple(
            (*mark, depth)
            for flow, step, depth in state.trail
            if depth <= len(callers) and (mark := self._renamed(flow, step)) is not None
        )
        if len(callers) < len(state.callers):
            trail = ()
        if here is not None:
            return replace(state, flow=here[0], step=here[1], callers=callers, trail=trail), False
        if callers and callers[-1][1] not in (END, HOME):
            (flow, step), callers = callers[-1], callers[:-1]
        else:
            flow, step, callers = self.home, self.flows[self.home].start, ()
        return replace(state, flow=flow, step=step, callers=callers, trail=(), misses=0), True

    def waits(self, state: State) -> bool:
        """Whether the state stands at a question (and not at a query that was never answered)."""
        return isinstance(self.flows[state.flow].steps[state.step], Waiting)

    @cached_property
    def _steady(self) -> frozenset[tuple[str, str]]:
        """Every place a stored name means as it stands."""
        return frozenset((name, step) for name, flow in self.flows.items() for step in (*flow.steps, END, HOME)
                         if step not in flow.renamed)  # fmt: skip

    def _stands(self, state: State) -> bool:
        """Whether nothing in a state was renamed or removed, as is the rule."""
        steady, depth = self._steady, len(state.callers)
        return (
            (state.flow, state.step) in steady
            and all(frame in steady for frame in state.callers)
            and all((flow, step) in steady and deep <= depth for flow, step, deep in state.trail)
        )

    def _renamed(self, flow: str, step: str) -> tuple[str, str] | None:
        book = self.flows.get(flow)
        if book is None:
            return None
        if step in (END, HOME):
            return flow, step
        step = book.renamed.get(step, step)
        return (flow, step) if step in book.steps else None
