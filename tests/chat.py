"""Plays a chat file: what a person writes goes through the engine, and what happened is written down beside it.

A chat file is made to be read and written by a case manager. Lines that begin with these are put in by hand:
`>` they say (`> (audio)` a thing we cannot read), `@` they tap an option by its id, `~ hold` and `~ back` a case
manager takes the conversation and gives it back, `*` how the world stands, `#` a comment. All others are what
happened: `<` we say, `[ ]` we offer, `?` we look up, `!` we do, `=` where it stands at the end.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields

from flows import engine
from flows.book import Book
from flows.effects import Effect, Query, SetLanguage
from flows.message import Message
from flows.talk import Back, Event, Found, Reply, State, Turn, Way
from flows.text import _, speak, words
from tests.world import World

BY_HAND = (">", "@", "~", "*", "#")
GREETING = _("Vuelve el asistente automático.")


@dataclass
class Chat:
    """One conversation being played. `ways` are the exits walked so far."""

    book: Book
    world: World = field(default_factory=World)
    state: State | None = None
    locale: str = "es"
    ways: list[Way] = field(default_factory=list)

    def play(self, script: str) -> str:
        """The file as it should read: the lines put in by hand, and after each what happened."""
        lines: list[str] = []
        for line in script.splitlines():
            if not line.startswith(BY_HAND):
                if not line:
                    lines.append("")
                continue
            lines.append(line)
            lines += self.hear(line)
        return "\n".join([*lines, f"= {self.place}", ""])

    @property
    def place(self) -> str:
        return f"{self.state.flow}.{self.state.step}" if self.state else "end"

    def hear(self, line: str) -> Iterator[str]:
        """What one line put in by hand leads to."""
        kind, said = line[0], line[1:].strip()
        if kind == "*":
            self.world.set_up(said)
        elif line == "~ hold":
            assert self.state is not None, "nobody is there to be held"
            self.state = through_json(engine.hold(self.book, self.state))
        elif line == "~ back":
            yield from self.turn(Back(GREETING))
        elif kind == "@":
            yield from self.turn(Message(tapped=said))
        elif kind == ">":
            media = said[1:-1] if said.startswith("(") and said.endswith(")") else None
            yield from self.turn(Message(media=media) if media else Message(text=said))

    def turn(self, event: Event) -> Iterator[str]:
        """One event and all the record is asked on the way, with the state through JSON every time."""
        while True:
            turn = self._advance(event)
            self.ways += turn.ways
            self.state = turn.state and through_json(turn.state)
            for happened in turn.events:
                yield from self._shown(happened)
            if turn.wants is None:
                return
            yield f"? {in_words(turn.wants)}"
            event = Found(self.world.rows(turn.wants))

    def _advance(self, event: Event) -> Turn:
        tongue = self.world.tongues[self.locale]
        if self.state is not None:
            return engine.advance(self.book, self.state, event, tongue)
        if isinstance(event, Message):
            return engine.welcome(self.book, event, tongue)
        return engine.begin(self.book, self.book.home)

    def _shown(self, happened: Reply | Effect) -> Iterator[str]:
        if isinstance(happened, Effect):
            self.world.do(happened)
            if isinstance(happened, SetLanguage) and happened.language in self.world.tongues:
                self.locale = happened.language
            yield f"! {in_words(happened)}"
            return
        tongue = self.world.tongues[self.locale]
        spoken = "\n".join(filter(None, (speak(line, happened.fills, tongue) for line in happened.lines)))
        if not spoken and not happened.options:
            return  # every line was left out: nothing is sent
        yield from (f"{'  ' if number else '< '}{line}" for number, line in enumerate(spoken.split("\n")))
        if happened.options:
            yield "  " + " ".join(f"[{words(option.label, tongue)}]" for option in happened.options)


def through_json(state: State) -> State:
    return State.from_json(json.loads(json.dumps(state.to_json(), ensure_ascii=False)))


def in_words(wanted: Query | Effect) -> str:
    """A query or effect with the fields that were given."""
    values = ((f.name, getattr(wanted, f.name), f.default) for f in fields(wanted))  # type: ignore[arg-type]
    given = ", ".join(f"{name}={value!r}" for name, value, usual in values if value != usual)
    return f"{type(wanted).__name__}({given})"
