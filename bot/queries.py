"""What the record answers to a conversation's queries: rows of plain values, best first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot import advice, directory, knowledge
from bot.crypto import vault
from bot.effects import consented, right_word
from bot.record import Tx
from flows import effects as wanted
from flows.conversations.questions import LABELS, QUESTIONS, meaning
from flows.effects import Query
from flows.mind import Mind
from flows.text import Text, Tongue, _, speak, words

GUATEMALA = ZoneInfo("America/Guatemala")
UNSAID = "unsaid"
"""The answer of somebody who preferred not to say: remembered, so as not to ask again, and never shown."""

LISTED = 21
"""Rows of a list at most: three screens of a WhatsApp list."""

Rows = list[dict[str, Any]]

LINES_FOR: Mapping[str, str] = {
    "suicide_selfharm": "crisis_emocional",
    "partner_or_family_violence": "mujer_en_violencia_o_desaparecida",
    "sexual_violence": "mujer_en_violencia_o_desaparecida",
    "trafficking_or_forced_labour": "trata",
    "extortion_or_threats": "extorsion_o_amenaza",
    "immediate_danger": "peligro_inmediato",
    "medical_emergency": "emergencia_medica",
    "child_alone_or_missing": "menor_desaparecido",
    "missing_relative_on_route": "peligro_inmediato",
    "minor_writing_alone": "peligro_inmediato",
    "no_shelter_tonight": "peligro_inmediato",
    "hunger_or_stranded": "peligro_inmediato",
    "official_abuse": "abuso_de_autoridad",
}
"""Kind of danger → the flag in emergency.yaml whose lines are shown, in the order given there."""

HELP_FOR: Mapping[str, tuple[str, ...]] = {
    "trafficking_or_forced_labour": ("denuncia-trata",),
    "sexual_violence": ("svet-albergue", "instituto-victima"),
    "partner_or_family_violence": ("violencia-contra-mujer", "instituto-victima"),
    "missing_relative_on_route": ("busqueda-migrantes-desaparecidos", "minex-consular"),
    "minor_writing_alone": ("casa-nuestras-raices", "pgn-ninez"),
    "child_alone_or_missing": ("alerta-alba-keneth", "pgn-ninez"),
    "no_shelter_tonight": ("igm-cam-zona5", "casa-migrante-zona1", "casa-migrante-tecun"),
    "hunger_or_stranded": ("mides-comedores", "casa-migrante-zona1", "conamigua"),
    "official_abuse": ("pdh-migrantes",),
}
"""Kind of danger → services of the directory that help with it."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, in which languages we can answer, and when (seconds since 1970)."""

    contact_id: str
    mind: Mind
    tongues: Mapping[str, Tongue]
    now: float

    @property
    def today(self) -> str:
        return datetime.fromtimestamp(self.now, GUATEMALA).date().isoformat()

    def in_words(self, text: Text, **fills: Any) -> dict[str, str]:
        """A text of ours in every language we speak."""
        return {locale: speak(text, fills, tongue) or "" for locale, tongue in self.tongues.items()}


def answer(tx: Tx, asker: Asker, query: Query) -> Rows:
    """The rows that answer a query; empty when there is nothing."""
    match query:
        case wanted.AboutMe():
            return _about_me(tx, asker)
        case wanted.MyProfile():
            return [kept] if (kept := _profile(tx, asker)) else []
        case wanted.ShowProfile():
            return _shown_profile(tx, asker)
        case wanted.MyAnswers():
            return _my_answers(tx, asker)
        case wanted.MyData():
            return _my_data(tx, asker)
        case wanted.MyCase():
            return _my_case(tx, asker)
        case wanted.RightWord(word=word):
            return [{}] if right_word(tx, asker.contact_id, word) else []
        case wanted.FindServices(topic=topic):
            return _by_topic(tx, topic)
        case wanted.AnswerQuestion(question=question):
            found = asker.mind.services.find(question)
            return _services(tx, found.ids[:1], asker.today) if found.decision == "answer" else []
        case wanted.SuggestServices(question=question):
            found = asker.mind.services.find(question)
            return [] if found.decision == "unknown" else _listed(tx, found.ids[:3])
        case wanted.ShowService(service=service):
            return _services(tx, [service], asker.today)
        case wanted.JudgeOffer(offer=offer):
            return [advice.verdict(asker, offer)]
        case wanted.FindCertificate(trade=trade):
            return _certificate(tx, asker, trade)
        case wanted.FindLines(danger=danger):
            return [_lines(tx, danger)]
        case wanted.WhoAnswers(town=town):
            return _who_answers(tx, asker, town)
        case _:
            return _work(tx, asker, query)


