"""Everything a turn needs besides its transaction: the conversations, what the bot understands, the languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.catalogues import tongues
from flows.book import Book
from flows.conversations import FLOWS
from flows.mind import Mind
from flows.text import SPANISH, Tongue


@dataclass(frozen=True)
class House:
    """Built once at start, and again when staff change the directory."""

    book: Book
    tongues: Mapping[str, Tongue]

    def tongue(self, language: str | None) -> Tongue:
        return self.tongues.get(language or "es", SPANISH)


def build(mind: Mind) -> House:
    return House(Book(FLOWS, mind), tongues())
