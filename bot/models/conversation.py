"""Who a person is to us, where their conversation stands, and every message in and out."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from bot.crypto import Sealed

Moment = float
"""Seconds since 1970, UTC."""


def sealed(column: str, nullable: bool = True) -> Column[str]:
    return Column(column.split(".")[1], Sealed(column), nullable=nullable)


OPEN = "state = 'waiting' OR state = 'claimed' OR state = 'unknown'"
"""An outgoing message about which something is still to be done. SQLite uses an index of just those only for a
statement that has one of these terms, or all of them written like this."""


def _where(name: str, *columns: str, condition: str, unique: bool = False) -> Index:
    """An index of a part of the rows: what is settled costs it nothing."""
    return Index(name, *columns, unique=unique, sqlite_where=text(condition), postgresql_where=text(condition))


class Contact(SQLModel, table=True):
    """A person, as we know them: no name, no number; those are in their addresses, sealed."""

    id: str = Field(primary_key=True, max_length=32)
    created_at: Moment
    language: str | None = None
    spoken: str | None = None
    minor: bool = False
    asked_profile_at: Moment | None = None
    notices_stopped_at: Moment | None = None
    word_hash: bytes | None = Field(default=None, repr=False)
    word_tries: int = 0
    erased_at: Moment | None = None


class Address(SQLModel, table=True):
    """One way to reach a contact: a phone, a scoped id, a Telegram chat, a browser."""

    __table_args__ = (UniqueConstraint("channel", "hash"),)

    id: int | None = Field(default=None, primary_key=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    channel: str
    hash: bytes = Field(repr=False)
    value: str = Field(sa_column=sealed("address.value", nullable=False), repr=False)
    last_inbound_at: Moment | None = None
    blocked_at: Moment | None = None


class Conversation(SQLModel, table=True):
    """Where a contact stands, and whose turn it is: the bot's or a case manager's.

    `epoch` rises with every change of owner; what the bot wrote under an older one is never sent.
    """

    contact_id: str = Field(primary_key=True, foreign_key="contact.id")
    state: str | None = Field(default=None, sa_column=sealed("conversation.state"), repr=False)
    version: str | None = None
    owner: str = "bot"
    staff_id: str | None = None
    epoch: int = 0
    address_id: int | None = None
    last_inbound_at: Moment | None = None
    hidden_at: Moment | None = None
    hidden_heard: int | None = Field(default=None, sa_type=BigInteger)  # what came until then is shown no more
    hidden_said: int | None = Field(default=None, sa_type=BigInteger)
    room: float | None = None  # turns this contact may take at once, as of `room_at` (`bot.limits`)
    room_at: Moment | None = None
    flooded_at: Moment | None = None


class Inbox(SQLModel, table=True):
    """Something that happened to a contact, kept before anything is done about it: the record of truth.

    `provider` is the keyed hash of the vendor's id: the only thing that decides whether it came before.
    `written_at` is the vendor's own time of a message that reached us late.
    """

    __table_args__ = (
        UniqueConstraint("channel", "provider"),
        Index("inbox_lane", "contact_id", "id"),
        _where("inbox_unread", "contact_id", "id", condition="done_at IS NULL"),
        {"sqlite_autoincrement": True},  # an erased number is never given again
    )

    id: int | None = Field(default=None, primary_key=True)
    channel: str
    provider: bytes = Field(repr=False)
    contact_id: str | None = None
    address_id: int | None = None
    kind: str = "message"
    body: str | None = Field(default=None, sa_column=sealed("inbox.body"), repr=False)
    received_at: Moment
    written_at: Moment | None = None
    done_at: Moment | None = None
    failed: int = 0


class Outbox(SQLModel, table=True):
    """One message to a contact: what it says, whether it went, and what became of it.

    `lane` orders sending: 0 urgent, 1 human, 2 reply, 3 broadcast. `speaker` is bot, person or notice.
    States: waiting, claimed, sent, delivered, read, refused, unknown, dropped. `shown` is its place in the chat of
    people who fetch it from us (`bot.webchat`).
    """

    __table_args__ = (
        _where("outbox_order", "channel", "state", "lane", "id", "due_at", condition=OPEN),
        _where("outbox_chat", "address_id", "state", "lane", "id", condition=OPEN),
        Index("outbox_contact", "contact_id", "id"),
        _where("outbox_provider", "provider", condition="provider IS NOT NULL"),
        _where("outbox_shown", "address_id", "shown", condition="shown IS NOT NULL", unique=True),
        {"sqlite_autoincrement": True},
    )

    id: int | None = Field(default=None, primary_key=True)
    contact_id: str
    address_id: int
    channel: str
    lane: int = 2
    speaker: str = "bot"
    staff_id: str | None = None
    epoch: int = 0
    body: str | None = Field(default=None, sa_column=sealed("outbox.body"), repr=False)
    state: str = "waiting"
    created_at: Moment
    due_at: Moment
    attempts: int = 0
    attempted_at: Moment | None = None
    settled_at: Moment | None = None
    reference: str = Field(max_length=32, unique=True)
    provider: bytes | None = Field(default=None, repr=False)
    why: str | None = None
    shown: int | None = Field(default=None, sa_type=BigInteger)


class Timer(SQLModel, table=True):
    """Something to happen at a time: for a contact (it becomes an inbox event) or for the house (`every` seconds)."""

    __table_args__ = (UniqueConstraint("kind", "contact_id"), Index("timer_due", "done_at", "due_at"))

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    contact_id: str | None = None
    due_at: Moment
    every: float | None = None
    done_at: Moment | None = None


class Consent(SQLModel, table=True):
    """A yes or a no to one purpose, with the version of the words that were shown."""

    id: int | None = Field(default=None, primary_key=True)
    contact_id: str = Field(foreign_key="contact.id", index=True)
    purpose: str
    given: bool
    version: str | None = None
    channel: str
    language: str
    at: Moment


class ProfileAnswer(SQLModel, table=True):
    """One answer of a contact's profile; the value sealed, its code (if it has one) plain, for matching."""

    __tablename__ = "profile_answer"
    __table_args__ = {"sqlite_with_rowid": False}

    contact_id: str = Field(primary_key=True, foreign_key="contact.id")
    field: str = Field(primary_key=True)
    value: str = Field(sa_column=sealed("profile_answer.value", nullable=False), repr=False)
    code: str | None = None
    at: Moment


class Unanswered(SQLModel, table=True):
    """Words the bot could make no use of, without who wrote them: no contact, digits masked, `at` the day alone.

    `kind` is what they should have been, `label` what staff say they are, `done` when nobody need look again.
    """

    id: int | None = Field(default=None, primary_key=True)
    question: str = Field(sa_column=sealed("unanswered.question", nullable=False), repr=False)
    language: str
    at: Moment
    kind: str = "service"
    label: str | None = None
    labelled_by: str | None = None
    labelled_at: Moment | None = None
    done: bool = Field(default=False, index=True)
