"""A small world that answers flows' queries, for chats: one office, a few services, two made-up jobs and one fair.

What it says of services and emergency lines is true and stands in the knowledge files; the rest is made up, and
says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from flows import effects as wanted
from flows.conversations.questions import LABELS, QUESTIONS, meaning
from flows.effects import Effect, Query
from flows.text import SPANISH, Tongue, words
from flows.understanding.scam import REASONS
from tests.minds import MIND

KNOWLEDGE = Path(__file__).parent.parent / "flows" / "knowledge"
BY_TOPIC = {
    "documents": ("renap-dpi", "renap-certificaciones"),
    "work": ("intecap-certificacion", "mintrab-certificate"),
    "health": ("mspas-salud",),
    "study": ("intecap-certificacion",),
    "safety": ("violencia-contra-mujer",),
    "family": ("pgn-ninez",),
}
LINES = {
    "suicide_selfharm": ("pnc-110", "bomberos-voluntarios-122"),
    "partner_or_family_violence": ("pnc-110", "mp-mujeres-1572"),
    "extortion_or_threats": ("mp-extorsion-1574", "pnc-110"),
}
HELP = {
    "minor_writing_alone": ("pgn-ninez",),
    "partner_or_family_violence": ("violencia-contra-mujer",),
    "no_shelter_tonight": ("igm-cam-zona5",),
}
JOBS = ("Soldador", "Ayudante de cocina")
CERTIFIES = {"es": "Certifica oficios aprendidos trabajando.", "en": "It certifies trades you learned by working."}
HOURS = {"es": "Atiende de lunes a viernes, de 8 a 16.", "en": "Open Monday to Friday, 8 to 16."}

Row = dict[str, Any]


@dataclass
class World:
    """One person's record, and what is open in the world; `lacks` names queries that find nothing."""

    tongues: Mapping[str, Tongue] = field(default_factory=lambda: {"es": SPANISH})
    consent: dict[str, bool] = field(default_factory=dict)
    profile: Row = field(default_factory=dict)
    minor: bool = False
    word: str | None = None
    case: str | None = None
    lacks: set[str] = field(default_factory=set)
    jobs: int = 2

    def set_up(self, said: str) -> None:
        """One `*` line of a chat. Raises ValueError for one that says nothing we know."""
        match said.split():
            case ["no", query]:
                self.lacks.add(query)
            case ["again", query]:
                self.lacks.remove(query)
            case ["consented"]:
                self.consent["profile"] = True
            case ["refused"]:
                self.consent["profile"] = False
            case ["minor"]:
                self.minor = True
            case ["word", *typed]:
                self.word = " ".join(typed)
            case ["case", standing]:
                self.case = standing
            case ["jobs", count]:
                self.jobs = int(count)
            case ["profile", *answers]:
                self.profile |= {name: _stored(name, value) for name, _, value in (a.partition("=") for a in answers)}
            case _:
                raise ValueError(f"* {said}")

    def do(self, effect: Effect) -> None:
        match effect:
            case wanted.GiveConsent(purpose=purpose):
                self.consent[purpose] = True
            case wanted.WithdrawConsent(purpose=purpose):
                self.consent[purpose] = False
                self.profile = {} if purpose == "profile" else self.profile
            case wanted.Remember(field=name, value=value) if self.consent.get("profile"):
                self.profile[name] = value
            case wanted.ForgetAnswer(field=name):
                self.profile.pop(name, None)
            case wanted.OpenCase():
                self.case = self.case or "new"
            case wanted.MarkMinor():
                self.minor = True
            case wanted.KeepWord(word=word):
                self.word = word
            case wanted.EraseMe():
                self.consent, self.profile, self.minor, self.word, self.case = {}, {}, False, None, None

    def rows(self, query: Query) -> list[Row]:
        name = type(query).__name__
        if name in self.lacks:
            return []
        match query:
            case wanted.AboutMe():
                return [self._about_me()]
            case wanted.MyProfile():
                return [dict(self.profile)] if self.profile else []
            case wanted.ShowProfile() | wanted.MyData():
                lines = [self._line(name) for name in self._answered()]
                return [{"lines": lines}] if lines else []
            case wanted.MyAnswers():
                return [
                    {"id": name, "label": self._in_words(LABELS[name]), "hint": self._said(name)}
                    for name in self._answered()
                ]
            case wanted.MyCase():
                return [self._case()] if self.case else []
            case wanted.RightWord(word=word):
                return [{}] if word == self.word else []
            case wanted.WhoAnswers():
                return [{"code": "PU-0001", "office": "Oficina de Tecún Umán", "hours": HOURS}]
            case wanted.FindLines(danger=danger):
                return [_help(danger)]
            case _:
                return self._offers(query)

    def _offers(self, query: Query) -> list[Row]:
        match query:
            case wanted.FindServices(topic=topic):
                return [_listed(id) for id in BY_TOPIC.get(topic, ())]
            case wanted.AnswerQuestion(question=question):
                found = MIND.services.find(question)
                return [_told(found.ids[0])] if found.decision == "answer" else []
            case wanted.SuggestServices(question=question):
                return [_listed(id) for id in MIND.services.find(question).ids]
            case wanted.ShowService(service=id):
                return [_told(id)]
            case wanted.JudgeOffer(offer=offer):
                return [self._verdict(offer)]
            case wanted.FindCertificate(trade=trade):
                return [_told("mintrab-certificate") | {"fact": CERTIFIES}] if trade else []
            case wanted.FindVacancies():
                return [] if self.minor else [_job(number) for number in range(1, self.jobs + 1)]
            case wanted.ShowVacancy(vacancy=id):
                return [_job(int(id.removeprefix("job")))]
            case wanted.FindFairs():
                return [{"id": "fair1", "label": "Feria de ejemplo", "hint": "Parque central"}]
            case wanted.ShowFair():
                return [FAIR]
        raise ValueError(f"nothing answers {query}")

    def _verdict(self, offer: str) -> Row:
        judged = MIND.scams.judge(offer)
        reasons = [self._in_words(REASONS[reason]) for reason in judged.reasons]
        return {"label": judged.label, "reasons": reasons, "abroad": "unregistered_recruiter" in judged.reasons}

    def _about_me(self) -> Row:
        return {
            "asked_profile": "profile" in self.consent,
            "profile": self.consent.get("profile", False),
            "minor": self.minor,
            "word": self.word is not None,
            "town": "town" in self.profile,
            "case": self.case in ("new", "claimed"),
        }

    def _answered(self) -> list[str]:
        return [name for name in QUESTIONS if self.profile.get(name) is not None]

    def _line(self, name: str) -> dict[str, str]:
        label, said = self._in_words(LABELS[name]), self._said(name)
        return {locale: f"{label[locale]}: {said[locale]}" for locale in self.tongues}

    def _said(self, name: str) -> dict[str, str]:
        return self._in_words(meaning(name, self.profile[name]))

    def _in_words(self, value: Any) -> dict[str, str]:
        return {locale: words(value, tongue) for locale, tongue in self.tongues.items()}

    def _case(self) -> Row:
        standing = {state: state == self.case for state in ("new", "claimed", "closed")}
        return {"code": "PU-0001", **standing, "office": "Oficina de Tecún Umán", "hours": HOURS}


