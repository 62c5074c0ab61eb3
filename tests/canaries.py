"""Things that must never be seen where nobody should see them: planted in conversations, looked for everywhere else.

Every kind has a pattern that nothing else in a log, an error page or a metric could match by chance.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import structlog

from bot import logs

KINDS = {
    "phone": r"5025551\d{4}",
    "scoped id": r"GT\.cnry\w+",
    "chat id": r"77007700\d{4}",
    "name": r"Zoraida\d*Canario",
    "words": r"canario\d+palabra",
    "danger": r"amenaza\d+canaria",
    "browser": r"c4n4r10-[\w-]{20,}",
    "telegram token": r"AAFcanary\w+",
    "telegram secret": r"telegram_canary_secret\w*",
    "twilio token": r"twiliocanarytoken\w*",
    "twilio account": r"ACca4a\w+",
    "api token": r"pnt_canary\w*|Bearer pu\w+",
    "staff name": r"Licenciada\w*Canaria",
    "metrics token": r"metricscanary\w+",
}
TELEGRAM_TOKEN = "123456789:AAFcanary_token-for-tests_only-00000"
TELEGRAM_SECRET = "telegram_canary_secret_0123456789abcdef"
TWILIO_TOKEN = "twiliocanarytoken0123456789abcdef"
TWILIO_ACCOUNT = "AC" + "ca4a" * 8
METRICS_TOKEN = "metricscanary0123456789"
STAFF = "LicenciadaPetronaCanaria"

_ANY = re.compile("|".join(f"(?P<k{number}>{pattern})" for number, pattern in enumerate(KINDS.values())))


@dataclass(frozen=True)
class Person:
    """Everything about one person of a test that is theirs alone."""

    number: int

    @property
    def phone(self) -> str:
        return f"+5025551{self.number:04d}"

    @property
    def scoped_id(self) -> str:
        return f"GT.cnry{self.number}"

    @property
    def chat(self) -> int:
        return 770077000000 + self.number

    @property
    def name(self) -> str:
        return f"Zoraida{self.number}Canario"

    @property
    def words(self) -> str:
        return f"canario{self.number}palabra"

    @property
    def danger(self) -> str:
        return f"me quieren matar amenaza{self.number}canaria"

    @property
    def browser(self) -> str:
        return f"c4n4r10-{self.number}-".ljust(43, "x")


def hits(text: str) -> list[tuple[str, str]]:
    """(kind, a little around it) for everything in a text that must not be there."""
    names = list(KINDS)
    return [
        (names[int(str(found.lastgroup)[1:])], text[max(0, found.start() - 60) : found.end() + 20])
        for found in _ANY.finditer(text)
    ]


@dataclass
class Ear:
    """Hears all that is logged, by ours and by every library, down to DEBUG; and what a test shows it besides."""

    stream: io.StringIO = field(default_factory=io.StringIO)
    shown: list[str] = field(default_factory=list)

    @property
    def heard(self) -> str:
        return self.stream.getvalue()

    def hits(self) -> list[tuple[str, str]]:
        return [found for text in (self.heard, *self.shown) for found in hits(text)]


def everything_at_debug() -> None:
    """Every logger there is says all it can; called again, the ones made since do too."""
    logging.getLogger().setLevel(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).disabled = False


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ear]:
    """The product's own logging, at DEBUG, into an ear; as it was before when the block ends."""
    ear = Ear()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    with monkeypatch.context() as patched:
        patched.setattr("sys.stderr", ear.stream)
        logs.configure(logging.DEBUG)
        everything_at_debug()
        try:
            yield ear
        finally:
            root.handlers[:] = before
            root.setLevel(level)
            for name in logging.root.manager.loggerDict:
                logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))
            structlog.reset_defaults()
