"""Settling with a provider what we are not sure of: sends that may have gone, messages that may never have come."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from bot import alerts, inbox, memo, outbox
from bot.channels import Channel, Failed, Incoming, Spoken, Status
from bot.channels.hooks import Recalls, Recounts, Taken
from bot.crypto import vault
from bot.record import Record, Tx

log = structlog.get_logger()

LISTED_AFTER = 60.0
"""Seconds after which a send that is not in the provider's list surely did not arrive there."""

SOONER = 20.0
"""The same for urgent and human messages: a wait is worse there than, once in a great while, a repeat."""

BLIND_AFTER = 120.0
"""Seconds after which these go out once more though the provider's list cannot be read."""

TOO_LATE = 86400.0
"""Seconds after which an uncertain send stays uncertain: the person's window has closed."""

SLACK = 5.0
"""Seconds by which the provider's clock may be behind ours."""

SENDS = 4
"""Attempts of one message whose fate is settled by the list; more stay uncertain."""

AT_A_TIME = 8
"""Addresses asked about at once."""

MOST = 400
"""Uncertain sends settled in one round."""

ARRIVES_IN = 120.0
"""Seconds the webhook may take, with its retries; a message younger than that is left to it: it knows more."""

OVERLAP = 300.0
"""Seconds of the list that are read again each time."""

BATCH = 50
"""Missed messages taken in by one transaction."""

UNCERTAIN = """SELECT o.id, o.address_id, o.lane, o.speaker, o.body, o.attempts, o.attempted_at, o.why, o.reference,
a.value AS address FROM outbox o JOIN address a ON a.id = o.address_id WHERE o.channel = :channel
AND o.state = 'unknown' AND o.attempted_at > :since AND o.attempted_at <= CASE WHEN o.lane <= :human THEN :soon
ELSE :later END ORDER BY o.attempted_at LIMIT :most"""
AGAIN = """UPDATE outbox SET state = 'waiting', why = :why WHERE id = :id AND state = 'unknown'"""


async def settle_sends(record: Record, name: str, channel: Channel, now: float) -> int:
    """Ask the provider about every uncertain send of a channel; how many are settled. Nothing where it cannot tell.

    A message of ours is one in the list with our words to that address since the attempt, that no other row of
    ours has. Where the list holds one without words (they can be removed there) the sends to that address stay
    uncertain.
    """
    if not isinstance(channel, Recounts):
        return 0
    rows = await record.run(_uncertain, name, now)
    by_address: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_address[vault().open("address.value", row["address"])].append(row)
    gate = asyncio.Semaphore(AT_A_TIME)

    async def one(address: str, sends: Sequence[Any]) -> int:
        async with gate:
            try:
                listed = await channel.taken(address, sends[0]["attempted_at"] - SLACK)
            except Failed as failed:
                log.warning("reconcile.list", channel=name, why=failed.why)
                return await record.run(_blindly, name, sends, now)
        said = {row["id"]: _folded(*channel.listed_as(_spoken(row))) for row in sends}
        return await record.run(_compare, name, sends, said, listed, now)

    return sum(await asyncio.gather(*(one(address, sends) for address, sends in by_address.items())))


async def take_missed(record: Record, name: str, channel: Channel, now: float) -> int:
    """Take in, oldest first, what people wrote and no webhook brought; how many messages that were."""
    if not isinstance(channel, Recalls):
        return 0
    since = await record.run(_heard_until, name, now)
    listed = [one for one in await channel.heard(since) if one.at is not None and one.at <= now - ARRIVES_IN]
    missed = 0
    for start in range(0, len(listed), BATCH):
        missed += await record.run(_take_in, name, listed[start : start + BATCH])
    await record.run(memo.put, f"heard|{name}", now - ARRIVES_IN, now)
    if missed:
        log.warning("reconcile.missed", channel=name, count=missed)
        detail = f"{missed} messages had not come by webhook and were fetched"
        await record.run(alerts.sound, f"missed|{name}", detail, now)
    else:
        await record.run(alerts.over, f"missed|{name}", now)
    return missed


def _uncertain(tx: Tx, name: str, now: float) -> list[Any]:
    return tx.all(
        UNCERTAIN,
        channel=name,
        since=now - TOO_LATE,
        human=outbox.HUMAN,
        soon=now - SOONER,
        later=now - LISTED_AFTER,
        most=MOST,
    )


def _compare(
    tx: Tx, name: str, sends: Sequence[Any], said: Mapping[int, set[str]], listed: Sequence[Taken], now: float
) -> int:
    """Give each send the first message of the list that is it; what is not there goes out again."""
    keys = vault()
    free = [
        one
        for one in listed
        if not tx.one("SELECT 1 AS yes FROM outbox WHERE provider = :p", p=keys.blind(f"{name}|sent", one.provider))
    ]
    settled = 0
    for row in sends:
        within = [one for one in free if one.at >= row["attempted_at"] - SLACK]
        found = next((one for one in within if _folded(one.text) & said[row["id"]]), None)
        if found is not None:
            free.remove(found)
            status = Status(found.provider, found.state, found.why, row["reference"])
            settled += inbox.settle(tx, name, status, now)
        elif all(_folded(one.text) != {""} for one in within) and row["attempts"] < SENDS:
            settled += _again(tx, name, row, "not_there")
    return settled


def _blindly(tx: Tx, name: str, sends: Sequence[Any], now: float) -> int:
    """No list to be had: urgent and human messages go out once more, everything else stays uncertain."""
    return sum(
        _again(tx, name, row, outbox.REPEAT)
        for row in sends
        if row["lane"] <= outbox.HUMAN and row["why"] != outbox.REPEAT and row["attempted_at"] <= now - BLIND_AFTER
    )


def _again(tx: Tx, name: str, row: Any, why: str) -> int:
    tx.tell("outbox", name)
    return tx.run(AGAIN, id=row["id"], why=why)


def _spoken(row: Any) -> Spoken:
    return Spoken.from_json(json.loads(vault().open("outbox.body", row["body"])), row["speaker"])


def _folded(*texts: str) -> set[str]:
    """Words as they can be compared: a provider may trim a text or write its line ends another way."""
    return {" ".join(text.split()) for text in texts}


def _heard_until(tx: Tx, name: str, now: float) -> float:
    """The time from which the list has to be read; a channel that never heard anybody begins now."""
    until = memo.get(tx, f"heard|{name}")
    if until is None:
        row = tx.one("SELECT MAX(received_at) AS at FROM inbox WHERE channel = :c AND kind = 'message'", c=name)
        until = now if row["at"] is None else float(row["at"])
    return until - OVERLAP


def _take_in(tx: Tx, name: str, listed: Sequence[Incoming]) -> int:
    return sum(inbox.accept(tx, name, incoming) for incoming in listed)
