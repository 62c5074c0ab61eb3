"""The judge of every fault harness: from the record, the vendors' logs and what was acknowledged, what went wrong.

A message is acknowledged when its webhook answered 2xx; an API call when it did. What was acknowledged must have had
exactly its effects, whatever died on the way. A message may be missing on a phone only where the record says that its
fate is unknown, or that a case manager had taken the word before it could go out again; a phone may show twice only
what is urgent or a person's, where the vendor keeps no list.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from bot import outbox
from bot.crypto import vault
from bot.record import Tx

CODE = re.compile(r"\b[2-9A-HJ-NP-Z]{3}-[2-9A-HJ-NP-Z]{3}\b")
COUNTED = re.compile(r"(Mensajes de este chat: )\d+")
"""Words that tell how much was said so far, which is more or less where something had not gone yet."""

SETTLED = ("sent", "delivered", "read", "refused", "dropped", "unknown")
NO_LIST = ("telegram",)
"""Channels whose vendor cannot be asked what it took."""


class Heard(NamedTuple):
    """A message a vendor brought and we acknowledged, under the vendor's id."""

    channel: str
    address: str
    provider: str


class Shown(NamedTuple):
    """A message a vendor took from us for a person."""

    channel: str
    address: str
    text: str


@dataclass
class Expected:
    """What happens to the same words when nothing goes wrong: the phones, and how often each deed is in the audit."""

    phones: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    deeds: Counter[str] = field(default_factory=Counter)
    cases: int = 0


@dataclass
class Verdict:
    """What was found. `lost`, `doubled`, `stuck` and `wrong` must be empty; `uncertain` are listed, as they should be."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    uncertain: int = 0
    unseen: int = 0
    """Uncertain ones that are indeed not on the phone."""
    repeated: int = 0
    """Urgent or human words that a phone shows twice, as the policy for an uncertain send allows."""

    @property
    def clean(self) -> bool:
        return not (self.lost or self.doubled or self.stuck or self.wrong)

    def to_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


def neutral(text: str) -> str:
    """A text without what differs from one run to the next: the code of a case, how much was said."""
    return COUNTED.sub(r"\1N", CODE.sub("CODE", " ".join(text.split())))


def phones(shown: Iterable[Shown]) -> dict[tuple[str, str], list[str]]:
    """What each phone shows, oldest first."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in shown:
        found[one.channel, one.address].append(neutral(one.text))
    return dict(found)


def deeds(tx: Tx) -> Counter[str]:
    """How often each deed is in the audit; looks, and what the house does by the clock, do not count."""
    rows = tx.all("SELECT action, COUNT(*) AS n FROM audit WHERE actor <> 'house' GROUP BY action")
    return Counter({row["action"]: row["n"] for row in rows if not row["action"].endswith((".read", ".list"))})


def judge(
    tx: Tx, heard: Sequence[Heard], shown: Sequence[Shown], expected: Expected, erased: Iterable[tuple[str, str]] = ()
) -> Verdict:
    """The whole history against what should have happened. `erased` are the phones whose rows are gone by their wish."""
    verdict = Verdict()
    _acknowledged(tx, heard, verdict)
    _left_behind(tx, verdict)
    _effects(tx, expected, verdict)
    _audited(tx, verdict)
    _announced(tx, verdict)
    _silenced(tx, verdict)
    rows = _rows(tx)
    seen = phones(shown)
    for phone, wanted in expected.phones.items():
        _compare(phone, wanted, seen.get(phone, []), rows.get(phone, []), phone in set(erased), verdict)
    for phone in seen.keys() - expected.phones.keys():
        verdict.wrong.append(f"{phone} was written to and never wrote")
    verdict.uncertain = sum(row["state"] == "unknown" for ours in rows.values() for row in ours)
    return verdict


