"""Cases: one open at a time, as urgent as the worst that was said, at the right office, in one person's hands."""

from __future__ import annotations

import json
import sqlite3

import psycopg
import pytest

from bot import casefile, cases, handoff, upkeep
from bot.scope import NOTHING, Scope
from tests.installation import Home, Person, texts

HOUR = 3600.0


def opened(home: Home, name: str = "ana", town: str = "xela") -> Person:
    person = home.person(name)
    person.ask_for_a_person(town)
    home.send()
    return person


class TestOpening:
    def test_asking_twice_is_one_case(self, home: Home) -> None:
        ana = opened(home)
        first = ana.case["id"]
        ana.say("persona", "persona")
        assert home.count("handoff_case") == 1
        assert ana.case["id"] == first

    def test_the_database_itself_refuses_a_second_open_case(self, home: Home) -> None:
        ana = opened(home)
        with pytest.raises((sqlite3.IntegrityError, psycopg.errors.UniqueViolation), match=r"(?i)unique"):
            home.run(
                "INSERT INTO handoff_case (id, code, contact_id, open_contact, state, urgency, reason, opened_at) "
                "VALUES ('x', 'X', :c, :c, 'new', 'R3', 'asked', 0)",
                c=ana.contact,
            )

    @pytest.mark.parametrize(
        ("first", "then", "worst"),
        [("R3", "R0", "R0"), ("R0", "R3", "R0"), ("R2", "R1", "R1"), ("R1", "R1", "R1")],
    )
    def test_urgency_only_rises(self, home: Home, first: str, then: str, worst: str) -> None:
        ana = home.person()
        ana.meet()
        for urgency in (first, then):
            home.record.do(cases.open_case, ana.contact, reason="asked", urgency=urgency, now=home.now)
        assert ana.case["urgency"] == worst

    def test_danger_raises_a_case_that_was_routine_and_clears_a_false_alarm(self, home: Home) -> None:
        ana = opened(home)
        ana.say("me quieren matar", "no hay emergencia")
        assert ana.case["false_alarm_at"] is not None
        ana.say("me quieren matar")
        assert (ana.case["urgency"], ana.case["danger"]) == ("R0", "immediate_danger")
        assert ana.case["false_alarm_at"] is None

    def test_after_closing_a_new_wish_is_a_new_case(self, home: Home) -> None:
        ana = opened(home)
        first = ana.case["id"]
        home.record.do(handoff.close, home.puente.house, first, "resuelto", home.now)
        home.work()
        ana.say("persona", "trabajo", "xela")
        assert ana.case["id"] != first
        assert home.count("handoff_case") == 2

    def test_codes_hold_no_letters_that_are_taken_for_others(self) -> None:
        codes = {cases.new_code() for _ in range(500)}
        assert len(codes) == 500
        assert not set("01OILU") & set("".join(codes))


class TestRouting:
    @pytest.mark.parametrize(
        ("town", "office"),
        [
            ("1217", "Tecún Umán"),  # its municipality
            ("1215", "Tecún Umán"),
            ("1201", "Tecún Umán"),  # its department, San Marcos
            ("D12", "Tecún Umán"),
            ("0901", "Quetzaltenango"),
            ("0920", "Quetzaltenango"),
            ("0801", "Quetzaltenango"),
            ("0101", "Nacional"),  # nobody's: the office that takes all
            (None, "Nacional"),
        ],
    )
    def test_the_nearest_office_gets_it(self, home: Home, town: str | None, office: str) -> None:
        ana = home.person()
        ana.meet()
        home.record.do(cases.open_case, ana.contact, reason="asked", town=town, now=home.now)
        assert ana.case["office_id"] == home.office(office)

    def test_a_municipality_goes_before_a_department(self, home: Home) -> None:
        """Another office, first in the alphabet, serves the whole department."""
        home.run(
            "INSERT INTO office (id, name, municipalities, languages, hours, demo) "
            "VALUES ('first', 'AAA', :places, '[]', '{}', TRUE)",
            places=json.dumps(["D09"]),
        )
        assert home.record.do(cases.office_for, "nobody", "0901") == home.office("Quetzaltenango")
        assert home.record.do(cases.office_for, "nobody", "0920") == "first"

    def test_the_town_of_the_profile_counts_when_none_is_said(self, home: Home) -> None:
        ana = home.person()
        ana.say("hola", "español", "sí", "no")
        from bot import effects

        home.record.do(effects.remember, ana.contact, "town", {"id": "1217", "label": "Tecún Umán"}, home.now)
        ana.say("me quieren matar")
        assert ana.case["office_id"] == home.office("Tecún Umán")

    def test_without_any_office_the_case_is_kept(self, home: Home) -> None:
        home.run("DELETE FROM token")
        home.run("DELETE FROM staff")
        home.run("DELETE FROM office")
        ana = opened(home)
        assert ana.case["office_id"] is None
        assert "Abrimos su caso" in texts(ana.said())


