"""The facts the bot may state: services, vacancies and fairs, each with its source."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field, SQLModel

from bot.models.conversation import Moment


class Service(SQLModel, table=True):
    """One service of the directory; `record` holds its words, `{"es": …, "en": …}` where they are words."""

    id: str = Field(primary_key=True)
    record: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    ship: str
    topic: str
    verified_on: str | None = None
    review_on: str
    digest: str
    edited_at: Moment | None = None


class Vacancy(SQLModel, table=True):
    """A job that is open now (nouns of schema.org's JobPosting); `record` holds its words."""

    id: str = Field(primary_key=True)
    record: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    municipality: str | None = None
    department: str | None = None
    occupation: str | None = None
    expires_on: str
    demo: bool = False


class Fair(SQLModel, table=True):
    """A job fair (nouns of schema.org's Event); `record` holds its words."""

    id: str = Field(primary_key=True)
    record: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    municipality: str | None = None
    department: str | None = None
    day: str
    demo: bool = False


class ContentTemplate(SQLModel, table=True):
    """A stored layout of the WhatsApp provider (buttons, lists), found again by its hash."""

    __tablename__ = "content_template"

    layout: str = Field(primary_key=True)
    digest: str
    sid: str
