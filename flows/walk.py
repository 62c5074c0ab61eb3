"""One walk through the steps, from an answer to the next question, collecting what to say and do on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flows.book import Book
from flows.effects import Effect, EraseMe, ForgetAnswer, Lock, MarkMinor, Query, Remember, SetLanguage, Unlock
from flows.steps import (
    END,
    HOME,
    Ask,
    Branch,
    Call,
    Choose,
    Do,
    Flow,
    Lookup,
    Pick,
    Say,
    Step,
    Waiting,
    exits,
)
from flows.talk import Option, Reply, State, Turn, Way
from flows.text import Text, _, slots

FAR = 200
"""Steps of one walk; a conversation that needs more goes round in a circle (puente check looks for those)."""

REMEMBERED = 12
"""Questions a person can go back over."""

UNLOCK = "unlock"
"""The flow that asks for the key word before anything stored is said on a locked phone."""

HELD = "held"
"""The flow that stands on top of all others while a case manager has the conversation."""

PAGE = 7
"""Rows of a Pick shown at a time: with "Ver más" and two fixed options a WhatsApp list is full (10 rows)."""

MORE = Option("more", _("Ver más"), also=_("más, siguiente, otros, otras"))
SKIP = Option("skip", _("Prefiero no decir"), also=_("no quiero decir, paso, prefiero no, saltar, no sé"))
OTHER = Option("other", _("Ninguno de estos"), also=_("ninguno, ninguna, otro, otra, no es ninguno"))


class Lost(Exception):
    """A conversation that goes round without asking anything: a mistake in its steps."""


class Walk:
    """Where one conversation stands while a turn is being worked out. Made anew for every event."""

    def __init__(self, book: Book, state: State) -> None:
        self.book = book
        self.flow, self.step = state.flow, state.step
        self.answers: dict[str, Any] = dict(state.answers)
        self.callers = list(state.callers)
        self.trail = list(state.trail)
        self.misses = state.misses
        self.locked = state.locked
        self.log: list[Reply | Effect] = []
        self.ways: list[Way] = []
        self.over = False

    @property
    def here(self) -> Step:
        return self.book.flows[self.flow].steps[self.step]

    def say(self, *lines: Text, options: Sequence[Option] = ()) -> None:
        """Log words, with the answers they need as they stand now."""
        labels = (option.label for option in options if isinstance(option.label, Text))
        needed = {name for text in (*lines, *labels) for name in slots(text)}
        fills = {name: self.answers.get(name) for name in needed}
        self.log.append(Reply(lines, tuple(options), fills))

    def do(self, effect: Effect) -> None:
        self.log.append(effect)
        if isinstance(effect, Lock | Unlock):
            self.locked = isinstance(effect, Lock)
        if isinstance(effect, SetLanguage):
            self.answers["language"] = effect.language
        if isinstance(effect, EraseMe):
            language = self.answers.get("language")
            self.answers = {"language": language} if language else {}
            self.callers, self.trail = [], []
        if isinstance(effect, Lock | MarkMinor):
            self.cut_off()

    def keep(self, name: str | None, value: Any) -> None:
        """Save an answer; a profile answer is also left to be remembered."""
        if name is None:
            return
        self.answers[name] = value
        if name in self.book.flows[self.flow].remembers:
            self.log.append(ForgetAnswer(name) if value is None else Remember(name, value))

    def take(self, way: str) -> None:
        """Out of this step by one of its exits."""
        target = exits(self.here)[way]
        self.ways.append((self.flow, self.step, way))
        self.go(target)

    def go(self, target: str) -> None:
        """On to a step of this flow, out of the flow, or home."""
        if target == HOME:
            self.go_home()
        elif target == END:
            self.leave()
        else:
            self.step = target

    def go_home(self) -> None:
        """To the menu, whatever we were in; what belongs to no open conversation is dropped.

        While a case manager has the conversation there is no menu: the bot goes back to saying nothing.
        """
        if self.to_hold():
            return
        self.forget()
        self.callers, self.misses = [], 0
        self.flow, self.step = self._start(self.book.home)

    def call(self, flow: str, back_to: str, answers: Mapping[str, Any] | None = None) -> None:
        """Into another flow; when it ends this one goes on at `back_to`.

        A flow that is already open is begun again instead of being stacked on itself, but never under a
        conversation a case manager holds: that one stays held.
        """
        open_flows = [name for name, _step in [*self.callers, (self.flow, self.step)]]
        above_hold = open_flows.index(HELD) + 1 if HELD in open_flows and flow != HELD else 0
        depth = open_flows.index(flow, above_hold) if flow in open_flows[above_hold:] else None
        if depth is None:
            self.callers.append((self.flow, back_to))
        else:
            del self.callers[depth:]
        self.trail = [mark for mark in self.trail if mark[2] < len(self.callers)]
        self.flow, self.step = flow, self.book.flows[flow].start
        self.answers.update(answers or {})

    def leave(self) -> None:
        """Out of this flow: its own answers are dropped, the calling flow goes on."""
        while self.callers:
            self._drop_answers()
            self.flow, self.step = self.callers.pop()
            self.trail = [mark for mark in self.trail if mark[2] <= len(self.callers)]
            if self.step == HOME:
                self.go_home()
            if self.step != END:
                return
        self.over = True

    def _drop_answers(self) -> None:
        """What the ending flow took or saved goes with it, but for what a flow still open has by the same name."""
        ended = self.book.flows[self.flow]
        still_open = [self.book.flows[name] for name, _step in self.callers]
        used = {name for flow in still_open for name in (*flow.saved(), *flow.takes)} | set(ended.keeps)
        for name in (*ended.saved(), *ended.takes):
            if name not in used:
                self.answers.pop(name, None)

    def cut_off(self) -> None:
        """No way back to what was open: after the panic word nobody sees it, and a minor is not led there again."""
        held = any(flow == HELD for flow, _step in self.callers)
        self.forget()
        self.callers = [self._start(self.book.home), self._start(HELD)] if held else []

    def forget(self) -> None:
        """Drop the answers of everything that was open, and the way back to it."""
        kept = {name for flow in self.book.flows.values() for name in flow.keeps} | set(self.book.flows[HELD].takes)
        self.answers = {name: value for name, value in self.answers.items() if name in kept}
        self.trail = []

    def back(self) -> bool:
        """To the question before the one that waits; False when there is none."""
        if self.trail and self.trail[-1] == self._mark():
            self.trail.pop()
        if not self.trail:
            return False
        self.flow, self.step, depth = self.trail[-1]
        del self.callers[depth:]
        return True

    def run(self) -> Turn:
        """Walk on until a question waits, the record is asked, or the conversation is over."""
        for _step in range(FAR):
            if self.over:
                return self._turn(None)
            step = self.here
            if isinstance(step, Waiting):
                self.ask()
                return self._turn(self.state())
            if isinstance(step, Lookup):
                if not (step.query.private and self.locked):
                    return self._turn(self.state(), wants=self._query(step))
                self.call(UNLOCK, back_to=self.step)
            else:
                self._pass(step)
        raise Lost(f"{self.flow}.{self.step}")

    def ask(self) -> None:
        """Put the waiting question and mark the way back to it."""
        step = self.here
        if not isinstance(step, Ask | Choose | Pick):
            return
        text = step.kind.which if isinstance(step, Ask) and self.which() else step.text
        self.say(text, options=self.options())
        if not self.trail or self.trail[-1] != self._mark():
            self.trail = [*self.trail, self._mark()][-REMEMBERED:]

    def options(self) -> list[Option]:
        """What is on offer at the waiting question."""
        step = self.here
        match step:
            case Ask() if self.which():
                return [*_rows(self.which()), OTHER]
            case Ask(skip=skip, options=choices):
                return [*([SKIP] if skip else []), *_choices(choices)]
            case Choose(options=choices):
                return _choices(choices)
            case Pick(rows=name, options=choices):
                rows = self.answers.get(name) or []
                more = [MORE] if len(rows) > PAGE else []
                return [*_rows(rows[:PAGE]), *more, *_choices(choices)]
            case _:
                return []

    def which(self) -> list[dict[str, Any]]:
        """The meanings offered at this question, when an answer could mean several things."""
        offered = self.answers.get("which") or {}
        return offered["rows"] if offered.get("at") == [self.flow, self.step] else []

    def offer(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self.answers["which"] = {"at": [self.flow, self.step], "rows": list(rows)}

    def turn_page(self, name: str) -> None:
        """The next rows of a Pick come first; after the last the list begins again."""
        rows = self.answers[name]
        self.answers[name] = rows[PAGE:] + rows[:PAGE]

    def release(self) -> None:
        """The case manager gave the conversation back: on with what was held."""
        if self.to_hold():
            self.leave()

    def to_hold(self) -> bool:
        """Back to saying nothing, out of whatever was opened while a case manager has the conversation."""
        open_flows = [*(name for name, _step in self.callers), self.flow]
        if HELD not in open_flows:
            return False
        self.callers = self.callers[: open_flows.index(HELD)]
        self.trail = [mark for mark in self.trail if mark[2] < len(self.callers)]
        self.flow, self.step = self._start(HELD)
        return True

    def found(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take the record's answer to the waiting query and go on."""
        step = self.here
        if not isinstance(step, Lookup):
            raise Lost(f"{self.flow}.{self.step} asked nothing of the record")
        if rows:
            self.keep(step.save, dict(rows[0]) if step.first else [dict(row) for row in rows])
        self.take("some" if rows else "none")

    def state(self) -> State:
        return State(
            self.flow,
            self.step,
            self.answers,
            tuple(self.callers),
            tuple(self.trail),
            self.misses,
            self.locked,
        )

    def _pass(self, step: Step) -> None:
        match step:
            case Say(lines=lines):
                self.say(*lines)
                self.take("then")
            case Do(effect=effect):
                self.do(effect(**self._values(step)))
                self.take("then")
            case Branch(decide=decide):
                self.take(decide({**self.answers, "locked": self.locked}))
            case Call(flow=flow, then=then):
                self.ways.append((self.flow, self.step, "then"))
                self.call(flow, back_to=then)
            case _:
                raise Lost(f"{self.flow}.{self.step}")

    def _turn(self, state: State | None, wants: Query | None = None) -> Turn:
        return Turn(state, tuple(self.log), wants, tuple(self.ways))

    def _query(self, step: Lookup) -> Query:
        return step.query(**self._values(step))

    def _values(self, step: Do | Lookup) -> dict[str, Any]:
        """Fields for a query or effect; an answer that was a row goes by its id."""
        return {name: _plain(self.answers.get(name)) for name in step.needs} | dict(step.given)

    def _start(self, flow: str) -> tuple[str, str]:
        return flow, self.book.flows[flow].start

    def _mark(self) -> tuple[str, str, int]:
        return self.flow, self.step, len(self.callers)


def start_of(flow: Flow, answers: Mapping[str, Any]) -> State:
    return State(flow.name, flow.start, dict(answers))


def _plain(value: Any) -> Any:
    return value["id"] if isinstance(value, Mapping) and "id" in value else value


def _rows(rows: Iterable[Mapping[str, Any]]) -> list[Option]:
    return [Option(str(row["id"]), row["label"], row.get("hint")) for row in rows]


def _choices(choices: Mapping[str, Any]) -> list[Option]:
    return [Option(name, choice.label, choice.hint, choice.also) for name, choice in choices.items()]


__all__ = ["FAR", "HELD", "MORE", "OTHER", "PAGE", "SKIP", "UNLOCK", "Lost", "Walk", "start_of"]