def _work(tx: Tx, asker: Asker, query: Query) -> Rows:
    match query:
        case wanted.FindVacancies(town=town):
            return _vacancies(tx, asker, town)
        case wanted.ShowVacancy(vacancy=vacancy):
            row = tx.one(
                "SELECT * FROM vacancy WHERE id = :id AND expires_on >= :today", id=vacancy, today=asker.today
            )
            return [_record(row)] if row and not _minor(tx, asker) else []
        case wanted.FindFairs(town=town):
            rows = tx.all("SELECT * FROM fair WHERE day >= :today ORDER BY day", today=asker.today)
            return [_offered(row, "name", "place") for row in _near_first(rows, town)[:LISTED]]
        case wanted.ShowFair(fair=fair):
            row = tx.one("SELECT * FROM fair WHERE id = :id AND day >= :today", id=fair, today=asker.today)
            return [_record(row)] if row else []
    raise LookupError(f"nothing answers {type(query).__name__}")


def _about_me(tx: Tx, asker: Asker) -> Rows:
    row = tx.one(
        "SELECT minor, asked_profile_at, notices_stopped_at, word_hash IS NOT NULL AS word, "
        "(SELECT COUNT(*) FROM handoff_case h WHERE h.open_contact = k.id) AS open_case, "
        "(SELECT COUNT(*) FROM profile_answer p WHERE p.contact_id = k.id AND p.field = 'town' "
        "AND p.code IS NOT NULL) AS town FROM contact k WHERE id = :id",
        id=asker.contact_id,
    )
    return [
        {
            "minor": bool(row["minor"]),
            "asked_profile": row["asked_profile_at"] is not None,
            "profile": consented(tx, asker.contact_id, "profile"),
            "word": bool(row["word"]),
            "case": bool(row["open_case"]),
            "town": bool(row["town"]),
        }
    ]


def _profile(tx: Tx, asker: Asker) -> dict[str, Any]:
    rows = tx.all("SELECT field, value FROM profile_answer WHERE contact_id = :c", c=asker.contact_id)
    return {row["field"]: json.loads(vault().open("profile_answer.value", row["value"])) for row in rows}


def profile_lines(tx: Tx, asker: Asker, unsaid: bool = False) -> dict[str, dict[str, str]]:
    """One line a field, in the order of the questions, in every language.

    `unsaid` also gives those the person would not answer: they see all that we keep, staff what there is to know.
    """
    kept = _profile(tx, asker)
    return {
        field: {
            locale: f"{tongue(LABELS[field])}: {words(meaning(field, kept[field]), tongue)}"
            for locale, tongue in asker.tongues.items()
        }
        for field in QUESTIONS
        if kept.get(field) is not None and (unsaid or kept[field] != UNSAID)
    }


def _shown_profile(tx: Tx, asker: Asker) -> Rows:
    lines = list(profile_lines(tx, asker, unsaid=True).values())
    return [{"lines": lines}] if lines else []


def _my_answers(tx: Tx, asker: Asker) -> Rows:
    """One row a field that was answered: its name to choose it by, the answer to see what it says now."""
    kept = _profile(tx, asker)
    return [
        {"id": field, "label": asker.in_words(LABELS[field]), "hint": _meant(asker, field, kept[field])}
        for field in QUESTIONS
        if kept.get(field) is not None
    ]


def _meant(asker: Asker, field: str, value: Any) -> dict[str, str]:
    return {locale: words(meaning(field, value), tongue) for locale, tongue in asker.tongues.items()}


def _my_data(tx: Tx, asker: Asker) -> Rows:
    lines = list(profile_lines(tx, asker, unsaid=True).values())
    row = tx.one(
        "SELECT (SELECT COUNT(*) FROM inbox WHERE contact_id = :c AND kind = 'message') AS said, "
        "(SELECT COUNT(*) FROM outbox WHERE contact_id = :c) AS heard",
        c=asker.contact_id,
    )
    lines.append(asker.in_words(_("Mensajes de este chat: {count}"), count=row["said"] + row["heard"]))
    for purpose, label in PURPOSES.items():
        if consented(tx, asker.contact_id, purpose):
            lines.append(asker.in_words(label))
    case = tx.one("SELECT code FROM handoff_case WHERE open_contact = :c", c=asker.contact_id)
    if case:
        lines.append(asker.in_words(_("Caso abierto: {code}"), code=case["code"]))
    return [{"lines": lines}]


PURPOSES: Mapping[str, Text] = {
    "profile": _("Usted dio permiso de guardar su perfil."),
    "notices": _("Usted pidió avisos de empleos y ferias."),
}


def _my_case(tx: Tx, asker: Asker) -> Rows:
    row = tx.one(
        "SELECT h.code, h.state, o.name, o.hours FROM handoff_case h LEFT JOIN office o ON o.id = h.office_id "
        "WHERE h.contact_id = :c ORDER BY h.opened_at DESC LIMIT 1",
        c=asker.contact_id,
    )
    if row is None:
        return []
    standing = {state: row["state"] == state for state in ("new", "claimed", "closed")}
    return [{"code": row["code"], **standing, "office": row["name"], "hours": _json(row["hours"])}]


