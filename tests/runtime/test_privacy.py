"""What is kept of a person, when it goes, and what the phone does not tell (SAFETY A5, I1–I3, J2, J3)."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlmodel import select

from bot import cases, erase, outbox, upkeep, webchat
from bot.channels import Receipt
from bot.models import Vacancy
from tests.installation import Home, Person, only_sqlite, texts
from tests.runtime.scan import opened, where

DAY = 86400.0
MONTH = 30 * DAY
CANARY = "Ixchel Canario vive en la zona 7"
SEALED = {
    "inbox": "body", "outbox": "body", "address": "value", "conversation": "state", "case_note": "text",
    "profile_answer": "value", "unanswered": "question", "staff": "name",
}  # fmt: skip
KEPT_BEFORE_CONSENT = {
    "contact", "address", "conversation", "inbox", "outbox", "audit",
}  # fmt: skip


def whole_life(home: Home) -> Person:
    """Somebody with everything we can keep of a person: profile, consents, case, notes, messages, timers."""
    ana = home.person("canary-address")
    ana.say("hola", "español", "sí", "sí", "persona", "trabajo", "xela", CANARY)
    home.send()
    case = home.claim(ana, home.staff("Quetzaltenango"))
    home.record.do(cases.note, case, None, CANARY, home.now)
    home.record.do(cases.answer, case, home.staff("Quetzaltenango"), f"Hola {CANARY}", home.now)
    from bot import effects

    home.record.do(effects.remember, ana.contact, "town", {"id": "0901", "label": CANARY}, home.now)
    home.send()
    return ana


def erased(home: Home, person: Person) -> None:
    person.say("borrar mis datos", "sí, borrar todo")
    home.send()
    home.record.do(upkeep.schedule, home.now)
    home.record.do(upkeep.ring, home.now)
    while home.record.do(upkeep.chore, home.now):
        pass
    if home.record.postgres:  # wakes nobody came for, as no worker runs here: it deletes each with the job done
        home.run("DELETE FROM procrastinate_jobs")


class TestErasure:
    def test_no_row_holds_anything_of_theirs(self, home: Home) -> None:
        ana = whole_life(home)
        contact, code = ana.contact, ana.case["code"]
        assert {"inbox", "outbox", "case_note", "profile_answer"} <= where(home, CANARY)
        assert where(home, "canary-address")
        erased(home, ana)
        for canary in (CANARY, "canary-address", code):
            assert where(home, canary) == set(), canary
        assert where(home, contact) <= {"audit"}, "only that something was done, not what was said"
        for table in ("contact", "address", "conversation", "outbox", "consent", "profile_answer", "handoff_case",
                      "case_note"):  # fmt: skip
            assert home.count(table) == 0, table

    @only_sqlite  # the promise is its secure_delete; PostgreSQL writes over a deleted row when it needs the room
    def test_the_files_hold_nothing_either(self, home: Home, tmp_path: Path) -> None:
        """Deleted pages are overwritten (secure_delete): not even the sealed bytes can be carved out later."""
        ana = whole_life(home)
        kept = [bytes(row["body"]) for row in home.all("SELECT body FROM inbox WHERE body IS NOT NULL")]
        erased(home, ana)
        home.record.close()  # the log is folded into the database when the last connection closes
        left = b"".join(path.read_bytes() for path in tmp_path.glob("puente.db*"))
        assert kept
        assert not [body for body in kept if body in left]

    def test_the_confirmation_goes_out_before_the_address_is_forgotten(self, home: Home) -> None:
        ana = whole_life(home)
        ana.say("borrar mis datos", "sí, borrar todo")
        assert home.record.do(erase.sweep, home.now) == 0
        assert [errand.spoken.text for errand in home.send()][-1].startswith("Listo.")
        assert home.record.do(erase.sweep, home.now) == 1
        assert ana.contact == ""

    def test_everything_in_between_is_gone_at_once(self, home: Home) -> None:
        ana = whole_life(home)
        ana.say("borrar mis datos", "sí, borrar todo")
        assert where(home, CANARY) == set()

    def test_a_replay_has_no_effect(self, home: Home) -> None:
        ana = whole_life(home)
        written = ana.written
        erased(home, ana)
        home.later(100 * DAY)
        before = opened(home)
        for id in range(1, written + 3):
            assert not ana.write("hola", id=str(id))
        home.work()
        assert opened(home) == before

    def test_they_can_begin_again_as_a_stranger(self, home: Home) -> None:
        ana = whole_life(home)
        old = ana.contact
        erased(home, ana)
        assert "¿En qué idioma" in ana.say("hola")[0]
        assert ana.contact not in ("", old)
        ana.say("español", "no", "mis datos")
        assert CANARY not in texts(ana.said())

    def test_writing_before_the_address_is_gone_keeps_them_and_nothing_of_before(self, home: Home) -> None:
        ana = whole_life(home)
        ana.say("borrar mis datos", "sí, borrar todo", "hola")
        home.send()
        assert home.record.do(erase.sweep, home.now) == 0
        assert ana.contact
        assert where(home, CANARY) == set()
        ana.say("español", "no", "mi caso")
        assert ana.profile() == {}

    def test_saying_no_keeps_everything(self, home: Home) -> None:
        ana = whole_life(home)
        ana.say("borrar mis datos", "no borrar")
        assert "case_note" in where(home, CANARY)

    def test_another_persons_rows_stay(self, home: Home) -> None:
        luis = home.person("luis")
        luis.ask_for_a_person()
        erased(home, whole_life(home))
        assert luis.case is not None
        assert len(luis.said()) > 3

    def test_every_table_that_knows_a_contact_is_thought_of(self, home: Home) -> None:
        """A new table with a contact_id must be erased too: this list is what the test above looks at."""
        ana = whole_life(home)
        known = {table for table, columns in home.tables().items() if {"contact_id", "open_contact"} & columns}
        erased(home, ana)
        assert known >= {"address", "conversation", "inbox", "outbox", "consent", "profile_answer", "timer"}
        for table in known:
            left = home.one(f"SELECT COUNT(*) AS n FROM {table} WHERE contact_id IS NOT NULL")["n"]
            assert left == 0, table


WITHOUT_CONSENT = [
    "hola", "español", "no", "trabajo", "empleos disponibles", "menú", "servicios", "documentos", "menú",
    "¿cómo saco mi dpi?", "mi perfil", "no guardar", "menú", "xela", "fui rufing", "tengo 25 años", "mis datos",
    "menú", "baja", "alta", "quién sos", "ayuda", "idioma", "español", "gracias", "asdf qwer", "asdf qwer",
    "menú", "ferias de empleo",
]  # fmt: skip


class TestBeforeConsent:
    def test_only_address_messages_and_where_they_stand_are_kept(self, home: Home) -> None:
        ana = home.person()
        before = {table: home.count(table) for table in ("staff", "office", "vacancy", "fair")}
        for text in WITHOUT_CONSENT:
            assert ana.say(text), text
        home.send()
        for table in ("profile_answer", "handoff_case", "case_note", "timer"):
            kept = [row for row in home.rows(table) if table == "case_note" or row["contact_id"]]
            assert kept == [], table
        given = home.all("SELECT purpose FROM consent WHERE given")
        assert [row["purpose"] for row in given if row["purpose"] == "profile"] == []
        assert before == {table: home.count(table) for table in before}

    def test_what_is_kept_is_sealed(self, home: Home) -> None:
        ana = home.person("canary-address")
        ana.say("hola", "español", "no", CANARY)
        for table in KEPT_BEFORE_CONSENT:
            for row in home.rows(table):
                clear = " ".join(str(value) for value in row.values() if not isinstance(value, bytes))
                assert CANARY not in clear
                assert "canary-address" not in clear

    def test_a_profile_answer_without_consent_is_not_kept(self, home: Home) -> None:
        from bot import effects

        ana = home.person()
        ana.meet()
        assert not home.record.do(effects.remember, ana.contact, "town", {"id": "0901"}, home.now)
        assert ana.profile() == {}

    def test_refusing_blocks_neither_emergency_lines_nor_a_person(self, home: Home) -> None:
        ana = home.person()
        ana.meet()
        assert "110" in "\n".join(ana.say("me quieren matar"))
        assert ana.case is not None
        luis = home.person("luis")
        assert "Una persona le va a atender" in luis.ask_for_a_person()[-1]


class TestThirtyDays:
    def forget(self, home: Home) -> int:
        return home.record.do(erase.forget_strangers, home.now - upkeep.STRANGERS_KEPT)

    def test_a_stranger_is_forgotten_after_thirty_days_and_not_before(self, home: Home) -> None:
        ana = home.person("canary-address")
        ana.meet(CANARY)
        home.send()
        home.later(MONTH - DAY)
        assert self.forget(home) == 0
        home.later(2 * DAY)
        assert self.forget(home) == 1
        for table in ("contact", "address", "conversation", "outbox"):
            assert home.count(table) == 0
        assert where(home, "canary-address") == set()
        assert not {"inbox", "outbox", "conversation"} & where(home, CANARY)
        assert not ana.write("hola", id="1"), "and a replay brings them not back"

    def test_every_message_begins_the_thirty_days_anew(self, home: Home) -> None:
        ana = home.person()
        ana.meet()
        for _month in range(3):
            home.later(MONTH - DAY)
            ana.say("menú")
            assert self.forget(home) == 0

    def test_with_a_case_or_a_consent_they_stay(self, home: Home) -> None:
        home.person("case").ask_for_a_person()
        home.person("consent").say("hola", "español", "sí", "no")
        home.send()
        home.later(2 * MONTH)
        assert self.forget(home) == 0

    def test_who_took_the_consent_back_is_a_stranger_again(self, home: Home) -> None:
        ana = home.person()
        ana.say("hola", "español", "sí", "no")
        from bot import effects
        from flows.effects import WithdrawConsent

        whose = effects.Whose(ana.contact, "web", "es", home.now)
        home.record.do(effects.apply, whose, WithdrawConsent("profile"))
        home.later(MONTH + DAY)
        assert self.forget(home) == 1

    def test_the_house_does_it_by_itself_and_writes_down_how_many(self, home: Home) -> None:
        home.person().meet()
        home.send()
        home.record.do(upkeep.schedule, home.now)
        home.later(MONTH + DAY)
        home.record.do(upkeep.ring, home.now)
        while home.record.do(upkeep.chore, home.now):
            pass
        assert home.count("contact") == 0
        assert home.one("SELECT detail FROM audit WHERE action = 'retention.strangers'")["detail"] == "1"
        due = home.one("SELECT due_at FROM timer WHERE kind = 'retention'")["due_at"]
        assert due == home.now + upkeep.HOUSE_TIMERS["retention"]

    def test_the_houses_timers_are_made_once(self, home: Home) -> None:
        for _start in range(3):
            home.record.do(upkeep.schedule, home.now)
        assert home.count("timer") == len(upkeep.HOUSE_TIMERS)


class TestLocked:
    """After OCULTAR, whoever holds the phone learns nothing that is stored (SAFETY J2, J3)."""

    PROBES = (
        "mis datos", "qué saben de mí", "mi caso", "mi perfil", "cambiar mi perfil", "menú", "otra cosa", "1", "2",
        "3", "¿cómo va mi caso?", "repetir", "atrás", "hola", "persona", "poner palabra clave", "rosa", "no sé",
    )  # fmt: skip

    def test_no_probe_says_a_stored_fact(self, home: Home) -> None:
        ana = whole_life(home)
        code = ana.case["code"]
        home.record.do(cases.hand_back, str(ana.case["id"]), home.now)
        home.work()
        ana.say("ocultar")
        last = ana.said()[-1]["id"]
        for probe in self.PROBES:
            ana.say(probe)
        said = texts(ana.said(after=last))
        for fact in (CANARY, code, "Usted dio permiso", "Quetzaltenango"):
            assert fact not in said, fact

    @pytest.mark.parametrize(
        "before",
        [(), ("hola",), ("hola", "español"), ("hola", "español", "no"), ("hola", "español", "no", "trabajo"),
         ("hola", "español", "no", "persona"), ("hola", "español", "no", "me quieren matar"),
         ("hola", "español", "no", "borrar mis datos"), ("hola", "español", "no", "tengo 15 años")],
    )  # fmt: skip
    def test_one_word_hides_from_everywhere(self, home: Home, before: tuple[str, ...]) -> None:
        ana = home.person()
        ana.say(*before)
        answer = ana.say("ocultar")
        assert answer[-1] == "Hola. Escriba cuando guste."
        assert len(answer) == 1
        assert ana.state is not None
        assert ana.state.locked

    def test_the_key_word_opens_and_five_wrong_ones_close_for_good(self, home: Home) -> None:
        from bot import effects
        from flows.effects import KeepWord

        ana = whole_life(home)
        home.record.do(effects.apply, effects.Whose(ana.contact, "web", "es", home.now), KeepWord("rosa"))
        assert home.record.do(effects.right_word, ana.contact, "rosa")
        for wrong in range(5):
            assert not home.record.do(effects.right_word, ana.contact, f"mal{wrong}")
        assert not home.record.do(effects.right_word, ana.contact, "rosa")

    def test_the_browser_shows_nothing_from_before(self, home: Home) -> None:
        ana = whole_life(home)
        home.record.do(cases.hand_back, str(ana.case["id"]), home.now)
        home.work()
        home.send()
        home.later(1)
        ana.say("ocultar")
        home.send()
        shown = home.record.do(webchat.since, ana.address, 0)["messages"]
        assert [line["text"] for line in shown] == ["Hola. Escriba cuando guste."]

    def test_what_was_being_sent_at_that_moment_does_not_appear_in_the_browser(self, home: Home) -> None:
        ana = whole_life(home)
        home.record.do(cases.hand_back, str(ana.case["id"]), home.now)
        home.work()
        home.send()
        ana.say("mi caso")
        (errand,) = home.record.do(outbox.claim, "web", 5, home.now)
        ana.say("ocultar")
        home.record.do(outbox.settle, errand, Receipt("late"), "web", home.now)
        home.send()
        shown = home.record.do(webchat.since, ana.address, 0)["messages"]
        assert [line["text"] for line in shown] == ["Hola. Escriba cuando guste."]

    def test_what_was_still_on_its_way_does_not_come_after_the_neutral_word(self, home: Home) -> None:
        """They hid the chat faster than the answer came: the answer must not appear on the hidden screen."""
        ana = whole_life(home)
        home.record.do(cases.hand_back, str(ana.case["id"]), home.now)
        home.work()
        home.send()
        ana.say("mi caso", "ocultar")
        sent = [errand.spoken.text for errand in home.send()]
        assert sent == ["Hola. Escriba cuando guste."]


class TestMinors:
    """Whatever a conversation asks for, a minor is shown no vacancy (SAFETY K1)."""

    WAYS = (
        "trabajo", "empleos disponibles", "1", "2", "3", "menú", "vacantes", "empleo", "ver otro", "menú", "atrás",
        "xela", "busco trabajo", "quiero trabajar", "sí", "no", "persona", "work", "soldador",
    )  # fmt: skip

    def titles(self, home: Home) -> list[str]:
        return home.record.do(lambda tx: [one.record["title"]["es"] for one in tx.session.exec(select(Vacancy))])

    @pytest.mark.parametrize("when", [0, 1, 3, 5, 7])
    def test_no_way_leads_to_a_vacancy(self, home: Home, when: int) -> None:
        ana = home.person()
        ana.meet(*self.WAYS[:when], "tengo 15 años")
        assert ana.row["minor"]
        last = ana.said()[-1]["id"]
        for text in self.WAYS * 2:
            ana.say(text)
        said = ana.said(after=last)
        shown = texts(said) + " ".join(label for one in said for _id, label, _hint in one.get("choices", ()))
        assert not [title for title in self.titles(home) if title in shown]

    def test_an_adult_sees_them(self, home: Home) -> None:
        ana = home.person()
        ana.meet("trabajo", "empleos disponibles", "xela")
        said = ana.said()
        shown = texts(said) + " ".join(label for one in said for _id, label, _hint in one.get("choices", ()))
        assert [title for title in self.titles(home) if title in shown], "or the test above shows nothing"

    def test_neither_the_list_nor_one_by_its_id(self, home: Home) -> None:
        from bot import queries
        from flows.effects import FindVacancies, ShowVacancy

        ana = home.person()
        ana.meet()
        house = home.puente.house
        asker = queries.Asker(ana.contact, house.book.mind, house.tongues, home.now)
        id = home.one("SELECT id FROM vacancy")["id"]
        for query in (FindVacancies(), FindVacancies(town="0901"), ShowVacancy(vacancy=id)):
            assert home.record.do(queries.answer, asker, query)
        home.run("UPDATE contact SET minor = TRUE")
        for query in (FindVacancies(), FindVacancies(town="0901"), ShowVacancy(vacancy=id)):
            assert home.record.do(queries.answer, asker, query) == []

    def test_the_case_is_for_who_cares_for_children(self, home: Home) -> None:
        ana = home.person()
        ana.meet("tengo 15 años")
        assert (ana.case["reason"], ana.case["urgency"]) == ("minor", "R1")
