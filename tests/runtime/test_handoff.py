"""While a person has the conversation the bot is silent, but for what protects them (SAFETY F1, F2, L1)."""

from __future__ import annotations

import itertools
import random
import threading
from contextlib import nullcontext

import pytest

from bot import cases, handoff, inbox, outbox, turn
from bot.channels import Incoming, Receipt
from flows.message import Message
from tests.installation import Home, Person

NOTHING_TO_BOT = [
    "hola", "menú", "persona", "gracias", "¿cómo saco mi dpi?", "mis datos", "idioma", "ayuda", "mi caso", "atrás",
    "1", "trabajo", "salir de aquí", "no quiero que me borren", "😀", "x" * 4000, "repetir", "¿hola?",
]  # fmt: skip


def held(home: Home) -> tuple[Person, str]:
    """A person whose conversation a case manager has; and the case."""
    ana = home.person()
    ana.ask_for_a_person()
    home.send()
    case = home.claim(ana, home.staff("Quetzaltenango"))
    home.send()
    return ana, case


def by_the_bot(person: Person, after: int) -> list[str]:
    return [said["text"] for said in person.said(after=after) if said["speaker"] == "bot"]


class TestSilent:
    def test_the_bot_says_nothing_to_anything_else(self, home: Home) -> None:
        ana, _case = held(home)
        last = ana.said()[-1]["id"]
        for text in NOTHING_TO_BOT:
            assert ana.say(text) == [], text
        for media in ("image", "audio", "sticker", "other"):
            assert ana.say("", media=media) == []
        assert ana.say("", place=(14.8, -91.5)) == []
        assert ana.tap("work") == []
        assert by_the_bot(ana, last) == []
        assert ana.conversation["owner"] == "person"

    @pytest.mark.parametrize(
        ("said", "heard"),
        [("me quieren matar", "110"), ("ocultar", "Hola. Escriba cuando guste."), ("baja", "avisos"),
         ("borrar mis datos", "¿Borramos?")],
    )  # fmt: skip
    def test_what_protects_a_person_is_heard(self, home: Home, said: str, heard: str) -> None:
        ana, _case = held(home)
        assert heard in "\n".join(ana.say(said))
        assert ana.conversation["owner"] == "person"
        home.send()
        assert ana.said()[-1]["state"] == "sent"

    def test_danger_raises_the_case_that_is_already_in_somebodys_hands(self, home: Home) -> None:
        ana, case = held(home)
        ana.say("me quieren matar")
        assert (ana.case["id"], ana.case["urgency"], ana.case["state"]) == (case, "R0", "claimed")
        assert ana.say("gracias") == [], "and then the bot is silent again"

    def test_leaving_brings_the_bot_back_and_keeps_the_case(self, home: Home) -> None:
        ana, case = held(home)
        assert "Vuelve el asistente automático." in ana.say("salir")[0]
        assert ana.conversation["owner"] == "bot"
        assert (ana.case["id"], ana.case["state"]) == (case, "new")
        assert ana.say("menú")

    def test_danger_comes_before_an_exact_question(self, home: Home) -> None:
        ana = home.person()
        ana.meet()
        answer = "\n".join(ana.say("¿cómo saco mi dpi? me quieren matar"))
        assert "110" in answer
        assert "RENAP" not in answer
        assert ana.case["urgency"] == "R0"


class TestWords:
    """Who speaks is always said in words."""

    def test_the_handoff_is_the_last_the_bot_says_in_that_turn(self, home: Home) -> None:
        ana = home.person()
        last = ana.ask_for_a_person()[-1]
        assert last.startswith("Una persona le va a atender")
        assert ana.case["code"] in last

    def test_the_person_is_told_that_somebody_answers_now(self, home: Home) -> None:
        ana, _case = held(home)
        assert (ana.said()[-1]["speaker"], ana.said()[-1]["text"]) == ("notice", handoff.NOW_A_PERSON)

    def test_and_that_the_bot_is_back_where_they_stood(self, home: Home) -> None:
        ana = home.person()
        ana.ask_for_a_person()
        ana.say("menú", "trabajo")
        asked = ana.said()[-1]["text"]
        case = home.claim(ana)
        home.record.do(cases.hand_back, case, home.now)
        home.work()
        assert ana.said()[-1]["text"] == f"{turn.BACK_WITH_BOT}\n\n{asked}"
        assert ana.place == "work.ask"

    def test_and_that_the_case_was_closed(self, home: Home) -> None:
        ana, case = held(home)
        home.record.do(handoff.close, home.puente.house, case, "resuelto", home.now)
        home.work()
        closed, back = ana.said()[-2:]
        assert closed["text"] == handoff.CLOSED
        assert back["text"].startswith(turn.BACK_WITH_BOT)

    def test_in_their_language(self, home: Home) -> None:
        ana = home.person()
        ana.say("hello", "english", "no", "person", "work", "xela")
        home.claim(ana)
        assert ana.said()[-1]["text"] == home.puente.house.tongue("en")(handoff.NOW_A_PERSON) != handoff.NOW_A_PERSON

    def test_a_conversation_that_was_over_can_be_taken_and_given_back(self, home: Home) -> None:
        ana, _case = home.person(), None
        ana.ask_for_a_person()
        home.run("UPDATE conversation SET state = NULL WHERE contact_id = :c", c=ana.contact)
        case = home.claim(ana)
        assert ana.say("hola") == []
        home.record.do(cases.hand_back, case, home.now)
        home.work()
        assert ana.said()[-1]["text"].startswith(turn.BACK_WITH_BOT)


