"""Logs that say what happened and never to whom: JSON lines, no texts, no numbers, no tokens."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog

QUIET = (
    "httpx",
    "httpcore",
    "telegram",
    "twilio",
    "twilio.http_client",
    "sqlalchemy",
    "asyncio",
    "alembic",
    "uvicorn",
    "procrastinate",
    "psycopg",
)
"""Libraries whose own lines carry addresses, bodies or tokens (httpx logs the bot token in the URL at INFO)."""

_SECRETS = re.compile(
    r"bot\d+:[\w-]{20,}"  # a Telegram token in a URL
    r"|\b\d{6,}:[\w-]{30,}\b"  # a bare one
    r"|\b(?:AC|SK|MG|HX|SM|MM)[0-9a-f]{32}\b"  # Twilio's ids
    r"|whatsapp:\S+|\+\d{7,15}\b|\b\d{8,}\b"  # people's numbers
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def safe(value: Any) -> Any:
    """A log value without what must not be in it: tokens and numbers masked, control characters as escapes."""
    if isinstance(value, bool | int | float) or value is None:
        return value
    masked = _SECRETS.sub("…", str(value))
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", masked)[:300]


def where(error: BaseException) -> str:
    """The line of code that failed; never the error's own words, which may quote what a person wrote."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"


def _mask(logger: Any, method: str, event: Any) -> Any:
    return {key: safe(value) for key, value in event.items()}


class Masked(logging.Formatter):
    """Lines of the libraries' loggers: their own words without what they put into them, never a traceback.

    What they put in is a request, a statement's values, an update: the person's own words as often as not.
    """

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None
        level = record.levelname.lower()
        said = str(record.msg).partition("\n")[0]  # asyncio quotes the fault itself on the lines below
        line = {"event": said, "logger": record.name, "level": level, "error": error}
        return str(_render(None, level, _mask(None, "", line)))


_render = structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False)


def configure(level: int = logging.INFO) -> None:
    """Set up every logger of this process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Masked())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.raiseExceptions = False  # a line that cannot be written would be printed with all its values
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _mask,
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=False,
    )
