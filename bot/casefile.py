"""Reading cases: the list, the summary and the transcript, each only within the caller's scope, each look audited."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bot import queries
from bot.audit import audit
from bot.cases import NotYours
from bot.crypto import vault
from bot.record import Tx
from bot.scope import Scope, cases_of

FIELDS = """h.id, h.code, h.state, h.urgency, h.reason, h.topic, h.danger, h.vacancy, h.false_alarm_at, h.opened_at,
h.claimed_at, h.closed_at, h.outcome, h.office_id, o.name AS office, h.staff_id, h.contact_id, k.language,
k.spoken, k.minor"""
FROM = """FROM handoff_case h LEFT JOIN office o ON o.id = h.office_id LEFT JOIN contact k ON k.id = h.contact_id"""
MOST = 500
"""Messages of a transcript in one answer; older ones by `before`."""


def listed(
    tx: Tx,
    scope: Scope,
    *,
    state: str | None = None,
    urgency: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> list[dict[str, Any]]:
    """Cases the caller may see, the most urgent and longest waiting first.

    `after` is the id of the last case of the page before; raises `NotYours` when the caller cannot see it.
    """
    where, values = cases_of(scope)
    conditions = [where]
    for name, wanted in (("state", state), ("urgency", urgency)):
        if wanted is not None:
            conditions.append(f"h.{name} = :{name}")
            values[name] = wanted
    if after is not None:
        last = tx.one(
            f"SELECT h.urgency, h.opened_at FROM handoff_case h WHERE h.id = :id AND {where}", id=after, **values
        )
        if last is None:
            raise NotYours(after)
        conditions.append(
            "(h.urgency > :last_urgency OR (h.urgency = :last_urgency AND (h.opened_at > :last_at "
            "OR (h.opened_at = :last_at AND h.id > :last_id))))"
        )
        values |= {"last_urgency": last["urgency"], "last_at": last["opened_at"], "last_id": after}
    rows = tx.all(
        f"SELECT {FIELDS} {FROM} WHERE {' AND '.join(conditions)} ORDER BY h.urgency, h.opened_at, h.id LIMIT :limit",
        **values,
        limit=limit,
    )
    audit(tx, scope.actor, "case.list", detail=str(len(rows)))
    return [_shown(row) for row in rows]


def found(tx: Tx, scope: Scope, case_id: str, action: str) -> Any:
    """One case within the caller's scope, the look written down. Raises `NotYours`, the denial written down too."""
    where, values = cases_of(scope)
    row = tx.one(f"SELECT {FIELDS} {FROM} WHERE h.id = :id AND {where}", id=case_id, **values)
    audit(tx, scope.actor, action if row is not None else f"{action}.denied", case_id)
    if row is None:
        raise NotYours(case_id)
    return row


def whole(
    tx: Tx, scope: Scope, case_id: str, tongues: Mapping[str, Any], before: float | None = None
) -> dict[str, Any]:
    """A case with its summary, transcript and notes."""
    row = found(tx, scope, case_id, "case.read")
    asker = queries.Asker(row["contact_id"], None, tongues, datetime.now(UTC).timestamp())  # type: ignore[arg-type]
    lines = queries.profile_lines(tx, asker)
    return _shown(row) | {
        "summary": {
            "profile": [{"field": field, "text": words["es"]} for field, words in lines.items()],
            "unanswered": bool(row["reason"] == "unreadable"),
        },
        "transcript": transcript(tx, row["contact_id"], before),
        "notes": _notes(tx, case_id),
    }


def transcript(tx: Tx, contact_id: str, before: float | None = None) -> list[dict[str, Any]]:
    """What was said, oldest first: by the contact, the bot, a person, or about who speaks; with delivery states."""
    until = before if before is not None else 1e12
    heard = tx.all(
        "SELECT id, body, COALESCE(written_at, received_at) AS at, channel, failed FROM inbox WHERE contact_id = :c "
        "AND kind = 'message' AND COALESCE(written_at, received_at) < :until ORDER BY 3 DESC LIMIT :most",
        c=contact_id,
        until=until,
        most=MOST,
    )
    said = tx.all(
        "SELECT id, body, created_at AS at, channel, speaker, staff_id, state, why FROM outbox WHERE contact_id = :c "
        "AND created_at < :until AND state <> 'dropped' ORDER BY created_at DESC, id DESC LIMIT :most",
        c=contact_id,
        until=until,
        most=MOST,
    )
    lines = [_heard(row) for row in heard] + [_said(row) for row in said]
    lines.sort(key=lambda line: (line.pop("_at"), line.pop("_order")))
    return lines[-MOST:]


def moment(at: float | None) -> str | None:
    """Seconds since 1970 as ISO 8601 in UTC."""
    return (
        None
        if at is None
        else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"],
        "code": row["code"],
        "state": row["state"],
        "urgency": row["urgency"],
        "reason": row["reason"],
        "topic": row["topic"],
        "danger": row["danger"],
        "vacancy": row["vacancy"],
        "false_alarm_at": moment(row["false_alarm_at"]),
        "opened_at": moment(row["opened_at"]),
        "claimed_at": moment(row["claimed_at"]),
        "closed_at": moment(row["closed_at"]),
        "outcome": row["outcome"],
        "office": row["office"],
        "staff_id": row["staff_id"],
        "language": row["language"] or "es",
        "spoken": row["spoken"],
        "minor": bool(row["minor"]),
    }


def _heard(row: Any) -> dict[str, Any]:
    message = json.loads(vault().open("inbox.body", row["body"]))["message"]
    return {
        "_at": row["at"],
        "_order": (0, row["id"]),
        "from": "contact",
        "at": moment(row["at"]),
        "text": message.get("text") or message.get("tapped") or "",
        "media": message.get("media"),
        "place": message.get("place"),
        "channel": row["channel"],
        "state": "unreadable" if row["failed"] else "received",
        "why": None,
    }


def _said(row: Any) -> dict[str, Any]:
    body = json.loads(vault().open("outbox.body", row["body"]))
    return {
        "_at": row["at"],
        "_order": (1, row["id"]),
        "from": row["speaker"],
        "at": moment(row["at"]),
        "text": body["text"],
        "options": [label for _id, label, _hint in body.get("choices", ())],
        "channel": row["channel"],
        "state": row["state"],
        "why": row["why"],
    }


def _notes(tx: Tx, case_id: str) -> list[dict[str, Any]]:
    rows = tx.all("SELECT staff_id, text, at FROM case_note WHERE case_id = :id ORDER BY id", id=case_id)
    return [
        {"staff_id": row["staff_id"], "at": moment(row["at"]), "text": vault().open("case_note.text", row["text"])}
        for row in rows
    ]
