"""A message is taken in exactly once, in any order, and from whoever it really is (SAFETY A5, B1, B3, J5)."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from bot import inbox
from bot.channels import Incoming, Reach, Receipt, Status
from bot.erase import sweep
from flows.message import Message
from tests.installation import Home, texts

DAY = 86400.0


def test_fifty_copies_at_once_are_one_message_and_one_answer(home: Home) -> None:
    ana = home.person()
    kept: list[bool] = []
    start = threading.Barrier(50)

    def deliver() -> None:
        start.wait()
        kept.append(ana.write("hola", id="same"))

    copies = [threading.Thread(target=deliver) for _ in range(50)]
    for copy in copies:
        copy.start()
    for copy in copies:
        copy.join()
    home.work()
    assert sorted(kept) == [False] * 49 + [True]
    assert home.count("inbox") == 1
    assert len(ana.said()) == 1


def test_a_later_id_before_an_earlier_one_keeps_both(home: Home) -> None:
    ana = home.person()
    for id in ("7", "9", "8", "9", "7"):
        ana.write("hola", id=id)
    assert home.count("inbox") == 3


@pytest.mark.parametrize("later", [1.0, 3 * DAY, 100 * DAY, 399 * DAY])
def test_a_replay_has_no_effect_however_late(home: Home, later: float) -> None:
    ana = home.person()
    ana.say("hola", "español", "no")
    before = dump(home)
    home.later(later)
    assert not ana.write("no", id="3")
    assert not ana.write("otra cosa", id="3"), "the id decides, not what a forger puts beside it"
    home.work()
    assert dump(home) == before


def test_a_replay_after_erasure_brings_nobody_back(home: Home) -> None:
    ana = home.person()
    ana.meet("borrar mis datos", "sí, borrar todo")
    home.send()
    assert home.record.do(sweep, home.now) == 1
    before = dump(home)
    assert before["contact"] == before["address"] == before["conversation"] == []
    for id in range(1, ana.written + 1):
        assert not ana.write("hola", id=str(id))
    home.work()
    assert dump(home) == before


def test_the_same_id_on_another_channel_is_another_message(home: Home) -> None:
    assert home.person("ana", "web").write("hola", id="1")
    assert home.person("ana", "telegram").write("hola", id="1")
    assert home.count("contact") == 2


def test_messages_that_came_at_once_are_one_conversation_in_order(home: Home) -> None:
    """Four pictures of an album, within 200 ms."""
    ana = home.person()
    ana.meet()
    start = threading.Barrier(4)

    def deliver() -> None:
        start.wait()
        ana.write(media="image")

    album = [threading.Thread(target=deliver) for _ in range(4)]
    for picture in album:
        picture.start()
    for picture in album:
        picture.join()
    home.work()
    assert home.count("contact") == home.count("conversation") == home.count("address") == 1
    worked = home.all("SELECT id FROM inbox ORDER BY done_at, id")
    assert [row["id"] for row in worked] == sorted(row["id"] for row in worked)


class TestWhoItIs:
    """A number, a scoped id, or both: the scoped id is the person, the number may pass to somebody else."""

    def test_both_addresses_lead_to_one_person(self, home: Home) -> None:
        phone = home.person("+50255511111", "whatsapp")
        phone.aliases = ("GT.ana",)
        phone.meet()
        scoped = home.person("GT.ana", "whatsapp")
        assert scoped.contact == phone.contact
        assert scoped.say("mi caso")
        assert home.count("contact") == 1

    def test_a_number_known_before_gains_its_scoped_id(self, home: Home) -> None:
        phone = home.person("+50255511111", "whatsapp")
        phone.meet()
        known = phone.contact
        phone.aliases = ("GT.ana",)
        phone.say("menú")
        assert home.person("GT.ana", "whatsapp").contact == phone.contact == known

    def test_the_same_number_with_a_new_scoped_id_is_a_stranger(self, home: Home) -> None:
        before = home.person("+50255511111", "whatsapp", ("GT.ana",))
        before.ask_for_a_person()
        ana, code = before.contact, before.case["code"]
        after = home.person("+50255511111", "whatsapp", ("GT.luis",), written=100)
        after.say("mi caso", "mis datos")
        assert after.contact != ana
        assert code not in texts(after.said())
        assert home.person("GT.ana", "whatsapp").contact == ana

    def test_what_was_on_its_way_to_the_former_owner_does_not_reach_the_new_one(self, home: Home) -> None:
        """Neither waiting words nor a case manager's next answer may go to a number that changed hands."""
        ana = home.person("+50255511111", "whatsapp", ("GT.ana",))
        ana.ask_for_a_person()
        home.send("whatsapp")
        case = home.claim(ana)
        ana_contact = ana.contact
        home.person("+50255511111", "whatsapp", ("GT.luis",), written=100).say("hola")
        from bot import cases

        with pytest.raises(cases.Conflict):
            home.record.do(cases.answer, case, None, "Ana, sobre su denuncia", home.now)
        sent = home.send("whatsapp")
        assert {errand.spoken.text for errand in sent} == {
            said["text"] for said in home.person("GT.luis", "whatsapp").said()
        }
        left = home.all("SELECT state FROM outbox WHERE contact_id = :c AND speaker = 'notice'", c=ana_contact)
        assert [row["state"] for row in left] == ["dropped"]

    def test_a_person_whom_we_know_by_scoped_id_takes_over_somebody_elses_old_number(self, home: Home) -> None:
        home.person("+50255511111", "whatsapp", ("GT.ana",)).meet()
        luis = home.person("+50255522222", "whatsapp", ("GT.luis",))
        luis.ask_for_a_person()
        moved = home.person("+50255511111", "whatsapp", ("GT.luis",), written=100)
        moved.write("mi caso")
        assert moved.contact == luis.contact != home.person("GT.ana", "whatsapp").contact


