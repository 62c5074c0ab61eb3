"""A small demo world, marked as such wherever it is shown: offices, staff, vacancies, one fair."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from bot.knowledge import places
from bot.offices import add_office, add_staff
from bot.queries import GUATEMALA
from bot.record import Tx

HOURS = {
    "es": "Atiende de lunes a viernes, de 8:00 a 16:30.",
    "en": "It answers Monday to Friday, 8:00 to 16:30.",
}
OFFICES: tuple[dict[str, Any], ...] = (
    {"name": "DEMO · Tecún Umán", "towns": ["1217", "1215", "D12"], "languages": ["es", "en", "mam"]},
    {"name": "DEMO · Quetzaltenango", "towns": ["0901", "D09", "D08"], "languages": ["es", "en", "quc"]},
    {"name": "DEMO · Nacional", "towns": [], "languages": ["es", "en"]},
)
STAFF = (("DEMO · Gestora Tecún Umán", 0), ("DEMO · Gestor Quetzaltenango", 1), ("DEMO · Gestora nacional", 2))

VACANCIES: tuple[dict[str, Any], ...] = (
    {
        "title": {"es": "Ayudante de albañil", "en": "Mason's helper"},
        "employer": "DEMO Constructora",
        "municipality": "0901",
        "occupation": "9313",
        "schedule": {"es": "Lunes a sábado, 7:00 a 16:00", "en": "Monday to Saturday, 7:00 to 16:00"},
        "requirements": {"es": ["Ganas de aprender"], "en": ["Willing to learn"]},
        "documents": {"es": ["DPI"], "en": ["DPI (ID card)"]},
    },
    {
        "title": {"es": "Agente de atención en inglés", "en": "English-speaking call center agent"},
        "employer": "DEMO Centro de llamadas",
        "municipality": "0101",
        "occupation": "4222",
        "schedule": {"es": "Turnos rotativos", "en": "Rotating shifts"},
        "requirements": {"es": ["Inglés fluido", "Diversificado"], "en": ["Fluent English", "High school"]},
        "documents": {"es": ["DPI", "Diploma"], "en": ["DPI (ID card)", "Diploma"]},
    },
    {
        "title": {"es": "Cocinera o cocinero", "en": "Cook"},
        "employer": "DEMO Comedor",
        "municipality": "1217",
        "occupation": "5120",
        "schedule": {"es": "Martes a domingo, 6:00 a 14:00", "en": "Tuesday to Sunday, 6:00 to 14:00"},
        "requirements": {"es": ["Experiencia en cocina"], "en": ["Kitchen experience"]},
        "documents": {"es": ["DPI", "Tarjeta de salud"], "en": ["DPI (ID card)", "Health card"]},
    },
    {
        "title": {"es": "Operario de techos y tablayeso", "en": "Roofing and drywall worker"},
        "employer": "DEMO Obras",
        "municipality": "0920",
        "occupation": "7121",
        "schedule": {"es": "Lunes a viernes, 7:00 a 16:00", "en": "Monday to Friday, 7:00 to 16:00"},
        "requirements": {"es": ["Haber trabajado en techos o tablayeso"], "en": ["Roofing or drywall experience"]},
        "documents": {"es": ["DPI"], "en": ["DPI (ID card)"]},
    },
)
VACANCY_DAYS = 30
FAIR_IN = 14
SOURCE = {"es": "mundo de demostración", "en": "demo world"}


def load(tx: Tx) -> None:
    """Fill a new database with the demo world; dates count from today."""
    today = datetime.now(GUATEMALA).date()
    offices = [add_office(tx, **office, hours=HOURS, demo=True) for office in OFFICES]
    for name, office in STAFF:
        add_staff(tx, offices[office], name, demo=True)
    towns = _towns()
    for number, vacancy in enumerate(VACANCIES, 1):
        code = str(vacancy["municipality"])
        expires = (today + timedelta(days=VACANCY_DAYS)).isoformat()
        record = vacancy | {"place": towns[code], "pay": None, "source": SOURCE, "expires": expires}
        tx.run(
            "INSERT INTO vacancy (id, record, municipality, department, occupation, expires_on, demo) "
            "VALUES (:id, :record, :municipality, :department, :occupation, :expires, :demo)",
            id=f"demo-{number}",
            record=json.dumps(record, ensure_ascii=False),
            municipality=code,
            department=f"D{code[:2]}",
            occupation=vacancy["occupation"],
            expires=expires,
            demo=True,
        )
    _fair(tx, (today + timedelta(days=FAIR_IN)).isoformat(), towns["0901"])


def _fair(tx: Tx, day: str, place: str) -> None:
    record = {
        "name": {"es": "Feria de empleo", "en": "Job fair"},
        "date": day,
        "hours": {"es": "de 8:00 a 14:00", "en": "8:00 to 14:00"},
        "place": place,
        "employers": ["DEMO Constructora", "DEMO Comedor", "DEMO Centro de llamadas"],
        "documents": {
            "es": ["hoja de vida", "copia de DPI", "constancias de trabajo"],
            "en": ["résumé", "copy of your DPI (ID card)", "letters from past jobs"],
        },
        "access": {"es": "entrada sin gradas", "en": "entrance without steps"},
        "source": SOURCE,
    }
    tx.run(
        "INSERT INTO fair (id, record, municipality, department, day, demo) "
        "VALUES ('demo-fair', :record, '0901', 'D09', :day, :demo)",
        record=json.dumps(record, ensure_ascii=False),
        day=day,
        demo=True,
    )


def _towns() -> dict[str, str]:
    return {str(vacancy["municipality"]): places().full_name(str(vacancy["municipality"])) for vacancy in VACANCIES}
