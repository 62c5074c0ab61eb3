"""The service directory as it is told: the record's words, its source and date, and what must not be shown."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from bot import knowledge
from bot.record import Tx

SEEDS = {
    "000_1efae86c883dcfa3.txt": "Mintrab, Unidad de Atención a Personas Migrantes Retornadas",
    "001_9c74b55f0ebf7aa9.txt": "Conferencia Regional sobre Migración, taller de reintegración",
    "002_684248ae1bb83035.txt": "OIM Guatemala, sistematización de OportuGuate",
    "003_62883aff9f8d2ae7.txt": "OIM Guatemala, promotores de gestión de casos",
    "004_888e880661f00bd0.txt": "Gobierno de Guatemala, informe de país",
}
"""How the source documents of the directory are called where people can read it."""

REVIEW_AFTER = {"alta": 90, "media": 180, "baja": 365}
"""Days after which a record must be looked at again, by how fast such facts change (feature e2)."""

TOPICS: Mapping[str, tuple[str, ...]] = {
    "documentos": ("documents",),
    "educacion": ("study",),
    "salud": ("health",),
    "psicosocial": ("health",),
    "economica": ("work",),
    "proteccion": ("safety",),
    "social": ("living",),
}
FAMILY = {"niñez", "familia"}
SHELTER = {"albergue"}

TRANSLATED = ("institution", "for_whom", "cost", "hours", "facts", "requirements", "where")


def topics(record: Mapping[str, Any]) -> str:
    """The menu topics a record belongs to, space-separated, from its dimension and tags."""
    found = list(TOPICS.get(record["dimension"], ("living",)))
    tags = set(record["tags"])
    if tags & FAMILY:
        found.append("family")
    if tags & SHELTER:
        found.append("living")
    return " ".join(found)


def seed(tx: Tx) -> None:
    """Bring the directory to the records of this release, leaving alone what staff have edited."""
    known = {row["id"]: row for row in tx.all("SELECT id, digest, edited_at FROM service")}
    meta = knowledge.facts("services.yaml")["meta"]
    english = knowledge.facts("services.en.yaml")
    for record in knowledge.facts("services.yaml")["services"]:
        full = _bilingual(record, english.get(record["id"], {}), str(meta["generated_on"]))
        digest = hashlib.sha256(json.dumps(full, sort_keys=True).encode()).hexdigest()[:16]
        old = known.get(record["id"])
        if old is None or (old["digest"] != digest and old["edited_at"] is None):
            _put(tx, record, full, digest, known=old is not None)


def told(row: Any, today: str) -> dict[str, Any]:
    """One service as a flow tells it: a phone to be confirmed is not shown, an old date is said."""
    record: dict[str, Any] = json.loads(row["record"]) if isinstance(row["record"], str) else dict(row["record"])
    sure = record.get("phone_status") == "sourced"
    return record | {
        "phone": record["phone"] if sure else None,
        "phone_to_confirm": bool(record["phone"]) and not sure,
        "confirm_first": row["ship"] == "confirm_first",
        "verified": row["verified_on"],
        "overdue": row["review_on"] < today,
    }


def listed(row: Any) -> dict[str, Any]:
    """One service as a row to choose from."""
    record = json.loads(row["record"]) if isinstance(row["record"], str) else row["record"]
    return {"id": row["id"], "label": record["label"], "hint": record["institution"]}


def _put(tx: Tx, record: Mapping[str, Any], full: Mapping[str, Any], digest: str, known: bool) -> None:
    review = date.fromisoformat(full["checked"]) + timedelta(days=REVIEW_AFTER.get(record["staleness_risk"], 90))
    statement = (
        "UPDATE service SET record = :record, ship = :ship, topic = :topic, review_on = :review, digest = :digest "
        "WHERE id = :id"
        if known
        else "INSERT INTO service (id, record, ship, topic, review_on, digest) "
        "VALUES (:id, :record, :ship, :topic, :review, :digest)"
    )
    tx.run(
        statement,
        id=record["id"],
        record=json.dumps(full, ensure_ascii=False),
        ship=record["ship"],
        topic=topics(record),
        review=review.isoformat(),
        digest=digest,
    )


def _bilingual(record: Mapping[str, Any], english: Mapping[str, Any], checked: str) -> dict[str, Any]:
    name = {"es": record["name_es"], "en": english.get("name") or record["name_es"]}
    words = {field: _words(record[field], english.get(field)) for field in TRANSLATED}
    return {
        "id": record["id"],
        "label": name,
        "name": name,
        **words,
        "phone": record["phone"],
        "phone_status": record["phone_status"],
        "url": record["url"],
        "languages": record["languages"],
        "source": _sources(record["source"]),
        "source_date": str(record["source_date"]),
        "checked": checked,
    }


def _words(spanish: Any, english: Any) -> dict[str, Any] | None:
    return {"es": spanish, "en": english or spanish} if spanish else None


def _sources(sources: Sequence[Mapping[str, Any]]) -> str:
    """The first two sources by a name people can look up."""
    names = [
        SEEDS.get(source.get("file", ""), "") or urlsplit(str(source.get("address", ""))).hostname or ""
        for source in sources
    ]
    shown = dict.fromkeys(name.removeprefix("www.") for name in names if name)
    return "; ".join(list(shown)[:2])