class TestHands:
    def test_one_has_it_and_the_other_is_told(self, home: Home) -> None:
        ana = opened(home)
        one, other = home.staff("Quetzaltenango"), home.staff("Nacional")
        case = home.claim(ana, one)
        assert (ana.case["state"], ana.case["staff_id"]) == ("claimed", one)
        with pytest.raises(cases.Conflict, match="another"):
            home.claim(ana, other)
        with pytest.raises(cases.Conflict, match="claim the case"):
            home.record.do(cases.answer, case, other, "hola", home.now)
        assert ana.case["staff_id"] == one

    def test_taking_it_twice_changes_nothing(self, home: Home) -> None:
        ana = opened(home)
        one = home.staff("Quetzaltenango")
        home.claim(ana, one)
        epoch, said = ana.conversation["epoch"], len(ana.said())
        home.claim(ana, one)
        assert (ana.conversation["epoch"], len(ana.said())) == (epoch, said)

    def test_what_needs_a_claim_first_says_so(self, home: Home) -> None:
        ana = opened(home)
        case = str(ana.case["id"])
        with pytest.raises(cases.Conflict):
            home.record.do(cases.answer, case, None, "hola", home.now)
        with pytest.raises(cases.Conflict):
            home.record.do(cases.hand_back, case, home.now)

    def test_a_closed_case_is_closed(self, home: Home) -> None:
        ana = opened(home)
        case = home.claim(ana)
        home.record.do(handoff.close, home.puente.house, case, "resuelto", home.now)
        for attempt in (
            lambda: home.record.do(handoff.claim, home.puente.house, case, None, home.now),
            lambda: home.record.do(handoff.close, home.puente.house, case, "otra vez", home.now),
            lambda: home.record.do(cases.hand_back, case, home.now),
            lambda: home.record.do(cases.answer, case, None, "hola", home.now),
        ):
            with pytest.raises(cases.Conflict):
                attempt()

    def test_a_case_that_does_not_exist_is_not_yours(self, home: Home) -> None:
        for attempt in (
            lambda: home.record.do(handoff.claim, home.puente.house, "f" * 32, None, home.now),
            lambda: home.record.do(handoff.close, home.puente.house, "f" * 32, "x", home.now),
            lambda: home.record.do(cases.hand_back, "f" * 32, home.now),
            lambda: home.record.do(cases.answer, "f" * 32, None, "hola", home.now),
        ):
            with pytest.raises(cases.NotYours):
                attempt()

    def test_a_case_of_somebody_who_cannot_be_written_to_can_still_be_closed(self, home: Home) -> None:
        ana = opened(home)
        home.run("UPDATE conversation SET address_id = NULL WHERE contact_id = :c", c=ana.contact)
        home.record.do(handoff.close, home.puente.house, str(ana.case["id"]), "sin contacto", home.now)
        assert ana.case is None


