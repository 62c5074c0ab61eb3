"""One turn is one transaction: whatever breaks in the middle, nothing of it is half done (SAFETY B2, C4, E1)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from bot import turn
from bot.crypto import vault
from bot.record import Tx
from tests.installation import Home, Person, texts

TABLES = (
    "contact", "address", "conversation", "inbox", "outbox", "handoff_case", "consent", "profile_answer", "timer",
    "audit", "unanswered",
)  # fmt: skip


class Broken(Exception):
    """What a test breaks a statement with."""


@contextmanager
def breaking(at: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The `at`-th statement from now on fails; the list counts all of them."""
    real, count = Tx.run, [0]

    def run(tx: Tx, statement: str, **values: Any) -> int:
        count[0] += 1
        if count[0] == at:
            raise Broken(statement)
        return real(tx, statement, **values)

    with monkeypatch.context() as patched:
        patched.setattr(Tx, "run", run)
        yield count


def everything(home: Home) -> dict[str, list[dict[str, Any]]]:
    return {table: home.rows(table) for table in TABLES}


TURNS: dict[str, tuple[tuple[str, ...], str]] = {
    "a first message": ((), "hola"),
    "consent": (("hola", "español"), "sí"),
    "a case": (("hola", "español", "no", "persona", "trabajo"), "xela"),
    "danger": (("hola", "español", "no"), "me quieren matar"),
    "a minor": (("hola", "español", "no"), "tengo 15 años"),
    "panic": (("hola", "español", "no"), "ocultar"),
    "erasure": (("hola", "español", "no", "persona", "trabajo", "xela", "borrar mis datos"), "sí, borrar todo"),
}