class TestRaces:
    def test_taken_again_before_the_bot_said_that_it_is_back(self, home: Home) -> None:
        """Given back and taken by another within the same second: the bot must not answer over them."""
        ana, case = held(home)
        home.record.do(cases.hand_back, case, home.now)
        home.claim(ana, home.staff("Nacional"))
        last = ana.said()[-1]["id"]
        home.work()
        assert by_the_bot(ana, last) == []
        assert ana.say("hola") == []
        assert ana.conversation["owner"] == "person"

    def test_what_the_bot_had_ready_is_not_sent_after_the_takeover(self, home: Home) -> None:
        ana = home.person()
        ana.ask_for_a_person()
        home.send()
        ana.say("menú")
        home.claim(ana)
        sent = home.send()
        assert [errand.spoken.text for errand in sent] == [handoff.NOW_A_PERSON]

    def test_what_the_person_wrote_before_the_takeover_is_not_answered_after_it(self, home: Home) -> None:
        ana = home.person()
        ana.ask_for_a_person()
        home.send()
        ana.write("menú")
        home.claim(ana)
        home.work()
        assert [errand.spoken.text for errand in home.send()] == [handoff.NOW_A_PERSON]

    def test_in_any_race_the_bot_never_speaks_after_the_takeover(self, home: Home) -> None:
        """A turn, a takeover and a sender at once, in every order the threads fall into.

        Four races run at once, but only one of them sends: of a channel there is one pump (`bot.locks`), and several
        would lock the same people's rows in different orders, which PostgreSQL ends as a deadlock. Two races in five
        are run one step after the other, so that every order is seen whatever the threads do.
        """
        races, dice = 1000 if home.record.postgres else 2000, random.Random(7)
        waiting = self.crowd(home, races)
        lock, taken = threading.Lock(), itertools.count()
        pump = threading.Lock() if home.record.postgres else nullcontext()
        stale: list[str] = []
        owned: set[str] = set()

        def turns(contact: str) -> None:
            home.record.do(turn.take, home.puente.house, contact, home.now)

        def takeover(contact: str, case: str) -> None:
            def claim(tx: object) -> None:
                handoff.claim(tx, home.puente.house, case, None, home.now)  # type: ignore[arg-type]
                owned.add(contact)

            home.record.do(claim)

        def sender(contact: str) -> None:
            def claim(tx: object) -> list[tuple[outbox.Errand, bool]]:
                found = outbox.claim(tx, "web", 5, home.now)  # type: ignore[arg-type]
                return [(errand, whose[errand.chat] in owned) for errand in found]

            with pump:
                for errand, after in home.record.do(claim):
                    if errand.spoken.speaker == "bot" and after:
                        stale.append(errand.spoken.text)
                    home.record.do(outbox.settle, errand, Receipt(f"r{next(taken)}"), "web", home.now)

        whose = {row["id"]: row["contact_id"] for row in home.all("SELECT id, contact_id FROM address")}
        jobs = iter(waiting)

        def race() -> None:
            while True:
                with lock:
                    contact, case = next(jobs, ("", ""))
                    steps = [(turns, (contact,)), (takeover, (contact, case)), (sender, (contact,))]
                    dice.shuffle(steps)
                    in_turn = dice.random() < 0.4
                if not contact:
                    return
                racers = [threading.Thread(target=step, args=given) for step, given in steps]
                for racer in racers:
                    racer.start()
                    if in_turn:
                        racer.join()
                for racer in racers:
                    racer.join()

        referees = [threading.Thread(target=race) for _ in range(4)]
        for referee in referees:
            referee.start()
        for referee in referees:
            referee.join()
        home.now += 1
        while found := home.record.do(outbox.claim, "web", 500, home.now):
            stale += [errand.spoken.text for errand in found if errand.spoken.speaker == "bot"]
            for errand in found:
                home.record.do(outbox.settle, errand, Receipt(f"r{next(taken)}"), "web", home.now)
        assert len(owned) == races
        assert stale == []
        dropped = home.one("SELECT COUNT(*) AS n FROM outbox WHERE why = 'stale'")["n"]
        answered = home.one("SELECT COUNT(*) AS n FROM outbox WHERE speaker = 'bot' AND state = 'sent'")["n"]
        assert dropped > 50, "races in which the bot had something ready and lost its turn"
        assert answered > 50, "races in which it spoke in time"

    def crowd(self, home: Home, count: int) -> list[tuple[str, str]]:
        """Many people at the menu with an open case and one unread message each: (contact, case)."""
        model = home.person("model")
        model.ask_for_a_person()
        model.say("menú")
        home.send()
        state, version = model.conversation["state"], model.conversation["version"]

        def fill(tx: object) -> list[tuple[str, str]]:
            people = []
            for number in range(count):
                said = Incoming(f"race{number}", f"race{number}", Message(text="trabajo"))
                inbox.accept(tx, "web", said, home.now)  # type: ignore[arg-type]
                row = tx.one("SELECT contact_id, address_id FROM inbox ORDER BY id DESC LIMIT 1")  # type: ignore[attr-defined]
                tx.run(  # type: ignore[attr-defined]
                    "UPDATE conversation SET state = :s, version = :v, address_id = :a WHERE contact_id = :c",
                    s=state, v=version, a=row["address_id"], c=row["contact_id"],
                )  # fmt: skip
                case = cases.open_case(tx, row["contact_id"], reason="asked", now=home.now)  # type: ignore[arg-type]
                people.append((row["contact_id"], case))
            return people

        return home.record.do(fill)
