"""The judge of the fault harnesses sees what it is there to see: a history tampered with is never clean."""

from __future__ import annotations

import pytest

from tests import oracle
from tests.installation import Home
from tests.oracle import Expected, Heard, Shown, Verdict

WORDS = ("hola", "español", "sí, guardar", "persona", "trabajo", "xela")


class History:
    """One person's conversation that went well, on a channel whose vendor keeps no list."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.ana = home.person("7000000001", "telegram")
        for text in WORDS:
            self.ana.say(text)
            home.send("telegram")
        self.shown = [Shown("telegram", self.ana.address, said["text"]) for said in self.ana.said()]
        self.heard = [Heard("telegram", self.ana.address, f"{self.ana.address}:{n + 1}") for n in range(len(WORDS))]
        phones = {("telegram", self.ana.address): [oracle.neutral(one.text) for one in self.shown]}
        self.expected = Expected(phones, home.record.do(oracle.deeds), 1)

    def judged(self) -> Verdict:
        return self.home.record.do(oracle.judge, self.heard, self.shown, self.expected)


@pytest.fixture
def history(home: Home) -> History:
    return History(home)


def test_what_went_well_is_clean(history: History) -> None:
    verdict = history.judged()
    assert verdict.clean, verdict
    assert history.shown
    assert len(history.expected.deeds) >= 3


TAMPERED = {
    "a message is gone": ("lost", "DELETE FROM inbox WHERE id = (SELECT MAX(id) FROM inbox)"),
    "a message was never worked through": ("stuck", "UPDATE inbox SET done_at = NULL WHERE id = 3"),
    "a message was given up": ("wrong", "UPDATE inbox SET failed = 1 WHERE id = 3"),
    "an answer was never sent": ("stuck", "UPDATE outbox SET state = 'waiting' WHERE id = 3"),
    "an effect has no line in the audit": ("lost", "DELETE FROM audit WHERE action = 'effect.GiveConsent'"),
    "a line in the audit has no effect": ("wrong", "DELETE FROM consent"),
    "an effect was done twice": (
        "doubled",
        "INSERT INTO audit (at, actor, action) SELECT at, actor, action FROM audit WHERE action = 'effect.OpenCase'",
    ),
    "the case that was announced is gone": ("wrong", "DELETE FROM handoff_case"),
    "something went out after a takeover": (
        "wrong",
        "INSERT INTO audit (at, actor, action, object) SELECT o.created_at, 'staff:x', 'case.claim', h.id "
        "FROM outbox o, handoff_case h WHERE o.id = (SELECT MAX(id) FROM outbox)",
    ),
    "something went out after the panic word": (
        "wrong",
        "UPDATE conversation SET hidden_at = (SELECT (created_at + attempted_at) / 2 FROM outbox WHERE id = 3)",
    ),
    "a notice went out after a stop": (
        "wrong",
        "UPDATE contact SET notices_stopped_at = (SELECT MAX(attempted_at) - 0.0001 FROM outbox)",
    ),
    "something went out to who had blocked us": (
        "wrong",
        "UPDATE address SET blocked_at = (SELECT MAX(attempted_at) - 0.0001 FROM outbox)",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_a_record_tampered_with_is_not(history: History, what: str) -> None:
    kind, statement = TAMPERED[what]
    if "stop" in what:
        history.home.run("UPDATE outbox SET lane = 3 WHERE id = (SELECT MAX(id) FROM outbox)")
    assert history.home.run("DELETE FROM consent WHERE 1 = 0") == 0
    with history.home.record.transaction() as tx:
        tx.run("PRAGMA defer_foreign_keys = ON")
        assert tx.run(statement) >= 1
    verdict = history.judged()
    assert getattr(verdict, kind), f"{what}: {verdict}"


def test_a_phone_that_never_got_it(history: History) -> None:
    del history.shown[2]
    assert history.judged().lost


def test_a_phone_that_got_it_twice(history: History) -> None:
    history.shown.insert(2, history.shown[2])
    assert history.judged().doubled


def test_a_phone_that_got_it_in_another_order(history: History) -> None:
    history.shown[2], history.shown[3] = history.shown[3], history.shown[2]
    assert history.judged().wrong


def test_urgent_words_may_overtake(history: History) -> None:
    history.home.run("UPDATE outbox SET lane = 0 WHERE id = 4")
    history.shown[2], history.shown[3] = history.shown[3], history.shown[2]
    assert history.judged().clean


def test_a_missing_message_that_is_listed_as_uncertain_is_counted(history: History) -> None:
    history.home.run("UPDATE outbox SET state = 'unknown' WHERE id = 3")
    del history.shown[2]
    verdict = history.judged()
    assert verdict.clean, verdict
    assert (verdict.uncertain, verdict.unseen) == (1, 1)


def test_somebody_who_never_wrote_was_written_to(history: History) -> None:
    history.shown.append(Shown("telegram", "7000000009", "hola"))
    assert history.judged().wrong