def _acknowledged(tx: Tx, heard: Sequence[Heard], verdict: Verdict) -> None:
    keys = vault()
    for one in set(heard):
        row = tx.one(
            "SELECT COUNT(*) AS n, COUNT(done_at) AS done, SUM(failed) AS failed FROM inbox "
            "WHERE channel = :channel AND provider = :provider",
            channel=one.channel,
            provider=keys.blind(f"{one.channel}|message", one.provider),
        )
        if row["n"] != 1:
            verdict.lost.append(f"{one} was acknowledged and is not in the inbox")
        elif not row["done"]:
            verdict.stuck.append(f"{one} was never worked through")
        elif row["failed"]:
            verdict.wrong.append(f"{one} was given up")
    kept = tx.one("SELECT COUNT(*) AS n FROM inbox WHERE kind = 'message'")["n"]
    if kept != len(set(heard)):
        verdict.doubled.append(f"{kept} messages in the inbox of {len(set(heard))} that were acknowledged")


def _left_behind(tx: Tx, verdict: Verdict) -> None:
    unread = tx.one("SELECT COUNT(*) AS n FROM inbox WHERE done_at IS NULL")["n"]
    if unread:
        verdict.stuck.append(f"{unread} events unread")
    for row in tx.all("SELECT state, why, COUNT(*) AS n FROM outbox GROUP BY state, why"):
        if row["state"] not in SETTLED:
            verdict.stuck.append(f"{row['n']} messages {row['state']} ({row['why']})")
    orphans = tx.one(
        "SELECT COUNT(*) AS n FROM inbox i WHERE i.contact_id IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM contact k WHERE k.id = i.contact_id)"
    )["n"]
    if orphans:
        verdict.wrong.append(f"{orphans} events of nobody")


def _effects(tx: Tx, expected: Expected, verdict: Verdict) -> None:
    found = deeds(tx)
    for deed in found.keys() | expected.deeds.keys():
        if found[deed] < expected.deeds[deed]:
            verdict.lost.append(f"{deed}: {found[deed]} of {expected.deeds[deed]}")
        elif found[deed] > expected.deeds[deed]:
            verdict.doubled.append(f"{deed}: {found[deed]} instead of {expected.deeds[deed]}")
    cases = tx.one(CASES)["n"]
    if cases != expected.cases:
        verdict.wrong.append(f"{cases} cases instead of {expected.cases}")


CASES = "SELECT COUNT(*) AS n FROM handoff_case WHERE contact_id IS NOT NULL"
"""The people's; matters of the house, such as an alarm, are nobody's conversation."""

AUDITED = {
    # a deed of a conversation, and where each of them leaves a row of the contact's
    "effect.GiveConsent": "SELECT contact_id AS who, COUNT(*) AS n FROM consent WHERE given GROUP BY contact_id",
    "effect.WithdrawConsent": "SELECT contact_id AS who, COUNT(*) AS n FROM consent WHERE NOT given GROUP BY contact_id",
}


def _audited(tx: Tx, verdict: Verdict) -> None:
    """Every effect has its line in the audit, and every line its effect: counted where an effect leaves a row each."""
    for action, rows in AUDITED.items():
        done = {f"contact:{row['who']}": row["n"] for row in tx.all(rows)}
        audited = tx.all(
            "SELECT a.actor, COUNT(*) AS n FROM audit a WHERE a.action = :action AND NOT EXISTS (SELECT 1 FROM audit e "
            "WHERE e.actor = a.actor AND e.action = 'effect.EraseMe' AND e.id > a.id) GROUP BY a.actor",
            action=action,
        )
        told = {row["actor"]: row["n"] for row in audited}
        for actor in done.keys() | told.keys():
            if done.get(actor, 0) != told.get(actor, 0):
                verdict.wrong.append(f"{action}: {told.get(actor, 0)} in the audit, {done.get(actor, 0)} done")


SILENCED = {
    "after a takeover": """SELECT COUNT(*) AS n FROM outbox o JOIN audit t ON t.action = 'case.claim'
JOIN handoff_case h ON h.id = t.object AND h.contact_id = o.contact_id
WHERE o.speaker = 'bot' AND o.lane > :urgent AND o.created_at <= t.at AND o.attempted_at > t.at""",
    "after the panic word": """SELECT COUNT(*) AS n FROM outbox o JOIN conversation c ON c.contact_id = o.contact_id
WHERE o.speaker = 'bot' AND o.lane > :urgent AND o.created_at < c.hidden_at AND o.attempted_at > c.hidden_at""",
    "after a stop": """SELECT COUNT(*) AS n FROM outbox o JOIN contact k ON k.id = o.contact_id
WHERE o.lane = :broadcast AND o.attempted_at > k.notices_stopped_at""",
    "to somebody who had blocked us": """SELECT COUNT(*) AS n FROM outbox o JOIN address a ON a.id = o.address_id
WHERE o.attempted_at > a.blocked_at""",
}
"""What may not have been sent: by the times at which it was written, silenced and last tried."""


