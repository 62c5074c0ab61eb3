"""Every error a provider or the way to it can give, and what it means for the message (SAFETY B6, B7)."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response

from bot import failpoints
from bot.channels import telegram, whatsapp
from bot.record import DOWN
from tests.channels.conftest import Town

TRANSPORT: dict[type[httpx.HTTPError], str] = {
    httpx.ConnectError: "not_sent",
    httpx.ConnectTimeout: "not_sent",
    httpx.PoolTimeout: "not_sent",
    httpx.ReadTimeout: "unknown",
    httpx.ReadError: "unknown",
    httpx.WriteTimeout: "unknown",
    httpx.WriteError: "unknown",
    httpx.CloseError: "unknown",
    httpx.RemoteProtocolError: "unknown",
    httpx.LocalProtocolError: "unknown",
    httpx.ProxyError: "unknown",
    httpx.DecodingError: "unknown",
    httpx.TooManyRedirects: "unknown",
}


def because(error: TelegramError, cause: Exception) -> TelegramError:
    error.__cause__ = cause
    return error


def from_the_library(error: httpx.HTTPError) -> TelegramError:
    """As python-telegram-bot raises it."""
    if isinstance(error, httpx.PoolTimeout):
        return because(TimedOut("Pool timeout: All connections in the connection pool are occupied."), error)
    if isinstance(error, httpx.TimeoutException):
        return because(TimedOut(), error)
    return because(NetworkError(f"httpx.{type(error).__name__}: {error}"), error)


PAGE = TelegramError("Invalid server response")
TELEGRAM: dict[str, tuple[TelegramError, tuple[str, float | None, bool, bool]]] = {
    "429": (RetryAfter(7), ("not_sent", 7, False, False)),
    "token": (InvalidToken("Unauthorized"), ("not_sent", 60, False, True)),
    "blocked": (Forbidden("Forbidden: bot was blocked by the user"), ("refused", None, True, False)),
    "gone": (Forbidden("Forbidden: user is deactivated"), ("refused", None, True, False)),
    "no chat": (BadRequest("Chat not found"), ("refused", None, True, False)),
    "bad text": (BadRequest("Message text is empty"), ("refused", None, False, False)),
    "bad button": (BadRequest("Button_data_invalid"), ("refused", None, False, False)),
    "403 of a proxy": (because(Forbidden("Forbidden (403)"), PAGE), ("not_sent", 60, False, True)),
    "400 of a proxy": (because(BadRequest("Bad Request (400)"), PAGE), ("not_sent", 60, False, True)),
    "500": (NetworkError("Internal Server Error"), ("unknown", None, False, False)),
    "502": (because(NetworkError("Bad Gateway"), PAGE), ("unknown", None, False, False)),
    "200 and no JSON": (PAGE, ("unknown", None, False, False)),
    "timed out": (TimedOut(), ("unknown", None, False, False)),
    "409": (Conflict("Conflict"), ("unknown", None, False, False)),
    "moved": (ChatMigrated(-100), ("unknown", None, False, False)),
}


@pytest.mark.parametrize(("error", "meant"), TELEGRAM.values(), ids=TELEGRAM.keys())
def test_what_telegrams_errors_mean(error: TelegramError, meant: tuple[str, float | None, bool, bool]) -> None:
    failed = telegram.failed(error)
    assert (failed.outcome, failed.wait, failed.unreachable, failed.everyone) == meant
    assert len(failed.why) < 30


@pytest.mark.parametrize(("error", "outcome"), TRANSPORT.items())
def test_what_became_of_a_broken_way_is_decided_by_its_cause(error: type[httpx.HTTPError], outcome: str) -> None:
    broken = error("on the way")
    assert whatsapp.failed(broken).outcome == outcome
    assert telegram.failed(from_the_library(broken)).outcome == outcome


def rest(status: int, code: int | None = None) -> TwilioRestException:
    return TwilioRestException(status, "https://api.twilio.com/", "words", code)


def modern(status: int, code: int) -> TwilioServiceException:
    return TwilioServiceException("about:blank", "title", status, code)


TWILIO: dict[str, tuple[Exception, tuple[str, str, float | None, bool, bool]]] = {
    "429": (rest(429, 20429), ("not_sent", "20429", 2, False, True)),
    "401": (rest(401, 20003), ("not_sent", "token", 60, False, True)),
    "403": (rest(403, 20003), ("not_sent", "token", 60, False, True)),
    "401 to a list": (
        TwilioException("Unable to fetch page", Response(401, "{}")),
        ("not_sent", "token", 60, False, True),
    ),
    "502 to a list": (
        TwilioException("Unable to fetch page", Response(502, "")),
        ("unknown", "502", None, False, False),
    ),
    "bad number": (rest(400, 21211), ("refused", "21211", None, True, False)),
    "opted out": (rest(400, 21610), ("refused", "21610", None, True, False)),
    "too long": (rest(400, 21617), ("refused", "21617", None, False, False)),
    "outside the window": (rest(400, 63016), ("refused", "63016", None, False, False)),
    "RFC 9457": (modern(400, 21617), ("refused", "21617", None, False, False)),
    "RFC 9457, 429": (modern(429, 20429), ("not_sent", "20429", 2, False, True)),
    "a page of a proxy": (rest(404), ("not_sent", "proxy", 60, False, True)),
    "a proxy's own code": (rest(407, 407), ("not_sent", "proxy", 60, False, True)),
    "500": (rest(500, 20500), ("unknown", "20500", None, False, False)),
    "502": (rest(502), ("unknown", "502", None, False, False)),
    "RFC 9457, 503": (modern(503, 20503), ("unknown", "20503", None, False, False)),
    "a redirect": (rest(307), ("unknown", "307", None, False, False)),
    "anything else": (TwilioException("odd"), ("unknown", "TwilioException", None, False, False)),
}


@pytest.mark.parametrize(("error", "meant"), TWILIO.values(), ids=TWILIO.keys())
def test_what_twilios_errors_mean(error: Exception, meant: tuple[str, str, float | None, bool, bool]) -> None:
    failed = whatsapp.failed(error)
    assert (failed.outcome, failed.why, failed.wait, failed.unreachable, failed.everyone) == meant


BROKEN = {
    "locked": OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked")),
    "full": sqlite3.OperationalError("database or disk is full"),
    "busy": PoolTimeout("QueuePool limit"),
}


def test_only_a_database_that_is_down_is_down() -> None:
    assert all(isinstance(error, DOWN) for error in BROKEN.values())
    assert not isinstance(IntegrityError("INSERT", None, sqlite3.IntegrityError("unique")), DOWN)
    assert not isinstance(sqlite3.IntegrityError("unique"), DOWN)


@pytest.fixture
async def there(empty: Town) -> AsyncIterator[Town]:
    await empty.start()
    yield empty
    failpoints.clear()


@pytest.mark.parametrize("place", ["accept.before", "accept.kept", "accept.after"])
@pytest.mark.parametrize("how", ["full", "locked", "drop"])
async def test_what_could_not_be_kept_is_asked_for_again_and_taken(there: Town, place: str, how: str) -> None:
    ana, rosa = there.on_telegram(), there.on_whatsapp()
    failpoints.arm(place, how)
    assert await ana.say("hola") == 204
    first, second = there.telegram.updates.deliveries
    assert (first.status, first.pause, second.status) == (503, 5.0, 204)
    failpoints.arm(place, how)
    item = rosa.text("hola")
    assert (await rosa.send(item), await rosa.again(item)) == ([503], 204)
    assert len(await ana.hears()) == len(await rosa.hears()) == 1
    await there.settled()
    rows = await there.all("SELECT COUNT(*) AS n FROM inbox WHERE kind = 'message'")
    assert rows[0]["n"] == 2
    assert await ana.hears(0) == await rosa.hears(0) == []
