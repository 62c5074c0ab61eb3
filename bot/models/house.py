"""What the house remembers of itself: alarms it raised, and numbers that must outlive a restart."""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from bot.models.conversation import Moment


class Alert(SQLModel, table=True):
    """One matter that a supervisor must hear of: since when, since when no more, whether the mail went out.

    `covered_at` is the time up to which what happened is already told. It holds nothing about any person.
    """

    matter: str = Field(primary_key=True)
    detail: str = ""
    raised_at: Moment
    over_at: Moment | None = None
    covered_at: Moment
    mailed_at: Moment | None = None


class Memo(SQLModel, table=True):
    """A number with its time: how far a provider's list was read, what is left of a limit, a count."""

    name: str = Field(primary_key=True)
    value: float
    at: Moment
