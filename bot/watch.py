"""What a supervisor should hear of though nobody complains, read from the record every few seconds (SAFETY O3)."""

from __future__ import annotations

from collections.abc import Sequence

from bot import memo
from bot.alerts import HOURLY, STRANGERS, over, sound, when
from bot.channels import UNWELCOME
from bot.outbox import BROADCAST
from bot.record import Tx

OLD_INBOX = 60.0
"""Seconds a message may lie unread (SAFETY O3)."""

OLD_OUTBOX = 300.0
"""Seconds an answer may wait to be sent; a broadcast waits for its turn."""

UNCERTAIN = 15 * 60.0
"""Seconds a send may stay uncertain before somebody should know (SAFETY O3)."""

STORM, STORM_IN = 5, 300.0
"""More calls than this with a wrong signature, in so many seconds, and somebody should know (SAFETY A7)."""

LATEST, RECENT = 500, 900.0
"""How many of the last messages, and how many seconds back, tell how sending goes."""

MANY_FAIL, ONE_IN = 10, 5
"""So many of these refused or uncertain, and at least one in so many: something is wrong with the provider."""

REFUSED_FOR = 20 * 60.0
"""Seconds for which a provider's refusal of our credentials counts, unless it takes them again."""

TAKEN_WITHIN = {"R0": 15 * 60.0, "R1": 8 * 3600.0, "R2": 24 * 3600.0, "R3": 72 * 3600.0}
"""Seconds by urgency in which somebody should have taken a case: now, the same day, 24 to 72 hours, routine."""

WAITING = """SELECT COUNT(*) AS n, MIN(created_at) AS oldest, MAX(why) AS why FROM outbox WHERE channel = :channel
AND state = 'waiting' AND lane < :broadcast AND created_at < :before AND (due_at <= :now OR why IS NOT NULL)"""
WENT = """SELECT channel, COUNT(*) AS n, SUM(CASE WHEN state IN ('refused', 'unknown') THEN 1 ELSE 0 END) AS bad
FROM (SELECT channel, state, created_at FROM outbox ORDER BY id DESC LIMIT :latest) AS latest
WHERE created_at > :since AND state NOT IN ('waiting', 'claimed', 'dropped') GROUP BY channel"""
# open ones only, by their index: a comparison is what SQLite looks up, IS NOT NULL it reads through
UNTAKEN = """SELECT COUNT(*) AS n, MIN(opened_at) AS oldest FROM handoff_case WHERE open_contact > ''
AND contact_id IS NOT NULL AND state = 'new' AND urgency = :urgency AND opened_at < :before"""


def look(tx: Tx, now: float, channels: Sequence[str]) -> None:
    """Raise what is so and end what has passed, for these channels (their names)."""
    _unread(tx, now)
    _strangers(tx, now)
    _uncertain(tx, channels, now)
    _failing(tx, channels, now)
    for channel in channels:
        _unsent(tx, channel, now)
        _credentials(tx, channel, now)
    for urgency, within in TAKEN_WITHIN.items():
        _untaken(tx, urgency, within, now)


def refused(tx: Tx, channel: str, yes: bool, now: float) -> None:
    """Whether a provider we asked for something took our credentials."""
    memo.put(tx, f"refused|{channel}", now if yes else 0, now)


def _unread(tx: Tx, now: float) -> None:
    oldest = tx.one(
        "SELECT MIN(received_at) AS at, COUNT(*) AS n FROM inbox WHERE done_at IS NULL AND contact_id IS NOT NULL"
    )
    age = 0.0 if oldest["at"] is None else now - oldest["at"]
    when(tx, age > OLD_INBOX, "inbox_age", f"{oldest['n']} unread messages, the oldest for {age:.0f} s", now)


def _strangers(tx: Tx, now: float) -> None:
    calls = memo.total(tx, STRANGERS, now - STORM_IN)
    when(tx, calls > STORM, "signatures", f"{calls:.0f} webhook calls in five minutes were not the vendor's", now)
    memo.forget(tx, STRANGERS, now - HOURLY)


