"""The tables: everything Puente keeps."""

from bot.models.case import Audit, Case, CaseNote, Idempotent, Office, Staff, Token
from bot.models.conversation import (
    Address,
    Consent,
    Contact,
    Conversation,
    Inbox,
    Moment,
    Outbox,
    ProfileAnswer,
    Timer,
    Unanswered,
)
from bot.models.directory import ContentTemplate, Fair, Service, Vacancy
from bot.models.house import Alert, Memo

__all__ = [
    "Address", "Alert", "Audit", "Case", "CaseNote", "Consent", "Contact", "ContentTemplate", "Conversation", "Fair",
    "Idempotent", "Inbox", "Memo", "Moment", "Office", "Outbox", "ProfileAnswer", "Service", "Staff", "Timer",
    "Token", "Unanswered", "Vacancy",
]  # fmt: skip
