"""Random walks through all conversations at once: whatever a person sends, the promises hold in every state."""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows import engine
from flows.book import Book
from flows.conversations import FLOWS
from flows.effects import FindVacancies, Lock, MarkMinor, OpenCase, Query, ShowVacancy, Unlock
from flows.message import Message
from flows.steps import Hold, Waiting
from flows.talk import Back, Event, Found, Reply, State, Turn
from flows.text import SPANISH, _, speak
from flows.walk import REMEMBERED, Walk
from tests.chat import BY_HAND, through_json
from tests.minds import MIND
from tests.world import World

WALKS = int(os.environ.get("WALKS", "150"))
"""Walks of one run; `WALKS=5000 pytest tests/test_walks.py` for a long one (SAFETY K1)."""

BOOK = Book(FLOWS, MIND)
GREETING = _("Vuelve el asistente automático.")
DANGER = "me quieren matar"
SAID = (
    "hola", "gracias", "menú", "atrás", "cancelar", "salir", "repetir", "persona", "ayuda", "idioma", "mi caso",
    "mis datos", "borrar mis datos", "baja", "alta", "ocultar", "quien sos", DANGER, "me quiero morir",
    "no tengo donde dormir", "tengo 15 años", "xela", "san josé", "no, soy de Xela", "perdón, documentos",
    "hice rufing", "cocinaba", "cómo saco mi DPI?", "qué papeles piden?", "sí", "no", "otra cosa", "más", "flor roja",
    "prefiero no decir", "asdf qwerty", "", "😀", "\u200b", "{town}", "%s", "x" * 5000,
    "0", "1", "2", "3", "11", "34",
)  # fmt: skip

CHATS = [
    [line for line in file.read_text("utf-8").splitlines() if line.startswith(BY_HAND)]
    for file in sorted((Path(__file__).parent / "chats").glob("*.chat"))
]

HEARD = st.one_of(
    st.builds(lambda number: ("tap", number), st.integers(0, 11)),
    st.builds(lambda text: ("say", text), st.one_of(st.sampled_from(SAID), st.text(max_size=40))),
    st.builds(lambda kind: ("send", kind), st.sampled_from(("audio", "image", "sticker", "contact", "location"))),
    st.sampled_from([("tap_gone", ""), ("back", ""), ("hold", ""), ("lose", ""), ("hurry", "")]),
)


@dataclass
class Walker:
    """A person, the record about them, and where their conversation stands."""

    world: World = field(default_factory=World)
    state: State | None = None
    told: list[Reply] = field(default_factory=list)
    asked: list[Query] = field(default_factory=list)
    done: list[Any] = field(default_factory=list)
    known_minor: bool = False

    def hear(self, event: Event) -> Turn:
        """One event, with all the record is asked on the way; the state goes through JSON every time."""
        self.told, self.asked, self.done = [], [], []
        while True:
            turn = self._advance(event)
            self.state = turn.state and through_json(turn.state)
            for happened in turn.events:
                if isinstance(happened, Reply):
                    self.told.append(happened)
                    continue
                self.world.do(happened)
                self.done.append(happened)
                self.known_minor |= isinstance(happened, MarkMinor)
            if turn.wants is None:
                return turn
            assert turn.state is not None
            self.asked.append(turn.wants)
            event = Found(self.world.rows(turn.wants))

    def _advance(self, event: Event) -> Turn:
        if self.state is not None:
            return engine.advance(BOOK, self.state, event, SPANISH)
        return engine.welcome(BOOK, event, SPANISH) if isinstance(event, Message) else engine.begin(BOOK, BOOK.home)

    @property
    def held(self) -> bool:
        return self.state is not None and bool(self.state.answers.get("held"))

    def options(self) -> list[str]:
        return [] if self.state is None else [option.id for option in Walk(BOOK, self.state).options()]

    def follow(self, line: str) -> None:
        """One line of a chat file put in by hand."""
        kind, said = line[0], line[1:].strip()
        if kind == "*":
            self.world.set_up(said)
        elif line == "~ hold":
            heard(self, "hold", "")
        elif line == "~ back":
            heard(self, "back", "")
        elif kind in "@>":
            self.hear(Message(tapped=said) if kind == "@" else Message(text=said))

    def after(self, *texts: str) -> Walker:
        """What would become of this conversation; this one stays as it is."""
        other = Walker(deepcopy(self.world), self.state, known_minor=self.known_minor)
        for text in texts:
            other.hear(Message(text=text))
        return other