def _silenced(tx: Tx, verdict: Verdict) -> None:
    for when, rows in SILENCED.items():
        values = {"urgent": outbox.URGENT, "broadcast": outbox.BROADCAST}
        used = {name: value for name, value in values.items() if f":{name}" in rows}
        sent = tx.one(rows, **used)["n"]
        if sent:
            verdict.wrong.append(f"{sent} sent {when}")


def _announced(tx: Tx, verdict: Verdict) -> None:
    """Every "una persona le va a atender" has its case, and one only."""
    codes = Counter(row["code"] for row in tx.all("SELECT code FROM handoff_case"))
    for row in tx.all("SELECT body FROM outbox WHERE body IS NOT NULL"):
        for code in CODE.findall(json.loads(vault().open("outbox.body", row["body"]))["text"]):
            if codes[code] != 1:
                verdict.wrong.append(f"case {code} was announced and exists {codes[code]} times")


def _rows(tx: Tx) -> dict[tuple[str, str], list[dict[str, Any]]]:
    keys = vault()
    found: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in tx.all(
        "SELECT o.channel, o.lane, o.state, o.why, o.body, a.value FROM outbox o JOIN address a ON a.id = o.address_id "
        "WHERE o.body IS NOT NULL ORDER BY o.id"
    ):
        text = json.loads(keys.open("outbox.body", row["body"]))["text"]
        phone = (row["channel"], keys.open("address.value", row["value"]))
        found[phone].append({"text": neutral(text)} | {name: row[name] for name in ("state", "why", "lane")})
    return found


def _compare(
    phone: tuple[str, str],
    wanted: Sequence[str],
    seen: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    erased: bool,
    verdict: Verdict,
) -> None:
    missing, extra = Counter(wanted) - Counter(seen), Counter(seen) - Counter(wanted)
    for text, n in missing.items():
        listed = sum(_accounted_for(row) and _same(row["text"], text) for row in rows)
        verdict.unseen += min(n, listed)
        if n > listed and not (erased and phone[0] in NO_LIST):
            verdict.lost.append(f"{phone} never got {text[:60]!r}")
    for text, n in extra.items():
        urgent = any(row["lane"] <= outbox.HUMAN and _same(row["text"], text) for row in rows)
        if phone[0] in NO_LIST and text in wanted and (urgent or erased):
            verdict.repeated += n
        else:
            verdict.doubled.append(f"{phone} got {text[:60]!r} {n} too often")
    if erased and wanted and wanted[-1] in seen and seen[-1] != wanted[-1]:
        verdict.wrong.append(f"{phone} was written to after its rows were erased")
    if _out_of_order(wanted, seen, rows):
        verdict.wrong.append(f"{phone} got its messages out of order")


def _out_of_order(wanted: Sequence[str], seen: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a message was overtaken by one that is not more urgent; a more urgent one does not wait for others.

    One that counts as uncertain may still have been on its way to the phone when the next one went.
    """
    uncertain = [row["text"] for row in rows if row["state"] == "unknown"]
    places = {text: place for place, text in enumerate(_once(wanted))}
    shown = [text for text in _once(seen) if text in places and not any(_same(one, text) for one in uncertain)]
    lanes = {text: min([row["lane"] for row in rows if _same(row["text"], text)] or [outbox.REPLY]) for text in shown}
    return any(
        places[first] > places[later] and lanes[first] >= lanes[later]
        for n, first in enumerate(shown)
        for later in shown[n + 1 :]
    )


def _accounted_for(row: Mapping[str, Any]) -> bool:
    """The record says that it may not have arrived, or that the bot no longer had the word when it was its turn."""
    return bool(row["state"] == "unknown" or (row["state"], row["why"]) == ("dropped", "stale"))


def _same(ours: str, shown: str) -> bool:
    """A phone may show more than our words: the options below them, numbered."""
    return shown.startswith(ours)


def _once(texts: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(texts))
