"""What happens with every message finds its rows by an index, however many people there are."""

from __future__ import annotations

import re

import pytest

from bot import inbox, lanes, limits, meters, outbox, places, turn, webchat
from tests.installation import Home

RECLAIM = "UPDATE outbox SET state = 'waiting' WHERE channel = :c AND state = 'claimed' AND attempted_at < :at"
HOT = {
    "find an address": inbox.FIND_ADDRESS,
    "the conversation": turn.CONVERSATION,
    "the oldest unread": turn.UNREAD,
    "everybody's unread": "SELECT contact_id FROM inbox WHERE done_at IS NULL AND contact_id IS NOT NULL",
    "held back": limits.WAITING,
    "under way": limits.UNSENT,
    "sorry said": turn.SORRIED,
    "to be sent": outbox.DUE,
    "behind it": outbox.BEHIND,
    "left in flight": RECLAIM,
    "the chat, heard": webchat.HEARD,
    "the chat, said": webchat.SAID,
    "the chat, typing": webchat.BUSY,
    "the chat's last place": places.LAST,
    "counted by who looks": meters.PENDING,
    "counted unread": meters.UNREAD,
}


@pytest.mark.parametrize("what", HOT)
def test_no_table_is_read_through(home: Home, what: str) -> None:
    values = dict.fromkeys(re.findall(r"(?<![:\w]):([a-z_]+)", HOT[what]), "1")
    plan = home.plan(HOT[what], **values)
    assert plan, "the statement is planned"
    assert [step for step in plan if reads_through(step)] == []


def reads_through(step: str) -> bool:
    """As SQLite says it, and as PostgreSQL does."""
    return "Seq Scan" in step or (step.startswith("SCAN") and "INDEX" not in step and "CONSTANT" not in step)


def test_what_has_no_index_is_read_through(home: Home) -> None:
    """Or the test above shows nothing."""
    assert [step for step in home.plan("SELECT id FROM inbox WHERE kind = :k", k="x") if reads_through(step)]


def test_the_sweep_reads_what_the_test_reads() -> None:
    assert "done_at IS NULL AND contact_id IS NOT NULL" in str(lanes._unread.__code__.co_consts)