def _by_topic(tx: Tx, topic: str) -> Rows:
    rows = tx.all("SELECT id, record, ship, topic FROM service WHERE ship <> 'no'")
    fits = [row for row in rows if topic in row["topic"].split()]
    order = {record["id"]: place for place, record in enumerate(knowledge.facts("services.yaml")["services"])}
    fits.sort(key=lambda row: (row["ship"] != "yes", order.get(row["id"], len(order))))
    return [directory.listed(row) for row in fits[:LISTED]]


def _found(tx: Tx, ids: Iterable[str]) -> list[Any]:
    found = (tx.one("SELECT * FROM service WHERE id = :id AND ship <> 'no'", id=id) for id in ids)
    return [row for row in found if row is not None]


def _services(tx: Tx, ids: Iterable[str], today: str) -> Rows:
    return [directory.told(row, today) for row in _found(tx, ids)]


def _listed(tx: Tx, ids: Iterable[str]) -> Rows:
    return [directory.listed(row) for row in _found(tx, ids)]


def _certificate(tx: Tx, asker: Asker, trade: str | None) -> Rows:
    route = advice.certificate(trade)
    told = [] if route is None else _services(tx, [route["service"]], asker.today)
    return [advice.certified(row, route) for row in told if route is not None]


def _lines(tx: Tx, danger: str) -> dict[str, Any]:
    """The lines of one danger, and services that help with it; only numbers that may be shown."""
    emergency = knowledge.facts("emergency.yaml")
    by_id = {line["id"]: line for line in emergency["lines"] if line["show"] == "yes"}
    order = emergency["display_order_by_flag"][LINES_FOR.get(danger, "peligro_inmediato")]
    lines = [by_id[name] for name in order if name in by_id]
    help_rows = [_json(row["record"]) for row in _found(tx, HELP_FOR.get(danger, ()))]
    return {
        "lines": [
            {
                "es": f"{line['number']}: {line['name_es']}. {line['use_for']}.",
                "en": f"{line['number']}: {line['name_en']}. {line['use_for_en']}.",
            }
            for line in lines
        ],
        "services": [_help(record) for record in help_rows],
    }


def _help(record: Mapping[str, Any]) -> dict[str, str]:
    """A service in one line: its name, and where or by which phone."""
    phone = record["phone"] if record["phone_status"] == "sourced" else None
    where = record["where"] or {}
    shown = {}
    for locale in ("es", "en"):
        place = (where.get(locale) or where.get("es") or [None])[0]
        shown[locale] = ", ".join(filter(None, (record["name"].get(locale), place, phone)))
    return shown


def _who_answers(tx: Tx, asker: Asker, town: str | None) -> Rows:
    row = tx.one(
        "SELECT h.code, o.name, o.hours FROM handoff_case h JOIN office o ON o.id = h.office_id "
        "WHERE h.open_contact = :c",
        c=asker.contact_id,
    )
    return [] if row is None else [{"code": row["code"], "office": row["name"], "hours": _json(row["hours"])}]


def _vacancies(tx: Tx, asker: Asker, town: str | None) -> Rows:
    if _minor(tx, asker):
        return []  # SAFETY K1: whatever a conversation asks for
    kept = _profile(tx, asker)
    town = town or (kept.get("town") or {}).get("id")
    rows = tx.all("SELECT * FROM vacancy WHERE expires_on >= :today ORDER BY expires_on, id", today=asker.today)
    return [_offered(row, "title", "place") for row in _near_first(rows, town)[:LISTED]]


def _near_first(rows: list[Any], town: str | None) -> list[Any]:
    """Same municipality, then same department, then the rest; otherwise the order they came in."""
    department = None if town is None else town if town.startswith("D") else f"D{town[:2]}"

    def far(row: Any) -> int:
        if town is not None and row["municipality"] == town:
            return 0
        return 1 if department is not None and row["department"] == department else 2

    return sorted(rows, key=far)


def _minor(tx: Tx, asker: Asker) -> bool:
    row = tx.one("SELECT minor FROM contact WHERE id = :id", id=asker.contact_id)
    return bool(row and row["minor"])


def _offered(row: Any, label: str, hint: str) -> dict[str, Any]:
    record = _json(row["record"])
    return {"id": row["id"], "label": record[label], "hint": record.get(hint)}


def _record(row: Any) -> dict[str, Any]:
    return {"id": row["id"], **_json(row["record"]), "demo": bool(row["demo"])}


def _json(stored: Any) -> Any:
    return json.loads(stored) if isinstance(stored, str) else stored
