"""Setting up the house: the offices that take cases, and the people who work in them."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence

from bot.crypto import vault
from bot.record import Tx


def add_office(
    tx: Tx,
    name: str,
    towns: Sequence[str],
    hours: Mapping[str, str] | None = None,
    languages: Sequence[str] = ("es", "en"),
    demo: bool = False,
) -> str:
    """A new office; its id. `towns` are INE codes (0901) or departments (D09), none means the whole country.

    `hours` is said to people as it stands, a sentence a language.
    """
    office_id = secrets.token_hex(16)
    tx.run(
        "INSERT INTO office (id, name, municipalities, languages, hours, demo) "
        "VALUES (:id, :name, :towns, :languages, :hours, :demo)",
        id=office_id,
        name=name,
        towns=json.dumps(list(towns)),
        languages=json.dumps(list(languages)),
        hours=json.dumps(dict(hours or {}), ensure_ascii=False),
        demo=demo,
    )
    return office_id


def add_staff(tx: Tx, office_id: str, name: str, role: str = "case_manager", demo: bool = False) -> str:
    """A new member of staff of an office; their id."""
    staff_id = secrets.token_hex(16)
    tx.run(
        "INSERT INTO staff (id, office_id, name, role, created_at, demo) "
        "VALUES (:id, :office, :name, :role, :at, :demo)",
        id=staff_id,
        office=office_id,
        name=vault().seal("staff.name", name),
        role=role,
        at=time.time(),
        demo=demo,
    )
    return staff_id