def heard(walker: Walker, kind: str, what: Any) -> None:
    match kind:
        case "tap":
            options = walker.options()
            walker.hear(Message(tapped=options[what % len(options)] if options else "none"))
        case "say":
            walker.hear(Message(text=what))
        case "send":
            walker.hear(Message(place=(14.8, -91.5)) if what == "location" else Message(media=what))
        case "tap_gone":
            walker.hear(Message(tapped="of_an_older_message"))
        case "back":
            walker.hear(Back(GREETING))
        case "hold" if walker.state is not None:
            walker.state = through_json(engine.hold(BOOK, walker.state))
        case "lose":
            walker.world.lacks ^= {"FindVacancies", "ShowService", "WhoAnswers", "AnswerQuestion"}
        case "hurry" if walker.state is not None:
            # A second message before the record answered the first one's query.
            walker.hear(Message(text="mi caso"))
            walker.hear(Message(text="mi caso"))


def stands_well(walker: Walker) -> None:
    """What is true after every turn."""
    state = walker.state
    for reply in walker.told:
        if reply.options:
            assert any(speak(line, reply.fills, SPANISH) for line in reply.lines), "a question without words"
            ids = [option.id for option in reply.options]
            assert 0 < len(ids) <= 10 and len(set(ids)) == len(ids)
    if state is None:
        return
    step = FLOWS[state.flow].steps[state.step]
    assert isinstance(step, Waiting)
    assert walker.held == any(flow == "held" for flow, _step in (*state.callers, (state.flow, "")))
    assert walker.held or not isinstance(step, Hold)
    assert walker.told or walker.held or not walker.done or isinstance(step, Hold)
    assert len(state.trail) <= REMEMBERED and len(state.callers) <= 2 * len(FLOWS)
    assert all(depth <= len(state.callers) for _flow, _step, depth in state.trail)
    if walker.known_minor and walker.world.minor:
        assert not any(isinstance(query, FindVacancies | ShowVacancy) for query in walker.asked)
        assert state.flow != "vacancies"
    if state.locked and not any(isinstance(effect, Unlock) for effect in walker.done):
        assert not any(query.private for query in walker.asked)


def one_step_away(walker: Walker) -> None:
    """From every state: the menu, a person, hiding and erasing in at most two steps, and danger at once."""
    if walker.state is None:
        return
    in_danger = walker.after(DANGER)
    assert any(isinstance(effect, OpenCase) and effect.reason == "danger" for effect in in_danger.done)
    assert "FindLines" in walker.world.lacks or any("help" in reply.fills for reply in in_danger.told)
    hidden = walker.after("ocultar")
    assert any(isinstance(effect, Lock) for effect in hidden.done) and hidden.state is not None
    assert (hidden.state.flow, hidden.state.locked) == ("hide", True)
    assert walker.after("borrar mis datos").state.flow == "erase"  # type: ignore[union-attr]
    assert walker.after("borrar mis datos", "sí, borrar todo").state is None
    if not walker.held:
        assert walker.after("menú").state.flow == "menu"  # type: ignore[union-attr]
        assert walker.after("persona").state.flow == "person"  # type: ignore[union-attr]


@settings(max_examples=WALKS, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    chat=st.sampled_from(CHATS),
    so_far=st.integers(0, 60),
    events=st.lists(HEARD, max_size=12),
)
def test_whatever_a_person_sends_the_promises_hold(
    chat: list[str], so_far: int, events: list[tuple[str, Any]]
) -> None:
    """A conversation as people have them, up to some line of it, and then anything."""
    walker = Walker()
    for line in chat[:so_far]:
        walker.follow(line)
        stands_well(walker)
    for kind, what in events:
        heard(walker, kind, what)
        stands_well(walker)
    one_step_away(walker)
