"""Cases, and the people and offices that take them."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

from bot.models.conversation import Moment, sealed


class Office(SQLModel, table=True):
    """Where case managers work, and for which municipalities (INE codes; none means everywhere)."""

    id: str = Field(primary_key=True, max_length=32)
    name: str
    municipalities: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    languages: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    hours: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    demo: bool = False


class Staff(SQLModel, table=True):
    """A person who works with cases. The name is shown to people only as "una persona"."""

    id: str = Field(primary_key=True, max_length=32)
    office_id: str = Field(foreign_key="office.id", index=True)
    name: str = Field(sa_column=sealed("staff.name", nullable=False), repr=False)
    role: str = "case_manager"
    created_at: Moment
    disabled_at: Moment | None = None
    demo: bool = False


class Token(SQLModel, table=True):
    """A key to the API: only its hash is kept; bound to an office (none: every office) and to scopes."""

    hash: bytes = Field(primary_key=True, repr=False)
    staff_id: str | None = Field(default=None, foreign_key="staff.id")
    office_id: str | None = Field(default=None, foreign_key="office.id")
    scopes: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    created_at: Moment
    expires_at: Moment
    revoked_at: Moment | None = None


class Case(SQLModel, table=True):
    """One person's matter in the hands of an office. States: new, claimed, closed. Urgency R0 (now) to R3."""

    __tablename__ = "handoff_case"
    __table_args__ = (
        Index("case_office", "office_id", "state"),
        # at most one open case a contact, by the database itself
        Index("case_open", "open_contact", unique=True),
    )

    id: str = Field(primary_key=True, max_length=32)
    code: str = Field(unique=True)
    contact_id: str | None = Field(default=None, index=True)
    open_contact: str | None = None
    office_id: str | None = Field(default=None, foreign_key="office.id")
    state: str = "new"
    urgency: str = "R3"
    reason: str
    topic: str | None = None
    danger: str | None = None
    vacancy: str | None = None
    false_alarm_at: Moment | None = None
    opened_at: Moment
    staff_id: str | None = Field(default=None, foreign_key="staff.id")
    claimed_at: Moment | None = None
    closed_at: Moment | None = None
    outcome: str | None = None


class CaseNote(SQLModel, table=True):
    """What staff note for themselves; never sent to the person."""

    __tablename__ = "case_note"

    id: int | None = Field(default=None, primary_key=True)
    case_id: str = Field(foreign_key="handoff_case.id", index=True)
    staff_id: str | None = Field(default=None, foreign_key="staff.id")
    text: str = Field(sa_column=sealed("case_note.text", nullable=False), repr=False)
    at: Moment


class Audit(SQLModel, table=True):
    """Who did or looked at what, without content; written in the same transaction as the deed."""

    id: int | None = Field(default=None, primary_key=True)
    at: Moment
    actor: str
    action: str
    object: str | None = None
    detail: str | None = None


class Idempotent(SQLModel, table=True):
    """The first answer to an API call that carried an Idempotency-Key, for a repeat of the same call."""

    key: bytes = Field(primary_key=True, repr=False)
    request: bytes = Field(repr=False)
    status: int
    answer: str = Field(sa_column=sealed("idempotent.answer", nullable=False), repr=False)
    at: Moment