def _unsent(tx: Tx, channel: str, now: float) -> None:
    row = tx.one(WAITING, channel=channel, broadcast=BROADCAST, before=now - OLD_OUTBOX, now=now)
    age = 0.0 if row["oldest"] is None else now - row["oldest"]
    why = f" ({row['why']})" if row["why"] else ""
    detail = f"{row['n']} messages wait to be sent, the oldest for {age:.0f} s{why}"
    when(tx, bool(row["n"]), f"sending|{channel}", detail, now)


def _failing(tx: Tx, channels: Sequence[str], now: float) -> None:
    went = {row["channel"]: row for row in tx.all(WENT, latest=LATEST, since=now - RECENT)}
    for channel in channels:
        bad, of = (went[channel]["bad"], went[channel]["n"]) if channel in went else (0, 0)
        detail = f"{bad} of the last {of} messages were refused or may not have arrived; see: puente failed"
        when(tx, bad >= MANY_FAIL and bad * ONE_IN >= of, f"failing|{channel}", detail, now)


def _credentials(tx: Tx, channel: str, now: float) -> None:
    """Asked for something the provider said so, or a message waits because it did."""
    said = memo.get(tx, f"refused|{channel}") or 0.0
    waits = "SELECT 1 AS yes FROM outbox WHERE channel = :c AND state = 'waiting' AND why = :why LIMIT 1"
    true = now - said < REFUSED_FOR or tx.one(waits, c=channel, why=UNWELCOME) is not None
    when(tx, true, f"credentials|{channel}", f"{channel} does not accept our credentials; see: puente doctor", now)


def _untaken(tx: Tx, urgency: str, within: float, now: float) -> None:
    """Cases nobody took in time; told again when there are more, at most every hour unless it is for now."""
    matter = f"untaken|{urgency}"
    row = tx.one(UNTAKEN, urgency=urgency, before=now - within)
    known = tx.one("SELECT raised_at FROM alert WHERE matter = :matter AND over_at IS NULL", matter=matter)
    more = row["n"] > (memo.get(tx, matter) or 0.0)
    if known is not None and more and (urgency == "R0" or now - known["raised_at"] > HOURLY):
        over(tx, matter, now)
    if known is None or not more or urgency == "R0" or now - known["raised_at"] > HOURLY:
        memo.put(tx, matter, row["n"], now)
    age = 0.0 if row["oldest"] is None else (now - row["oldest"]) / 3600
    when(tx, bool(row["n"]), matter, f"nobody took {row['n']} cases of {urgency}, the oldest for {age:.1f} h", now)


def _uncertain(tx: Tx, channels: Sequence[str], now: float) -> None:
    """Sends that stay uncertain are told once; the list of them is `puente failed`."""
    known = tx.one("SELECT covered_at FROM alert WHERE matter = 'uncertain'")
    since = 0.0 if known is None else float(known["covered_at"])
    found = [
        tx.one(
            "SELECT COUNT(*) AS n, MAX(attempted_at) AS last FROM outbox WHERE channel = :channel "
            "AND state = 'unknown' AND attempted_at < :before AND attempted_at > :since",
            channel=channel,
            before=now - UNCERTAIN,
            since=since,
        )
        for channel in channels
    ]
    if count := sum(row["n"] for row in found):
        last = max(float(row["last"]) for row in found if row["n"])
        sound(tx, "uncertain", f"{count} more sends may or may not have arrived; see: puente failed", now, last)
    elif known is not None and not any(_unknown_since(tx, channel, now - 86400) for channel in channels):
        over(tx, "uncertain", now)


def _unknown_since(tx: Tx, channel: str, since: float) -> bool:
    found = "SELECT 1 AS yes FROM outbox WHERE channel = :c AND state = 'unknown' AND attempted_at > :s LIMIT 1"
    return tx.one(found, c=channel, s=since) is not None