def test_a_blocked_bot_is_let_in_again_by_a_message(home: Home) -> None:
    ana = home.person(channel="telegram")
    ana.meet()
    home.send("telegram")
    home.record.do(inbox.reach, "telegram", Reach("ana", blocked=True))
    ana.write("hola?", id="late")
    blocked = "SELECT blocked_at FROM address"
    assert home.one(blocked)["blocked_at"] is None
    home.record.do(inbox.reach, "telegram", Reach("ana", blocked=True), home.now)
    assert home.one(blocked)["blocked_at"] == home.now
    home.record.do(inbox.reach, "telegram", Reach("ana", blocked=False))
    assert home.one(blocked)["blocked_at"] is None


class TestDelivery:
    """What the provider says of a message moves it forward, never back, in whatever order it arrives."""

    def sent(self, home: Home, provider: str = "SM1") -> str:
        home.person("+502", "whatsapp").say("hola")
        (errand,) = home.send("whatsapp", Receipt(provider))
        return errand.reference

    def state(self, home: Home) -> tuple[str, str | None]:
        row = home.one("SELECT state, why FROM outbox")
        return row["state"], row["why"]

    @pytest.mark.parametrize(
        "said",
        [
            ("sent", "delivered", "read"),
            ("read", "delivered", "sent"),
            ("delivered", "sent", "read", "read", "delivered"),
            ("read", "failed"),
        ],
    )
    def test_it_ends_where_it_got_furthest(self, home: Home, said: tuple[str, ...]) -> None:
        self.sent(home)
        for state in said:
            assert home.record.do(inbox.settle, "whatsapp", Status("SM1", state), home.now)
        assert self.state(home)[0] == "read"

    def test_a_failure_keeps_its_reason_and_stays(self, home: Home) -> None:
        self.sent(home)
        home.record.do(inbox.settle, "whatsapp", Status("SM1", "failed", "63016"), home.now)
        home.record.do(inbox.settle, "whatsapp", Status("SM1", "sent"), home.now)
        assert self.state(home) == ("refused", "63016")

    def test_a_message_of_uncertain_fate_is_found_by_our_own_reference(self, home: Home) -> None:
        home.person("+502", "whatsapp").say("hola")
        from bot.channels import Failed

        (errand,) = home.send("whatsapp", Failed("unknown", "ReadTimeout"))
        assert self.state(home)[0] == "unknown"
        assert home.record.do(inbox.settle, "whatsapp", Status("SM9", "delivered", None, errand.reference), home.now)
        assert self.state(home)[0] == "delivered"

    def test_a_status_of_somebody_elses_message_is_not_ours(self, home: Home) -> None:
        self.sent(home)
        for status in (Status("SM2", "read"), Status("SM2", "read", None, ""), Status("SM2", "read", None, "x")):
            assert not home.record.do(inbox.settle, "whatsapp", status, home.now)
        assert not home.record.do(inbox.settle, "telegram", Status("SM1", "read"), home.now)


def test_what_happened_inside_the_house_is_noted_once(home: Home) -> None:
    ana = home.person()
    ana.meet()
    assert home.record.do(inbox.note, ana.contact, "silence", "timer 1", home.now)
    assert not home.record.do(inbox.note, ana.contact, "silence", "timer 1", home.now)
    assert home.record.do(inbox.note, ana.contact, "silence", "timer 2", home.now)


def test_what_was_read_is_what_was_kept(home: Home) -> None:
    message = Message(text="ꞌ ñ 🙂", tapped="work", place=(14.84, -91.52), media="image")
    home.record.do(inbox.accept, "web", Incoming("1", "ana", message, courtesy={"client": "x"}))
    kept, courtesy = inbox.read(home.one("SELECT body FROM inbox")["body"])
    assert (kept, courtesy) == (message, {"client": "x"})


def dump(home: Home) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table that could show an effect."""
    tables = ("contact", "address", "conversation", "inbox", "outbox", "handoff_case", "consent", "audit", "timer")
    return {table: home.rows(table) for table in tables}
