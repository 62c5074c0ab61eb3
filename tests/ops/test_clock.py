"""A clock that is set back, or two machines whose clocks differ: nothing waits for it, nothing is missed."""

from __future__ import annotations

from typing import Any

import pytest
from alembic import command

from bot import limits, outbox, upkeep, webchat
from bot.channels import Failed
from bot.models import migrate
from tests.installation import Home, Person

HOUR = 3600.0


def shown(home: Home, person: Person, after: int = 0) -> list[dict[str, Any]]:
    return list(home.record.do(webchat.since, person.address, after)["messages"])


@pytest.mark.parametrize("jump", [-HOUR, 0.0, HOUR])
def test_a_browser_misses_nothing_and_reads_it_in_order(home: Home, jump: float) -> None:
    ana = home.person()
    said: list[str] = []
    place = 0
    for text in ("hola", "español", "no"):
        ana.say(text)
        home.send()
        new = shown(home, ana, place)
        assert new[0]["text"] == text
        assert all(line["from"] == "bot" for line in new[1:])
        assert len(new) > 1
        place = new[-1]["seq"]
        said += [line["text"] for line in new]
        home.now += jump
    whole = shown(home, ana)
    assert [line["text"] for line in whole] == said
    assert [line["seq"] for line in whole] == sorted({line["seq"] for line in whole})


def test_what_is_sent_out_of_turn_has_its_place_where_it_was_shown(home: Home) -> None:
    """An urgent line overtakes an answer that waits; that is new when it comes, though it was written before."""
    ana = home.person()
    ana.meet()
    home.send()
    ana.say("menú")
    home.run("UPDATE outbox SET due_at = due_at + 1000 WHERE state = 'waiting'")
    place = shown(home, ana)[-1]["seq"]
    ana.say("gracias")
    home.run("UPDATE outbox SET lane = 0 WHERE state = 'waiting' AND due_at < :at", at=home.now + 500)
    home.send()
    first = shown(home, ana, place)
    assert [line["from"] for line in first] == ["me", "bot"]
    home.later(2000)
    home.send()
    late = shown(home, ana, first[-1]["seq"])
    assert late
    assert {line["from"] for line in late} == {"bot"}
    assert shown(home, ana)[-len(late) :] == late


def test_after_the_panic_word_nothing_of_before_is_shown_on_a_clock_set_back_either(home: Home) -> None:
    ana = home.person()
    ana.meet()
    home.send()
    ana.say("ocultar")
    home.send()
    home.now -= HOUR
    ana.say("hola")
    home.send()
    lines = shown(home, ana)
    assert lines[0]["from"] == "bot"
    assert "hola" in [line["text"] for line in lines]
    assert not [line for line in lines if "Soy Puente" in line["text"]]
    assert "español" not in [line["text"] for line in lines]


def test_the_house_s_work_does_not_wait_until_it_is_as_late_again(home: Home) -> None:
    home.record.do(upkeep.schedule, home.now)
    while home.record.do(upkeep.chore, home.now):
        pass
    home.now -= 24 * HOUR
    home.record.do(upkeep.set_right, list(home.puente.channels), home.now)
    due = {
        row["kind"]
        for row in home.all("SELECT kind FROM timer WHERE contact_id IS NULL AND due_at <= :n", n=home.now)
    }
    assert due == set(upkeep.HOUSE_TIMERS)


def test_an_answer_that_waits_does_not_wait_until_it_is_as_late_again(home: Home) -> None:
    ana = home.person()
    ana.say("hola")
    home.send(outcome=Failed("not_sent", "busy", wait=2))
    home.now -= HOUR
    assert home.send() == []
    home.record.do(upkeep.set_right, list(home.puente.channels), home.now)
    assert len(home.send()) == 1


def test_what_is_meant_for_later_stays_for_later(home: Home) -> None:
    home.person().say("hola")
    home.run("UPDATE outbox SET due_at = :at", at=home.now + HOUR)
    home.record.do(upkeep.set_right, list(home.puente.channels), home.now)
    assert home.record.do(outbox.next_due, "web") == home.now + HOUR


def test_newcomers_are_not_shut_out_for_as_long(home: Home) -> None:
    take = lambda at: home.record.do(limits.take, "newcomers|web", 10, 1.0, at)  # noqa: E731
    assert take(home.now) == 0
    assert [take(home.now - HOUR) for _ in range(10)] == [0] * 9 + [pytest.approx(1)]
    assert take(home.now - HOUR + 1.5) == 0


def test_what_was_said_under_the_release_before_keeps_its_order(home: Home) -> None:
    ana = home.person()
    ana.meet()
    home.send()
    ana.say("ocultar")
    home.send()
    ana.say("hola")
    home.send()
    before = shown(home, ana)
    config = migrate._config
    with home.record.engine.begin() as connection:
        command.downgrade(config(connection), "0004")
        command.upgrade(config(connection), "head")
    after = shown(home, ana)
    assert [(line["from"], line["text"]) for line in after] == [(line["from"], line["text"]) for line in before]
    ana.say("menú")
    home.send()
    new = shown(home, ana, after[-1]["seq"])
    assert [line["from"] for line in new] == ["me", "bot"]