def _stored(name: str, value: str) -> Any:
    return {"id": value, "label": MIND.places.full_name(value)} if name == "town" else value


@cache
def _directory() -> tuple[Mapping[str, Row], Mapping[str, Row], Mapping[str, Any]]:
    def load(name: str) -> Any:
        return yaml.load((KNOWLEDGE / name).read_text("utf-8"), Loader=yaml.CSafeLoader)

    services = {record["id"]: record for record in load("services.yaml")["services"]}
    return services, load("services.en.yaml"), load("emergency.yaml")


def _told(id: str) -> Row:
    """The first facts of a record, as it stands: enough to see every kind of line."""
    spanish, english, _lines = _directory()
    record, other = spanish[id], english[id]
    bilingual = {
        name: {"es": record[name], "en": other.get(name)} if record[name] else None
        for name in ("institution", "for_whom", "cost", "hours", "requirements", "where")
    }
    return {
        "id": id,
        "name": {"es": record["name_es"], "en": other["name"]},
        "facts": {"es": record["facts"][:1], "en": other["facts"][:1]},
        **bilingual,
        "phone": record["phone"] if record["phone_status"] == "sourced" else None,
        "phone_to_confirm": record["phone_status"] == "reconfirm",
        "confirm_first": record["ship"] == "confirm_first",
        "url": record["url"],
        "source": "fuente del registro",
        "source_date": str(record["source_date"]),
        "checked": "2026-11-21",
        "verified": None,
        "overdue": False,
    }


def _listed(id: str) -> Row:
    told = _told(id)
    return {"id": id, "label": told["name"], "hint": told["institution"]}


def _help(danger: str) -> Row:
    _spanish, _english, emergency = _directory()
    lines = {line["id"]: line for line in emergency["lines"]}
    shown = LINES.get(danger, ("pnc-110", "bomberos-voluntarios-122", "bomberos-municipales-123"))
    return {
        "lines": [
            {locale: f"{lines[id]['number']}: {lines[id][f'name_{locale}']}" for locale in ("es", "en")}
            for id in shown
        ],
        "services": [_told(id)["name"] for id in HELP.get(danger, ())],
    }


def _job(number: int) -> Row:
    title = JOBS[(number - 1) % len(JOBS)]
    return {
        "id": f"job{number}",
        "label": f"{title} {number}" if number > len(JOBS) else title,
        "hint": "Quetzaltenango",
        "title": title,
        "employer": "Empresa de ejemplo",
        "demo": True,
        "place": "Quetzaltenango",
        "pay": "salario mínimo",
        "schedule": None,
        "requirements": ["Saber el oficio", "Tener 18 años"],
        "documents": ["DPI"],
        "source": "mundo de ejemplo",
        "expires": "2026-12-31",
    }


FAIR: Row = {
    "id": "fair1",
    "name": "Feria de ejemplo",
    "demo": True,
    "date": "2026-12-05",
    "hours": "de 9 a 15",
    "place": "Parque central",
    "employers": ["Empresa de ejemplo"],
    "documents": ["DPI", "Hoja de vida"],
    "access": None,
    "source": "mundo de ejemplo",
}
