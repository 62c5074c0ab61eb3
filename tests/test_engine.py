"""How a conversation goes on: what the engine promises about order, return, release and what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from flows import engine, kinds
from flows.book import Book
from flows.conversations import FLOWS
from flows.effects import AboutMe, FindFairs, ForgetAnswer, KeepWord, Remember
from flows.engine import MOVED, advance, begin, hold
from flows.message import Message
from flows.repair import NOT_UNDERSTOOD, NOTHING_BEFORE
from flows.steps import END, HOME, Ask, Branch, Call, Choice, Choose, Do, Flow, Lookup, Pick, Say, Step
from flows.talk import Back, Found, Reply, State, Turn
from flows.text import SPANISH, _
from flows.walk import MORE, PAGE, REMEMBERED, Lost
from tests.chat import through_json
from tests.minds import MIND

GREETING = _("Vuelve el asistente automático.")


def book(steps: Mapping[str, Step], *others: Flow, start: str = "a", **more: Any) -> Book:
    """The real conversations and a trial one."""
    trial = Flow("trial", start, steps, title=_("Prueba"), **more)
    return Book({**FLOWS, "trial": trial, **{other.name: other for other in others}}, MIND)


def ask(then: str, save: str = "said", text: str = "¿Qué dice?", skip: str | None = None) -> Ask:
    return Ask(_(text), save=save, kind=kinds.question, sorry=_("Por ejemplo: hola."), then=then, skip=skip)


def choose(**ways: str) -> Choose:
    return Choose(_("¿Cuál?"), {name: Choice(_(name.title()), then) for name, then in ways.items()}, save="chosen")


def tell(on: Book, turn: Turn, *texts: str) -> Turn:
    """Each text in turn, with the state through JSON, as stored between two messages."""
    for text in texts:
        assert turn.state is not None
        turn = advance(on, through_json(turn.state), Message(text=text), SPANISH)
    return turn


def lines(turn: Turn) -> list[str]:
    return [str(line) for event in turn.events if isinstance(event, Reply) for line in event.lines]


def place(turn: Turn) -> str:
    return f"{turn.state.flow}.{turn.state.step}" if turn.state else "end"


# --- walking -----------------------------------------------------------------------------------------------------


def test_words_and_effects_are_one_log_in_order() -> None:
    on = book({
        "a": Say(_("Uno."), then="b"),
        "b": Do(KeepWord, given={"word": "flor"}, then="c"),
        "c": Say(_("Dos."), then="d"),
        "d": ask(END),
    })  # fmt: skip
    turn = begin(on, "trial")
    assert [type(event).__name__ for event in turn.events] == ["Reply", "KeepWord", "Reply", "Reply"]
    assert turn.ways == (("trial", "a", "then"), ("trial", "b", "then"), ("trial", "c", "then"))
    assert lines(turn) == ["Uno.", "Dos.", "¿Qué dice?"]


def test_a_reply_carries_the_answers_as_they_stood() -> None:
    on = book({
        "a": ask("b", save="town"), "b": Say(_("Está en {town}."), then="c"), "c": ask("d", save="town"),
        "d": Say(_("Está en {town}."), then=END),
    })  # fmt: skip
    turn = tell(on, begin(on, "trial"), "Cobán")
    said = [event for event in turn.events if isinstance(event, Reply)]
    turn = tell(on, turn, "Tecpán")
    assert said[0].fills == {"town": "Cobán"}


def test_a_query_stops_the_walk_until_the_record_answers() -> None:
    on = book({"a": Lookup(FindFairs, save="fairs", some="b", none="c"), "b": ask(END), "c": ask(END, text="¿Nada?")})
    turn = begin(on, "trial")
    assert turn.wants == FindFairs() and place(turn) == "trial.a"
    assert turn.state is not None
    some = advance(on, turn.state, Found([{"id": "1", "label": "x"}]), SPANISH)
    assert some.state is not None and some.state.answers["fairs"] == [{"id": "1", "label": "x"}]
    assert place(advance(on, turn.state, Found([]), SPANISH)) == "trial.c"


def test_a_message_that_comes_while_the_record_is_asked_asks_it_again() -> None:
    on = book({"a": Lookup(FindFairs, save="fairs", some="b", none="b"), "b": ask(END)})
    turn = tell(on, begin(on, "trial"), "hola")
    assert turn.wants == FindFairs()


def test_an_answer_that_was_a_row_goes_by_its_id() -> None:
    on = book({"a": Do(KeepWord, needs=("word",), then=END)})
    turn = begin(on, "trial", {"word": {"id": "flor", "label": "Flor"}})
    assert turn.events == (KeepWord("flor"),)


def test_a_conversation_that_goes_round_is_a_mistake_and_says_where() -> None:
    on = book({"a": Say(_("Uno."), then="b"), "b": Say(_("Dos."), then="a")})
    with pytest.raises(Lost, match=r"trial\.[ab]"):
        begin(on, "trial")


def test_rows_nobody_asked_for_are_a_mistake() -> None:
    on = book({"a": ask(END)})
    turn = begin(on, "trial")
    assert turn.state is not None
    with pytest.raises(Lost, match=r"trial\.a asked nothing"):
        advance(on, turn.state, Found([]), SPANISH)


def test_a_list_is_shown_in_pages_and_begins_again() -> None:
    rows = [{"id": str(number), "label": f"fila {number}"} for number in range(PAGE + 2)]
    on = book({"a": Lookup(FindFairs, save="rows", some="b", none=END), "b": Pick(_("¿Cuál?"), "rows", END, "row")})
    first = begin(on, "trial")
    assert first.state is not None

    def shown(turn: Turn) -> list[str]:
        (reply,) = (event for event in turn.events if isinstance(event, Reply))
        return [option.id for option in reply.options]

    turn = advance(on, first.state, Found(rows), SPANISH)
    assert shown(turn) == [*"0123456", MORE.id]
    turn = tell(on, turn, "ver más")
    assert shown(turn)[:2] == ["7", "8"]
    turn = tell(on, turn, "fila 8")
    assert place(turn) == "end"


# --- flows in flows ------------------------------------------------------------------------------------------------


def inner(**more: Any) -> Flow:
    return Flow("inner", "a", {"a": ask(END, save="inside")}, title=_("Dentro"), **more)


def test_a_called_flow_ends_where_it_was_called_and_its_answers_go_with_it() -> None:
    on = book({"a": ask("b", save="mine"), "b": Call("inner", "c"), "c": ask(END, text="¿Y?")}, inner())
    turn = tell(on, begin(on, "trial"), "uno", "dos")
    assert place(turn) == "trial.c"
    assert turn.state is not None and turn.state.answers == {"mine": "uno"}


def test_what_a_flow_keeps_stays_and_what_the_caller_has_by_the_same_name_too() -> None:
    on = book({"a": Call("inner", "b"), "b": ask(END, text="¿Y?")}, inner(keeps=("inside",)))
    turn = tell(on, begin(on, "trial"), "uno")
    assert turn.state is not None and turn.state.answers == {"inside": "uno"}
    steps = {"a": ask("b", save="inside"), "b": Call("inner", "c"), "c": Say(_("{inside}"), then="d"), "d": ask(END)}
    on = book(steps, inner())
    turn = tell(on, begin(on, "trial"), "uno", "dos")
    assert turn.state is not None and turn.state.answers == {"inside": "dos"}


def test_a_called_flow_can_lead_home_when_it_ends() -> None:
    on = book({"a": Call("inner", HOME)}, inner())
    turn = begin(on, "trial")
    assert turn.state is not None and turn.state.callers == (("trial", HOME),)
    assert place(tell(on, turn, "uno")) == "menu.ask"


def test_a_flow_that_is_open_is_begun_again_and_not_stacked() -> None:
    on = book({"a": ask("b"), "b": ask(END, text="¿Y?")})
    turn = tell(on, begin(on, "trial"), "uno", "persona", "menu")
    turn = begin(on, "trial")
    for _again in range(30):
        turn = tell(on, turn, "me quieren matar")
        assert turn.wants is not None and turn.state is not None
        turn = advance(on, turn.state, Found([]), SPANISH)
    assert turn.state is not None and turn.state.callers == (("trial", "a"),)


# --- anywhere ------------------------------------------------------------------------------------------------------


def test_danger_goes_before_a_command_and_a_label_goes_before_both() -> None:
    on = book({"a": Choose(_("¿Qué pasó?"), {"x": Choice(_("Me quieren matar"), "b")}), "b": ask(END)})
    assert place(tell(on, begin(on, "trial"), "me quieren matar")) == "trial.b"
    turn = tell(on, begin(on, "trial"), "persona, me quieren matar")
    assert place(turn).startswith("danger.")


def test_back_repeat_cancel_and_menu() -> None:
    on = book({"a": ask("b", text="¿Uno?"), "b": ask("c", text="¿Dos?"), "c": ask(END, text="¿Tres?")})
    turn = tell(on, begin(on, "trial"), "x", "y")
    assert place(tell(on, turn, "repetir")) == "trial.c"
    assert place(tell(on, turn, "atrás")) == "trial.b"
    assert place(tell(on, turn, "atrás", "atrás")) == "trial.a"
    last = tell(on, turn, "atrás", "atrás", "atrás")
    assert place(last) == "trial.a" and lines(last)[0] == NOTHING_BEFORE
    assert place(tell(on, turn, "atrás", "otra vez")) == "trial.c"
    assert place(tell(on, turn, "cancelar")) == "menu.ask"
    home = tell(on, turn, "menú")
    assert home.state is not None and home.state == State("menu", "ask", trail=(("menu", "ask", 0),))


def test_the_way_back_is_as_long_as_a_person_remembers() -> None:
    steps: dict[str, Step] = {f"s{n}": ask(f"s{n + 1}", save=f"n{n}") for n in range(30)} | {"s30": ask(END)}
    on = book(steps, start="s0")
    turn = tell(on, begin(on, "trial"), *["x"] * 30)
    assert turn.state is not None and len(turn.state.trail) == REMEMBERED
    assert lines(tell(on, turn, *["atrás"] * (REMEMBERED + 1)))[0] == NOTHING_BEFORE


def test_a_correction_changes_the_earlier_answer_and_the_record() -> None:
    town = Ask(_("¿Dónde?"), save="town", kind=kinds.place, sorry=_("Por ejemplo: Cobán."), then="b")
    on = book({"a": town, "b": choose(yes=END, no=END)}, remembers=("town",))
    turn = tell(on, begin(on, "trial"), "malacatán")
    turn = tell(on, turn, "no, soy de Xela")
    assert place(turn) == "trial.b"
    assert Remember("town", {"id": "0901", "label": "Quetzaltenango"}) in turn.events
    assert lines(turn)[0] == "Cambiado: {corrected.label}."
    assert "corrected" not in (turn.state.answers if turn.state else {})
    assert place(tell(on, turn, "no")) == "end"


def test_a_choice_is_corrected_only_if_it_leads_the_same_way() -> None:
    on = book({"a": choose(rojo="b", azul="b", verde="c"), "b": ask(END), "c": ask(END)})
    on = book({"a": choose(rojo="b", azul="b", verde="c"), "b": choose(uno=END, dos=END), "c": ask(END)})
    turn = tell(on, begin(on, "trial"), "rojo")
    other = tell(on, turn, "perdón, azul")
    assert other.state is not None and other.state.answers["chosen"] == "azul"
    assert lines(tell(on, turn, "perdón, verde"))[0] == NOT_UNDERSTOOD


def test_a_skipped_profile_answer_is_forgotten() -> None:
    on = book({"a": ask("b", save="town", skip="b"), "b": ask(END)}, remembers=("town",))
    turn = tell(on, begin(on, "trial"), "prefiero no decir")
    assert ForgetAnswer("town") in turn.events


def test_not_understood_once_then_a_person_never_a_third_time() -> None:
    on = book({"a": choose(rojo=END, azul=END)})
    once = tell(on, begin(on, "trial"), "qwerty")
    assert lines(once)[0] == NOT_UNDERSTOOD and place(once) == "trial.a"
    twice = tell(on, once, "qwerty")
    assert place(twice) == "stuck.offer"
    for turn in (tell(on, twice, "qwerty"), tell(on, twice, "qwerty", "asdf")):
        assert place(turn) == "stuck.offer" and NOT_UNDERSTOOD not in lines(turn)
    again = tell(on, twice, "intentar otra vez")
    assert place(again) == "trial.a" and again.state is not None and again.state.misses == 0


# --- a person takes over -------------------------------------------------------------------------------------------


@pytest.fixture
def held() -> Iterator[tuple[Book, State]]:
    on = book({"a": ask("b"), "b": ask(END, text="¿Y?")})
    turn = begin(on, "trial")
    assert turn.state is not None
    yield on, hold(on, turn.state)


def test_held_is_silent_and_given_back_where_it_stood(held: tuple[Book, State]) -> None:
    on, state = held
    for text in ("hola", "menu", "persona", "idioma", "1", "como saco mi dpi?"):
        turn = advance(on, state, Message(text=text), SPANISH)
        assert turn.events == () and turn.state == state
    turn = advance(on, state, Back(GREETING), SPANISH)
    assert place(turn) == "trial.a" and lines(turn) == [GREETING, "¿Qué dice?"]
    assert turn.state is not None and "held" not in turn.state.answers


def test_holding_twice_is_holding_once(held: tuple[Book, State]) -> None:
    on, state = held
    assert hold(on, state) == state


def test_danger_is_heard_while_held_and_the_hold_stays(held: tuple[Book, State]) -> None:
    on, state = held
    turn = advance(on, state, Message(text="me quieren matar"), SPANISH)
    assert turn.state is not None and turn.wants is not None
    turn = advance(on, turn.state, Found([]), SPANISH)
    assert place(turn) == "held.hold" and turn.state is not None and turn.state.callers == state.callers


def test_danger_heard_before_the_hold_does_not_undo_it() -> None:
    on = Book(FLOWS, MIND)
    turn = tell(on, begin(on, "menu"), "me quieren matar")
    while turn.wants is not None and turn.state is not None:
        turn = advance(on, turn.state, Found([{"hours": "x", "code": "x", "lines": [], "services": []}]), SPANISH)
    assert place(turn) == "danger.ask" and turn.state is not None
    turn = advance(on, hold(on, turn.state), Message(text="me quieren matar"), SPANISH)
    assert turn.state is not None
    turn = advance(on, turn.state, Found([]), SPANISH)
    assert place(turn) == "held.hold"
    assert turn.state is not None
    assert place(advance(on, turn.state, Back(GREETING), SPANISH)) == "danger.ask"


# --- a new release -------------------------------------------------------------------------------------------------

OLD = {"a": ask("b", save="town"), "b": ask(END, save="need", text="¿Qué necesita?")}


def test_a_renamed_step_is_followed_without_a_word() -> None:
    new = book({"a": ask("c", save="town"), "c": OLD["b"]}, renamed={"b": "c"})
    state = State("trial", "b", {"town": "Cobán"}, trail=(("trial", "a", 0), ("trial", "b", 0)))
    settled, moved = new.settle(state)
    assert not moved and settled.step == "c" and settled.trail == (("trial", "a", 0), ("trial", "c", 0))


def test_a_removed_step_is_said_and_the_answers_stay() -> None:
    on = book({"a": ask(END, save="town")})
    turn = advance(on, State("trial", "b", {"town": "Cobán"}), Message(text="documentos"), SPANISH)
    assert lines(turn)[0] == MOVED and place(turn) == "menu.ask"
    assert turn.state is not None and turn.state.answers == {"town": "Cobán"}


def test_a_removed_step_of_a_called_flow_goes_on_in_the_caller() -> None:
    on = book({"a": ask("b"), "b": ask(END, text="¿Y?")}, inner())
    state = State("inner", "gone", {}, callers=(("trial", "b"),))
    assert place(advance(on, state, Message(text="x"), SPANISH)) == "trial.b"
    home = State("inner", "gone", {}, callers=(("trial", HOME),))
    assert place(advance(on, home, Message(text="x"), SPANISH)) == "menu.ask"


def test_danger_in_the_first_message_after_a_release_is_heard() -> None:
    on = book({"a": ask(END)})
    turn = advance(on, State("gone", "gone"), Message(text="me quieren matar"), SPANISH)
    assert turn.state is not None and turn.state.flow == "danger"


def test_the_version_changes_with_the_stored_names_alone() -> None:
    one, two = book(OLD), book({"a": replace(OLD["a"], text=_("¿En qué municipio?")), "b": OLD["b"]})
    assert one.version == two.version != book({"a": OLD["b"]}).version


# --- what is stored ------------------------------------------------------------------------------------------------


def test_a_state_is_the_same_after_json() -> None:
    state = State("trial", "a", {"town": {"id": "1"}}, (("menu", "ask"),), (("trial", "a", 1),), 1, True)
    assert through_json(state) == state
    assert State("menu", "ask").to_json() == {"flow": "menu", "step": "ask"}


def test_a_strangers_first_message() -> None:
    on = Book(FLOWS, MIND)

    def first(text: str) -> Turn:
        return engine.welcome(on, Message(text=text), SPANISH)

    assert place(first("hola")) == place(first("menú")) == place(first("idioma")) == "language.which"
    assert place(first("ocultar")) == "hide.neutral"
    assert first("persona").wants == AboutMe()
    asked = first("cómo saco mi dpi")
    assert asked.state is not None and asked.state.answers["question"] == "cómo saco mi dpi"


def test_a_branch_takes_the_exit_it_computes() -> None:
    on = book({"a": Branch(lambda answers: answers["x"], {"one": "b", "two": "c"}), "b": ask(END), "c": ask(END)})
    assert place(begin(on, "trial", {"x": "two"})) == "trial.c"