class TestSilence:
    """A case manager who says nothing for twelve hours: back to the queue and to the bot, by a row, not by memory."""

    def ring(self, home: Home) -> None:
        home.record.do(upkeep.schedule, home.now)
        home.record.do(upkeep.ring, home.now)
        while home.record.do(upkeep.chore, home.now):
            pass
        home.work()

    def test_the_bot_takes_the_conversation_back(self, home: Home) -> None:
        ana = opened(home)
        home.claim(ana, home.staff("Quetzaltenango"))
        home.later(cases.SILENCE - 60)
        self.ring(home)
        assert ana.conversation["owner"] == "person"
        home.later(120)
        self.ring(home)
        assert ana.conversation["owner"] == "bot"
        assert (ana.case["state"], ana.case["staff_id"]) == ("new", None)
        assert "Vuelve el asistente automático." in ana.said()[-1]["text"]

    def test_every_answer_starts_the_time_anew(self, home: Home) -> None:
        ana = opened(home)
        case = home.claim(ana)
        for _answer in range(3):
            home.later(cases.SILENCE - HOUR)
            home.record.do(cases.answer, case, None, "sigo aquí", home.now)
            self.ring(home)
            assert ana.conversation["owner"] == "person"

    def test_an_answer_between_the_bell_and_the_turn_counts(self, home: Home) -> None:
        ana = opened(home)
        case = home.claim(ana)
        home.later(cases.SILENCE + 1)
        home.record.do(upkeep.ring, home.now)
        home.record.do(cases.answer, case, None, "ya le contesto", home.now)
        home.work()
        assert ana.conversation["owner"] == "person"

    def test_a_bell_for_a_case_given_back_meanwhile_means_nothing(self, home: Home) -> None:
        ana = opened(home)
        case = home.claim(ana)
        home.record.do(cases.hand_back, case, home.now)
        home.work()
        said = len(ana.said())
        home.later(cases.SILENCE + HOUR)
        self.ring(home)
        assert len(ana.said()) == said

    def test_a_bell_after_an_erasure_rings_for_nobody(self, home: Home) -> None:
        ana = opened(home)
        home.claim(ana)
        ana.say("borrar mis datos", "sí, borrar todo")
        home.send()
        home.later(cases.SILENCE + HOUR)
        self.ring(home)
        assert home.count("contact") == 0
        assert home.one("SELECT COUNT(*) AS n FROM timer WHERE contact_id IS NOT NULL")["n"] == 0
        assert home.one("SELECT COUNT(*) AS n FROM inbox WHERE done_at IS NULL")["n"] == 0


class TestScope:
    def test_an_office_sees_its_own_and_nothing_else(self, home: Home) -> None:
        ana, luis = opened(home, "ana", "xela"), opened(home, "luis", "tecun")
        xela = Scope("token:x", home.office("Quetzaltenango"))
        listed = home.record.do(casefile.listed, xela)
        assert [case["id"] for case in listed] == [ana.case["id"]]
        with pytest.raises(cases.NotYours):
            home.record.do(casefile.found, xela, str(luis.case["id"]), "case.read")
        assert len(home.record.do(casefile.listed, Scope("token:all", every_office=True))) == 2

    def test_by_default_nobody_sees_anything(self, home: Home) -> None:
        opened(home)
        assert home.record.do(casefile.listed, NOTHING) == []

    def test_every_look_is_written_down(self, home: Home) -> None:
        ana = opened(home)
        scope = Scope("staff:x", every_office=True)
        home.record.do(casefile.whole, scope, str(ana.case["id"]), home.puente.house.tongues)
        row = home.one("SELECT * FROM audit WHERE action = 'case.read'")
        assert (row["actor"], row["object"]) == ("staff:x", ana.case["id"])


def test_the_transcript_says_what_was_said_in_order(home: Home) -> None:
    ana = opened(home)
    case = home.claim(ana)
    home.later(1)
    ana.say("aquí estoy")
    home.later(1)
    home.record.do(cases.answer, case, None, "Buenos días", home.now)
    home.send()
    lines = home.record.do(casefile.transcript, ana.contact)
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    tail = [(line["from"], line["text"]) for line in lines[-3:]]
    assert tail == [("notice", handoff.NOW_A_PERSON), ("contact", "aquí estoy"), ("person", "Buenos días")]
    assert {line["state"] for line in lines if line["from"] != "contact"} == {"sent"}
