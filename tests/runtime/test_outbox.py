"""What we say goes out in order, once, to whom it was meant, and never after the bot lost its turn (SAFETY B5–B7)."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from bot import outbox
from bot.channels import Failed, Receipt, Spoken
from bot.crypto import vault
from tests.installation import Home, Person

LANES = {"urgent": outbox.URGENT, "human": outbox.HUMAN, "reply": outbox.REPLY, "broadcast": outbox.BROADCAST}


def known(home: Home, name: str = "ana", channel: str = "telegram") -> Person:
    """Somebody with an address and nothing waiting."""
    person = home.person(name, channel)
    person.say("hola")
    home.send(channel)
    return person


def put(person: Person, *said: str, lane: int = outbox.REPLY, epoch: int = 0, speaker: str = "bot") -> None:
    home = person.home
    address = home.one("SELECT id FROM address WHERE contact_id = :c", c=person.contact)["id"]
    spoken = [Spoken(text, speaker=speaker) for text in said]
    home.record.do(
        outbox.put, person.contact, address, person.channel, spoken, epoch=epoch, lane=lane, now=home.now
    )  # fmt: skip


def claim(home: Home, channel: str = "telegram", most: int = 40) -> list[outbox.Errand]:
    return home.record.do(outbox.claim, channel, most, home.now)


def settle(home: Home, errand: outbox.Errand, outcome: Receipt | Failed, channel: str = "telegram") -> None:
    home.record.do(outbox.settle, errand, outcome, channel, home.now)


def words(errands: list[outbox.Errand]) -> list[str]:
    return [errand.spoken.text for errand in errands]


def state(home: Home, text: str) -> tuple[str, str | None]:
    """What became of the one message that says this."""
    rows = home.all("SELECT body, state, why FROM outbox")
    (row,) = [row for row in rows if json.loads(vault().open("outbox.body", row["body"]))["text"] == text]
    return row["state"], row["why"]


class TestOrder:
    def test_a_chat_gets_one_message_at_a_time_in_order(self, home: Home) -> None:
        ana = known(home)
        put(ana, "uno", "dos", "tres")
        for expected in ("uno", "dos", "tres"):
            (errand,) = claim(home)
            assert errand.spoken.text == expected
            assert claim(home) == [], "nothing of this chat while one is under way"
            settle(home, errand, Receipt(expected))
        assert claim(home) == []

    def test_a_retry_resumes_at_the_part_that_did_not_go(self, home: Home) -> None:
        ana = known(home)
        put(ana, "uno", "dos", "tres")
        (one,) = claim(home)
        settle(home, one, Receipt("1"))
        (two,) = claim(home)
        settle(home, two, Failed("not_sent", "ConnectError"))
        assert claim(home) == [], "the third does not overtake the second"
        home.later(3)
        assert words(home.send("telegram")) == ["dos", "tres"]

    def test_one_slow_chat_holds_up_nobody_else(self, home: Home) -> None:
        ana, luis = known(home), known(home, "luis")
        put(ana, "a1", "a2")
        put(luis, "l1", "l2")
        assert words(claim(home)) == ["a1", "l1"]
        assert claim(home) == []

    @pytest.mark.parametrize(("first", "second"), list(pairwise(reversed(LANES))))
    def test_a_more_urgent_lane_goes_first_though_it_came_later(self, home: Home, first: str, second: str) -> None:
        ana, luis = known(home), known(home, "luis")
        put(ana, "later", lane=LANES[first])
        put(luis, "sooner", lane=LANES[second])
        put(ana, "sooner too", lane=LANES[second])
        assert words(claim(home)) == ["sooner", "sooner too"]

    def test_lanes_hold_up_nobody_for_ever(self, home: Home) -> None:
        """However much is urgent to others, what a chat waits for goes as soon as there is room."""
        ana, others = known(home), [known(home, f"other{n}") for n in range(10)]
        put(ana, "reply")
        for other in others:
            put(other, "urgent", lane=outbox.URGENT)
        assert words(claim(home, most=5)) == ["urgent"] * 5
        assert words(claim(home, most=6)) == ["urgent"] * 5 + ["reply"]

    def test_each_channel_has_its_own(self, home: Home) -> None:
        put(known(home, "ana", "telegram"), "t")
        put(known(home, "ana", "whatsapp"), "w")
        assert words(claim(home, "whatsapp")) == ["w"]
        assert words(claim(home, "telegram")) == ["t"]


class TestAttempts:
    def test_the_attempt_is_stored_before_anything_is_sent(self, home: Home) -> None:
        put(known(home), "hola otra vez")
        claim(home)
        row = home.one("SELECT state, attempts, attempted_at FROM outbox ORDER BY id DESC LIMIT 1")
        assert (row["state"], row["attempts"], row["attempted_at"]) == ("claimed", 1, home.now)

    def test_what_surely_did_not_go_waits_longer_each_time_and_then_is_refused(self, home: Home) -> None:
        put(known(home), "va")
        waits: list[float] = []
        while state(home, "va")[0] == "waiting":
            (errand,) = claim(home)
            settle(home, errand, Failed("not_sent", "ConnectError"))
            due = home.one("SELECT due_at FROM outbox ORDER BY id DESC LIMIT 1")["due_at"]
            waits.append(due - home.now)
            home.now = max(home.now, due)
            assert len(waits) < 100
        assert waits[:-1] == sorted(waits[:-1])
        assert max(waits) <= outbox.BACKOFF
        assert state(home, "va") == ("refused", "ConnectError")

    def test_a_provider_that_says_when_is_believed(self, home: Home) -> None:
        put(known(home), "va")
        (errand,) = claim(home)
        settle(home, errand, Failed("not_sent", "429", wait=30))
        home.later(29.9)
        assert claim(home) == []
        home.later(0.2)
        assert words(claim(home)) == ["va"]

    def test_a_refusal_is_final_and_the_next_message_goes(self, home: Home) -> None:
        put(known(home), "no", "sí")
        (errand,) = claim(home)
        settle(home, errand, Failed("refused", "400"))
        assert state(home, "no") == ("refused", "400")
        assert words(claim(home)) == ["sí"]

    def test_what_may_have_gone_is_never_sent_again_by_itself(self, home: Home) -> None:
        put(known(home), "quizás")
        (errand,) = claim(home)
        settle(home, errand, Failed("unknown", "ReadTimeout"))
        home.later(86400)
        assert claim(home) == []
        assert state(home, "quizás") == ("unknown", "ReadTimeout")

    def test_nothing_goes_to_somebody_who_blocked_us(self, home: Home) -> None:
        put(known(home), "uno", "dos")
        (errand,) = claim(home)
        settle(home, errand, Failed("refused", "403", unreachable=True))
        assert claim(home) == []
        assert state(home, "dos") == ("dropped", "blocked")

    def test_a_receipt_that_comes_too_late_changes_nothing(self, home: Home) -> None:
        put(known(home), "tarde")
        (errand,) = claim(home)
        home.record.do(outbox.reclaim, "telegram", False, home.now + 1)
        settle(home, errand, Failed("refused", "400"))
        assert state(home, "tarde") == ("unknown", "interrupted")


class TestReclaim:
    """What a dead sender left in flight, by class of message (SAFETY B7)."""

    @pytest.mark.parametrize(("lane", "again"), [("urgent", 1), ("human", 1), ("reply", 0), ("broadcast", 0)])
    def test_urgent_and_human_words_are_said_once_more(self, home: Home, lane: str, again: int) -> None:
        put(known(home), "en vuelo", lane=LANES[lane])
        tries = 0
        while claim(home):
            tries += 1
            home.later(61)
            home.record.do(outbox.reclaim, "telegram", False, home.now)
            assert tries < 5
        assert tries == 1 + again
        assert state(home, "en vuelo") == ("unknown", "interrupted")

    def test_where_no_provider_is_everything_is_repeated(self, home: Home) -> None:
        put(known(home, channel="web"), "en vuelo")
        for _death in range(4):
            assert words(claim(home, "web")) == ["en vuelo"]
            home.later(1)
            home.record.do(outbox.reclaim, "web", True, home.now)
        assert words(home.send("web")) == ["en vuelo"]

    def test_what_is_still_under_way_is_left_alone(self, home: Home) -> None:
        put(known(home), "en vuelo", lane=outbox.URGENT)
        claim(home)
        home.record.do(outbox.reclaim, "telegram", False, home.now - 60)
        assert state(home, "en vuelo")[0] == "claimed"

    def test_another_channel_is_left_alone(self, home: Home) -> None:
        put(known(home), "en vuelo")
        claim(home)
        home.record.do(outbox.reclaim, "whatsapp", False, home.now + 100)
        assert state(home, "en vuelo")[0] == "claimed"


class TestEpoch:
    """After a change of owner, what the bot wrote before it is dropped when it is claimed (SAFETY F1)."""

    def taken(self, home: Home) -> Person:
        ana = known(home)
        home.run("UPDATE conversation SET epoch = 1, owner = 'person' WHERE contact_id = :c", c=ana.contact)
        return ana

    def test_stale_words_of_the_bot_are_dropped(self, home: Home) -> None:
        ana = self.taken(home)
        put(ana, "viejo", "viejo también", epoch=0)
        put(ana, "nuevo", epoch=1)
        assert words(home.send("telegram")) == ["nuevo"]
        assert state(home, "viejo") == state(home, "viejo también") == ("dropped", "stale")

    def test_they_do_not_hold_up_what_comes_after_them(self, home: Home) -> None:
        """One look is enough: the notice that somebody answers now must not wait a tick for every dropped line."""
        ana = self.taken(home)
        put(ana, *(f"viejo {n}" for n in range(5)), lane=outbox.HUMAN, epoch=0)
        put(ana, "ahora le atiende una persona", lane=outbox.HUMAN, epoch=1, speaker="notice")
        assert words(claim(home)) == ["ahora le atiende una persona"]

    @pytest.mark.parametrize("speaker", ["person", "notice"])
    def test_what_people_said_goes_whoever_owns_it_now(self, home: Home, speaker: str) -> None:
        ana = self.taken(home)
        put(ana, "de una persona", epoch=0, speaker=speaker)
        assert words(home.send("telegram")) == ["de una persona"]

    def test_lines_for_somebody_in_danger_always_go(self, home: Home) -> None:
        put(self.taken(home), "llame al 110", lane=outbox.URGENT, epoch=0)
        assert words(home.send("telegram")) == ["llame al 110"]

    def test_stale_words_taken_back_from_a_dead_sender_are_dropped_too(self, home: Home) -> None:
        ana = known(home)
        put(ana, "a medias", lane=outbox.HUMAN)
        claim(home)
        home.run("UPDATE conversation SET epoch = 1 WHERE contact_id = :c", c=ana.contact)
        home.record.do(outbox.reclaim, "telegram", False, home.now + 1)
        assert claim(home) == []
        assert state(home, "a medias") == ("dropped", "stale")


def test_a_damaged_message_silences_nobody_else(home: Home) -> None:
    ana, luis = known(home), known(home, "luis")
    put(ana, "dañado", "sano")
    put(luis, "también sano")
    first = "(SELECT MIN(id) FROM outbox WHERE state = 'waiting')"
    home.run(f"UPDATE outbox SET body = :junk WHERE id = {first}", junk=b"\x01junk")
    assert sorted(words(claim(home))) == ["sano", "también sano"]
    assert home.one("SELECT why FROM outbox WHERE state = 'dropped'")["why"] == "unreadable"


def test_when_something_is_next_due(home: Home) -> None:
    ana = known(home)
    assert home.record.do(outbox.next_due, "telegram") is None
    put(ana, "luego")
    assert home.record.do(outbox.next_due, "telegram") == home.now


def test_a_claim_costs_the_same_however_much_waits(home: Home) -> None:
    """What waits is read in the order in which it goes, through an index: nothing is sorted, nothing behind is read."""
    steps = home.plan(outbox.DUE, channel="telegram", now=home.now, most=4, unsettled=home.now)
    ways = ("outbox_order (channel=? AND state=?)", "Index Scan using outbox_order on outbox o")
    assert any(way in step for way in ways for step in steps), steps
    assert not any(word in step for word in ("TEMP B-TREE", "SCAN ", "Sort", "Seq Scan") for step in steps), steps