@pytest.mark.parametrize("what", TURNS)
def test_whichever_statement_fails_nothing_is_half_done(
    home: Home, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, last = TURNS[what]
    ana = home.person()
    ana.say(*before)
    ana.write(last)
    contact, stood = ana.contact, everything(home)
    for at in range(1, 200):
        with breaking(at, monkeypatch) as count:
            try:
                home.record.do(turn.take, home.puente.house, contact, home.now)
            except Broken:
                assert everything(home) == stood, f"statement {at} left something behind"
                continue
        break
    assert count[0] == at - 1 > 3, "every statement of the turn was broken once"
    assert everything(home) != stood
    assert home.one("SELECT COUNT(*) AS n FROM inbox WHERE done_at IS NULL")["n"] == 0


def test_an_acknowledgement_and_its_case_are_there_together_or_not_at_all(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = home.person()
    ana.meet("persona", "trabajo")
    ana.write("xela")
    for at in range(1, 60):
        with breaking(at, monkeypatch), suppress(Broken):
            home.record.do(turn.take, home.puente.house, ana.contact, home.now)
        promised = sum("Una persona le va a atender" in said["text"] for said in ana.said())
        assert promised == home.count("handoff_case")
    assert promised == 1


def test_a_commit_that_fails_leaves_the_message_unread(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = home.person()
    ana.write("hola")
    stood = everything(home)

    def full(tx: Tx) -> None:
        raise home.disk_full

    with monkeypatch.context() as patched:
        patched.setattr(Tx, "finish", full)
        with pytest.raises(type(home.disk_full)):
            home.record.do(turn.take, home.puente.house, ana.contact, home.now)
    assert everything(home) == stood
    home.work()
    assert len(ana.said()) == 1


class TestPoison:
    """A message that cannot be worked through goes to a person, with an apology, and the lane goes on."""

    def given_up(self, home: Home) -> Person:
        ana = home.person()
        ana.meet()
        ana.write("veneno")
        ana.write("menú")
        home.record.do(turn.give_up, home.puente.house, ana.contact, home.now)
        return ana

    def test_it_becomes_a_case_with_an_apology(self, home: Home) -> None:
        ana = self.given_up(home)
        assert (ana.case["reason"], ana.case["urgency"]) == ("unreadable", "R2")
        (said,) = [said for said in ana.said() if said["speaker"] == "notice"]
        assert said["text"] == turn.SORRY
        assert home.one("SELECT COUNT(*) AS n FROM inbox WHERE failed = 1")["n"] == 1

    def test_what_comes_after_it_is_answered(self, home: Home) -> None:
        ana = self.given_up(home)
        home.work()
        assert "¿En qué le puedo ayudar?" in ana.said()[-1]["text"]
        assert home.one("SELECT COUNT(*) AS n FROM inbox WHERE done_at IS NULL")["n"] == 0

    def test_a_strangers_first_message_can_be_poison(self, home: Home) -> None:
        luis = home.person("luis")
        luis.write("veneno")
        home.record.do(turn.give_up, home.puente.house, luis.contact, home.now)
        assert luis.case["reason"] == "unreadable"
        assert [said["text"] for said in luis.said()] == [turn.SORRY]

    def test_with_nothing_unread_nothing_happens(self, home: Home) -> None:
        ana = home.person()
        ana.meet()
        stood = everything(home)
        home.record.do(turn.give_up, home.puente.house, ana.contact, home.now)
        home.record.do(turn.give_up, home.puente.house, "nobody", home.now)
        assert everything(home) == stood


def test_a_turn_of_nobody_is_no_turn(home: Home) -> None:
    assert not home.record.do(turn.take, home.puente.house, "nobody", home.now)


def test_every_message_and_answer_stands_in_the_order_it_came(home: Home) -> None:
    ana = home.person()
    for text in ("hola", "español", "no", "trabajo", "menú"):
        ana.write(text)
    home.work()
    assert [said["id"] for said in ana.said()] == sorted(said["id"] for said in ana.said())
    assert ana.place == "menu.ask"


class TestGoneSteps:
    """A conversation that waits at a place a new release no longer has (SAFETY C4)."""

    def moved_to(self, person: Person, flow: str, step: str, **more: Any) -> None:
        state = {"flow": flow, "step": step, "answers": {"language": "es"}} | more
        sealed = vault().seal("conversation.state", json.dumps(state))
        person.home.run("UPDATE conversation SET state = :s, version = 'old' WHERE contact_id = :c", s=sealed,
                        c=person.contact)  # fmt: skip

    @pytest.mark.parametrize(
        ("flow", "step", "callers"),
        [
            ("menu", "gone", []),
            ("gone", "gone", []),
            ("gone", "gone", [["menu", "ask"]]),
            ("services", "gone", [["gone", "gone"], ["menu", "ask"]]),
            ("profile", "gone", [["menu", "END"]]),
        ],
    )
    def test_the_person_is_told_and_can_go_on(self, home: Home, flow: str, step: str, callers: list[Any]) -> None:
        ana = home.person()
        ana.meet()
        self.moved_to(ana, flow, step, callers=callers)
        answer = ana.say("trabajo")
        assert "Hicimos cambios en este programa" in texts(ana.said())
        assert answer
        assert ana.say("menú")
        assert ana.place == "menu.ask"
        assert ana.conversation["version"] == home.puente.house.book.version

    def test_danger_is_heard_even_there(self, home: Home) -> None:
        ana = home.person()
        ana.meet()
        self.moved_to(ana, "gone", "gone")
        ana.say("me quieren matar")
        assert ana.case["urgency"] == "R0"

    def test_a_thousand_stuck_people_are_none(self, home: Home) -> None:
        """From every step of every conversation, gone: all are moved, none fails."""
        ana = home.person()
        ana.meet()
        for name, flow in home.puente.house.book.flows.items():
            for step in flow.steps:
                self.moved_to(ana, name, f"{step}_gone", callers=[["menu", "ask"]])
                assert ana.say("hola"), (name, step)


def test_after_many_days_the_conversation_goes_on_where_it_stood(home: Home) -> None:
    ana = home.person()
    ana.meet("persona", "trabajo")
    home.later(200 * 86400.0)
    assert "Una persona le va a atender" in texts([{"text": t} for t in ana.say("xela")])
