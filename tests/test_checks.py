"""The checks on conversations: the real ones pass in every language on every channel, and each mistake is found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import pytest

from bot.catalogues import tongues
from flows import kinds
from flows.checks import Finding, check
from flows.conversations import FLOWS
from flows.effects import (
    Effect,
    FindFairs,
    FindServices,
    KeepWord,
    NoteUnanswered,
    OpenCase,
    RightWord,
    StopNotices,
)
from flows.steps import END, HOME, Ask, Branch, Call, Choice, Choose, Do, Flow, Lookup, Pick, Say, Step
from flows.text import SPANISH, Tongue, _


class Channel(NamedTuple):
    name: str = "whatsapp"
    buttons: int = 3
    button_label: int = 20
    rows: int = 10
    row_label: int = 24
    row_hint: int = 72
    body: int = 1024


WHATSAPP = Channel()
TELEGRAM = Channel("telegram", buttons=100, button_label=64, rows=0, row_label=0, row_hint=0, body=4096)
TERMINAL = Channel("terminal", buttons=0, button_label=0, rows=0, row_label=0, row_hint=0, body=100_000)
YES = {"yes": Choice(_("Sí"), END)}


def test_the_conversations_have_no_mistake() -> None:
    assert check(FLOWS, list(tongues().values()), [WHATSAPP, TELEGRAM, TERMINAL]) == []


def flow(steps: Mapping[str, Step], name: str = "trial", start: str = "a", **more: Any) -> Flow:
    return Flow(name, start, steps, title=_("Prueba"), **more)


def found(trial: Flow, tongue: Tongue = SPANISH, channel: Channel = WHATSAPP, called: bool = True) -> list[str]:
    """What the checks say about one flow that stands beside the real ones."""
    callers = {"caller": flow({"a": Call(trial.name, END)}, "caller"), "menu": FLOWS["menu"]}
    menu = FLOWS["menu"]
    opened = replace(menu, steps={**menu.steps, "ask": _with_exit(menu.steps["ask"]), "trial": Call("caller", "ask")})
    flows = {**FLOWS, **callers, "menu": opened if called else menu, trial.name: trial}
    if not called:
        del flows["caller"]
    return [str(finding) for finding in check(flows, [tongue], [channel]) if finding.flow == trial.name]


def _with_exit(step: Step) -> Step:
    assert isinstance(step, Choose)
    return replace(step, options={**step.options, "trial": Choice(_("Prueba"), "trial")})


def ask(then: str = END, save: str = "said", text: str = "¿Qué dice?", skip: str | None = None) -> Ask:
    return Ask(_(text), save=save, kind=kinds.text, sorry=_("Escriba algo."), then=then, skip=skip)


def choose(label: str = "Una", text: str = "¿Cuál?", **more: Any) -> Choose:
    return Choose(_(text), {"one": Choice(_(label), END, **more), "two": Choice(_("Otra"), END)})


WAYS: Mapping[str, tuple[Flow, str]] = {
    "starts nowhere": (flow({"a": ask()}, start="b"), "trial: starts at `b`, which does not exist"),
    "leads nowhere": (flow({"a": Say(_("Hola"), then="b")}), "trial.a: `then` leads to `b`, which does not exist"),
    "an option leads nowhere": (
        flow({"a": Choose(_("¿Sí?"), {"yes": Choice(_("Sí"), "b")})}),
        "trial.a: `yes` leads to `b`, which does not exist",
    ),
    "calls nobody": (flow({"a": Call("nobody", END)}), "trial.a: calls `nobody`, which does not exist"),
    "out of reach": (flow({"a": ask(), "b": ask()}), "trial.b: no way leads here"),
    "goes round": (
        flow({"a": Say(_("Hola"), then="b"), "b": Say(_("Otra vez"), then="a")}),
        "trial.a: goes round without asking anything",
    ),
    "goes round when nothing is found": (
        flow({"a": Lookup(FindFairs, save="fairs", some="b", none="a"), "b": ask()}),
        "trial.a: goes round without asking anything",
    ),
    "goes round through a call": (
        flow({"a": Call("hello", "b"), "b": Call("trial", END)}),
        "trial.a: goes round without asking anything",
    ),
}

NAMES: Mapping[str, tuple[Flow, str]] = {
    "a step's name": (flow({"a": ask("Ünd"), "Ünd": ask()}), "trial: `Ünd` is not a plain lower-case name"),
    "an answer's name": (flow({"a": ask(save="What")}), "trial: `What` is not a plain lower-case name"),
    "an option's name": (
        flow({"a": Choose(_("¿Sí?"), {"Sí": Choice(_("Sí"), END)})}),
        "trial.a: option `Sí` is not a plain lower-case name",
    ),
    "a step called as an exit": (
        flow({"a": ask("b"), "b": ask(), "home": ask()}, start="home"),
        "trial.home: `home` is an exit, no step can be called that",
    ),
    "renamed to nothing": (
        flow({"a": ask()}, renamed={"old": "b"}),
        "trial.old: is renamed to `b`, which does not exist",
    ),
    "renamed and still there": (
        flow({"a": ask()}, renamed={"a": "a"}),
        "trial.a: is renamed, but there is such a step",
    ),
    "remembers what nobody saves": (
        flow({"a": ask()}, remembers=("town",)),
        "trial: remembers `town`, which no step saves",
    ),
    "a field the query has not": (
        flow({"a": Lookup(FindServices, given={"colour": "red"}, save="x", some=END, none=END)}),
        "trial.a: FindServices has no field `colour`",
    ),
    "a field the effect cannot do without": (
        flow({"a": Do(NoteUnanswered, then=END)}),
        "trial.a: NoteUnanswered needs `question`",
    ),
    "needed and given": (
        flow(
            {
                "a": ask("b", save="topic"),
                "b": Do(OpenCase, needs=("topic",), given={"reason": "r", "topic": "x"}, then=END),
            }
        ),
        "trial.b: `topic` is both needed and given",
    ),
}

PICK = Pick(_("¿Cuál?"), "rows", then=END, save="row")
ANSWERS: Mapping[str, tuple[Flow, str]] = {
    "a line with an answer nobody was asked for": (
        flow({"a": Say(_("Hola, {name}."), then=END)}),
        "trial.a: says `name`, which nobody has been asked for",
    ),
    "a question with an answer that may be missing": (
        flow({"a": ask("b", save="town", skip="b"), "b": ask(text="¿Qué hay en {town}?")}),
        "trial.b: says `town`, which is not always known here",
    ),
    "a query with an answer nobody was asked for": (
        flow({"a": Lookup(FindServices, needs=("town",), save="x", some=END, none=END)}),
        "trial.a: needs `town`, which nobody has been asked for",
    ),
    "an effect that may lack what it cannot do without": (
        flow({"a": ask("b", save="word", skip="b"), "b": Do(KeepWord, needs=("word",), then=END)}),
        "trial.b: needs `word`, which is not always known here",
    ),
    "a list nobody has looked up": (flow({"a": PICK}), "trial.a: shows `rows`, which nobody has been asked for"),
    "a list that may be empty": (
        flow({"a": Lookup(FindFairs, save="rows", some="b", none="b"), "b": PICK}),
        "trial.b: shows `rows`, which is not always known here",
    ),
    "a list somebody else may change": (
        flow({"a": Lookup(FindFairs, save="suggested", some="b", none=END), "b": replace(PICK, rows="suggested")}),
        "trial.b: `answer` may be asked in between, and changes `suggested`",
    ),
    "a call without what it takes": (
        flow({"a": Call("answer", END)}),
        "trial.a: `answer` takes `question`, which nobody has been asked for",
    ),
}

LONG = "palabra " * 80
WORDS: Mapping[str, tuple[Flow, str]] = {
    "a message too long": (flow({"a": Say(_("Uno. " * 80), _("Dos. " * 80), then=END)}), "characters, 600 at most"),
    "a question too long": (flow({"a": ask(text=LONG)}), "trial.a [es]: is 640 characters, 600 at most"),
    "tú": (flow({"a": ask(text="¿Puedes escribir?")}), "trial.a [es]: says “puedes”"),
    "vos": (flow({"a": choose(text="¿Querés seguir?")}), "trial.a [es]: says “queres”"),
    "a word that hurts": (
        flow({"a": Say(_("Para personas deportadas."), then=END)}),
        "trial.a [es]: says “deportadas”",
    ),
    "in a label": (flow({"a": choose("Tu perfil")}), "trial.a [es]: says “tu”"),
    "a slot nobody can fill": (
        flow({"a": Say(_("Hola {Name}."), then=END)}),
        "has a slot nobody can fill: Hola {Name}.",
    ),
}

LABELS: Mapping[str, tuple[Flow, str]] = {
    "a button too long": (
        flow({"a": choose("Una etiqueta demasiado larga")}),
        "“Una etiqueta demasiado larga” is 28 characters, whatsapp shows 20",
    ),
    "a row too long": (
        flow({"a": Choose(_("¿Cuál?"), {c: Choice(_(f"Etiqueta de fila larga {c * 2}"), END) for c in "abcd"})}),
        "is 25 characters, whatsapp shows 24",
    ),
    "a hint too long": (
        flow({"a": Choose(_("¿Cuál?"), {c: Choice(_(c * 5), END, hint=_("h" * 73)) for c in "abcd"})}),
        "is 73 characters, whatsapp shows 72",
    ),
    "too many options": (
        flow({"a": Choose(_("¿Cuál?"), {c: Choice(_(c * 4), END) for c in "abcdefghijk"})}),
        "trial.a: offers 11 options, 10 at most",
    ),
    "too many with the rows of a list": (
        flow({
            "a": Lookup(FindFairs, save="rows", some="b", none=END),
            "b": replace(PICK, options={name: Choice(_(name * 4), END) for name in "abc"}),
        }),
        "trial.b: offers 11 options, 10 at most",
    ),
    "two labels alike": (
        flow({"a": choose("OTRA")}),
        "“Otra”, typed for `two`, is heard as `one`",
    ),
    "another word that is a label": (
        flow({"a": choose(also=_("otra"))}),
        "“otra”, typed for `one`, is heard as `two`",
    ),
    "another word twice": (
        flow({"a": Choose(_("¿Cuál?"), {n: Choice(_(n * 4), END, also=_("algo")) for n in ("a", "b")})}),
        "“algo”, typed for `a`, is heard as nothing",
    ),
    "another word that is a number": (flow({"a": choose(also=_("2"))}), "“2”, typed for `one`, is heard as `two`"),
    "an empty word": (flow({"a": choose(also=_("una,,"))}), "“one” has an empty label or word"),
}  # fmt: skip


def cases(*groups: Mapping[str, tuple[Flow, str]]) -> list[Any]:
    return [pytest.param(*case, id=name) for group in groups for name, case in group.items()]


@pytest.mark.parametrize(("trial", "problem"), cases(WAYS, NAMES, ANSWERS, WORDS, LABELS))
def test_a_mistake_is_found(trial: Flow, problem: str) -> None:
    assert any(problem in finding for finding in found(trial)), found(trial)


def test_a_flow_nobody_calls_is_found() -> None:
    assert "trial: nobody calls this flow" in found(flow({"a": ask()}), called=False)
    assert not found(flow({"a": ask()}))


def test_a_flow_the_engine_opens_must_exist() -> None:
    without = {name: flow for name, flow in FLOWS.items() if name != "danger"}
    problem = Finding("danger", "", "", "the engine opens this flow, and it does not exist")
    assert problem in check(without, [SPANISH], [WHATSAPP])


def test_a_flow_under_another_name_is_found() -> None:
    flows = {**FLOWS, "other": FLOWS["hello"]}
    assert Finding("other", "", "", "the flow is named `hello`") in check(flows, [SPANISH], [WHATSAPP])


def test_what_every_way_leads_through_may_be_used() -> None:
    steps: dict[str, Step] = {
        "a": Branch(lambda answers: "one", {"one": "b", "two": "c"}),
        "b": ask("d", save="town"),
        "c": ask("d", save="town"),
        "d": ask("e", text="¿Qué hay en {town}?"),
        "e": Do(KeepWord, given={"word": "x"}, then=END),
    }
    assert not found(flow(steps))


def test_a_channel_with_few_rows_needs_short_questions() -> None:
    many = flow({"a": Choose(_("¿Cuál?"), {c: Choice(_(c * 4), END) for c in "abcdef"})})
    assert "trial.a [es]: 6 options, small shows 5" in found(many, channel=WHATSAPP._replace(name="small", rows=5))
    assert not found(many, channel=TERMINAL)


def test_a_text_too_long_for_a_channel_is_found() -> None:
    long = flow({"a": ask(text="palabra " * 60)})
    assert "trial.a [es]: text longer than 400 on small" in found(
        long, channel=WHATSAPP._replace(name="small", body=400)
    )


WORDS_OF_OURS = {"¿Cuál?": "Which?", "Hola, {name}.": "Hello.", "Prueba": "Trial", "Otra": "Other", "Una": "Other"}


@pytest.mark.parametrize(
    ("trial", "problem"),
    [
        (
            flow({"a": ask("b", save="name"), "b": Say(_("Hola, {name}."), then=END)}),
            "has other slots than its source: Hello.",
        ),
        (flow({"a": choose("Ni modo")}), "trial.a [en]: not translated: Ni modo"),
        (flow({"a": choose()}), "“Other”, typed for `two`, is heard as `one`"),
    ],
    ids=["a slot lost", "a label not translated", "two labels alike in one language"],
)
def test_a_mistake_of_a_translation_is_found(trial: Flow, problem: str) -> None:
    english = Tongue("en", lambda text: WORDS_OF_OURS.get(text, text), WORDS_OF_OURS.__contains__)
    assert any(problem in finding for finding in found(trial, english)), found(trial, english)


def test_a_finding_says_where_it_is() -> None:
    assert str(Finding("menu", "ask", "en", "too long")) == "menu.ask [en]: too long"
    assert str(Finding("menu", "", "", "nobody calls this flow")) == "menu: nobody calls this flow"


@dataclass(frozen=True, slots=True)
class Greet(Effect):
    """An effect of no conversation, to see that a field with a default may be left out."""

    whom: str = "all"


def test_a_field_with_a_default_may_be_left_out() -> None:
    assert not found(flow({"a": ask("b"), "b": Do(Greet, then="c"), "c": Do(StopNotices, then=HOME)}))
    assert not found(
        flow({"a": ask("b", save="word"), "b": Lookup(RightWord, needs=("word",), save="x", some=END, none=END)})
    )
