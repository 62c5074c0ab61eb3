"""Who floods waits for the others and loses nothing; who waits for answers is never limited (SAFETY N8)."""

from __future__ import annotations

from bot import limits, turn
from bot.channels import Receipt
from tests.installation import Home, Person, texts

MANY = "Recibí muchos mensajes"


def met(home: Home, name: str = "ana") -> Person:
    person = home.person(name)
    person.meet()
    home.send()
    return person


def test_room_comes_back_with_time_and_never_beyond_the_burst() -> None:
    assert limits.left(None, None, 100) == limits.BURST
    assert limits.left(0, 100, 100 + 60) == limits.BURST
    assert limits.left(0, 100, 103) == 1
    assert limits.left(5, 100, 90) == 5  # a clock set back takes nothing away


def test_who_waits_for_every_answer_is_never_limited(home: Home) -> None:
    person = met(home)
    for _number in range(100):
        assert person.say("ayuda")
        home.send()
        home.now -= 1  # a hundred turns in a few seconds
    assert MANY not in texts(person.said())


def work(home: Home, person: Person) -> None:
    """Run the lane until it ends or rests."""
    while home.record.do(turn.take, home.puente.house, person.contact, home.now):
        pass


def flood(home: Home, person: Person, *words: str, count: int = 200) -> None:
    for number in range(count):
        person.write(words[number] if number < len(words) else f"mensaje {number}")


def test_a_flood_is_kept_whole_told_once_and_answered_at_its_end(home: Home) -> None:
    person = met(home)
    before = len(person.said())
    flood(home, person)
    work(home, person)
    said = person.said()[before:]
    assert len([one for one in said if MANY in one["text"]]) == 1
    assert len(said) <= limits.BURST + 2
    kept = home.one("SELECT COUNT(*) AS n FROM inbox WHERE contact_id = :c AND body IS NOT NULL", c=person.contact)
    assert kept["n"] == 203
    unread = home.all("SELECT id FROM inbox WHERE contact_id = :c AND done_at IS NULL", c=person.contact)
    assert len(unread) == 1  # the last one waits until our answers are out
    home.send()
    assert home.record.do(turn.take, home.puente.house, person.contact, home.now)
    assert not home.all("SELECT id FROM inbox WHERE contact_id = :c AND done_at IS NULL", c=person.contact)


def test_danger_in_a_flood_is_heard_at_once(home: Home) -> None:
    person = met(home)
    flood(home, person, *[f"hola {n}" for n in range(150)], "me quieren matar", count=200)
    work(home, person)
    assert person.case is not None
    assert person.case["urgency"] == "R0"
    urgent = [one for one in person.said() if one["lane"] == 0]
    assert len(urgent) == 1


def test_a_command_in_a_flood_is_obeyed(home: Home) -> None:
    person = met(home)
    flood(home, person, *["algo"] * 100, "ocultar", count=150)
    work(home, person)
    assert person.state is not None
    assert person.state.locked


def test_others_are_answered_while_one_floods(home: Home) -> None:
    flooding, other = met(home, "flood"), met(home, "other")
    flood(home, flooding)
    while home.record.do(turn.take, home.puente.house, flooding.contact, home.now):
        pass
    assert other.say("ayuda")


def test_after_a_pause_everything_is_as_before(home: Home) -> None:
    person = met(home)
    flood(home, person)
    work(home, person)
    home.send(outcome=Receipt("x"))
    home.later(120)
    assert person.say("ayuda")


def test_a_limit_for_everybody_is_one_for_all_machines(home: Home) -> None:
    waits = [home.record.do(limits.take, "newcomers|web", 3, 1.0, 1000.0) for _ in range(5)]
    assert waits[:3] == [0, 0, 0]
    assert waits[3] > 0
    assert home.record.do(limits.take, "newcomers|web", 3, 1.0, 1001.0) == 0
    assert home.record.do(limits.take, "newcomers|web", 3, 1.0, 1001.0) > 0
