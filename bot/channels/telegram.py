"""Telegram: one bot, what people write to it, and what it says through the Bot API."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import structlog
from telegram import Bot
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import HTTPXRequest, RequestData
from telegram.request._requestparameter import RequestParameter

from bot.channels import UNWELCOME, Choice, Event, Failed, Limits, Payload, Receipt, Request, Spoken, Unreadable, cut
from bot.channels import telegram_exam as exam
from bot.channels.hooks import Finding, Queue
from bot.channels.telegram_updates import CALLBACK, UPDATES, read_update

os.environ.setdefault("PTB_TIMEDELTA", "1")  # the library's coming default; without it, it warns at every 429

log = structlog.get_logger()

LIMITS = Limits("telegram", buttons=10, button_label=60, rows=10, row_label=60, row_hint=0, body=4096,
                per_second=25, per_chat=1)  # fmt: skip
"""Ours, below the Bot API's: 4,096 characters, about 30 messages a second and 1 a second to one chat (its FAQ)."""

PATIENCE = 20.0
"""Seconds we wait for an answer; it may come from a server that has long sent the message on."""

UNREACHABLE = ("blocked", "deactivated", "chat not found", "can't initiate", "user is deleted")
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Quiet(HTTPXRequest):
    """The library's requests, without its habit of logging an answer it cannot read: that may quote a person."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = json.loads(payload.decode("utf-8", "replace"))
        except ValueError:
            raise TelegramError("Invalid server response") from None
        return answer


class Telegram:
    """One bot. `secret` is what the webhook's header must carry; without it no webhook call is genuine.

    While the secret changes, calls may still carry one of the `older`.
    """

    def __init__(
        self,
        token: str,
        secret: str | None,
        base: str,
        limits: Limits = LIMITS,
        patience: float = PATIENCE,
        older: Sequence[str] = (),
        public: str | None = None,
    ) -> None:
        self.secret = secret
        self._accepted = [one.encode() for one in (secret, *older) if one]
        self._base, self._public = base, public
        self._limits = limits
        waits: dict[str, Any] = {"read_timeout": patience, "connect_timeout": 5, "pool_timeout": 5}
        self._sending = Quiet(connection_pool_size=64, **waits)
        self._polling = Quiet(connection_pool_size=1, **waits)
        self.bot = Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=self._sending,
            get_updates_request=self._polling,
        )

    @property
    def limits(self) -> Limits:
        return self._limits

    def genuine(self, request: Request) -> bool:
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        return any(hmac.compare_digest(given.encode(), one) for one in self._accepted)

    def read(self, request: Request) -> list[Event]:
        """What carries the secret and is no update is kept for staff: refused, Telegram would bring it for a day."""
        return _read(request.body)

    async def updates(self, offset: int | None, wait: int) -> list[dict[str, Any]]:
        """What happened since `offset` (all that is not confirmed, when None), waiting up to `wait` seconds.

        As it came, like a webhook's: the library's own types refuse forms they do not know, and with them every
        update of the same answer. Raises `TelegramError`.
        """
        asked = {"timeout": wait, "allowed_updates": json.dumps(UPDATES)}
        if offset is not None:
            asked["offset"] = offset
        found: Any = await self._polling.post(f"{self.bot.base_url}/getUpdates?{urlencode(asked)}",
                                              read_timeout=wait + 10)  # fmt: skip
        return [update for update in found if isinstance(update, dict) and type(update.get("update_id")) is int]

    def write(self, address: str, spoken: Spoken, reference: str) -> Payload:
        """Plain text (no parse mode: what people wrote is never markup), options as buttons, one a row."""
        return Payload("send_message", {"chat_id": int(address), "text": spoken.text, "choices": spoken.choices})

    async def send(self, payload: Payload) -> Receipt:
        """By the library's requests but without its objects: building one to read a number costs more than a turn."""
        values = payload.values
        told = [RequestParameter("chat_id", values["chat_id"], None), RequestParameter("text", values["text"], None)]
        if values["choices"]:
            told.append(RequestParameter("reply_markup", {"inline_keyboard": _rows(values["choices"])}, None))
        try:
            await self._sending.post(f"{self.bot.base_url}/sendMessage", RequestData(told))
        except TelegramError as error:
            raise failed(error) from None
        return Receipt()

    def owes(self, given: Mapping[str, str]) -> bool:
        return "callback" in given

    async def courtesy(self, given: Mapping[str, str], writing: bool) -> None:
        """Stop the button's spinner; show that we are writing."""
        try:
            if "callback" in given:
                await self.bot.answer_callback_query(given["callback"])
            if writing and "chat" in given:
                await self.bot.send_chat_action(int(given["chat"]), "typing")
        except Exception as error:  # a courtesy that fails costs nobody anything
            log.info("telegram.courtesy", error=type(error).__name__)

    async def queue(self) -> Queue:
        try:
            return await exam.queue(self.bot)
        except TelegramError as error:
            raise failed(error) from None

    def reread(self, raw: str) -> list[Event]:
        return _read(raw.encode("latin-1"))

    async def examine(self) -> list[Finding]:
        return await exam.examine(self.bot, self._base, self._public)

    async def close(self) -> None:
        await self._sending.shutdown()
        await self._polling.shutdown()


def _read(body: bytes) -> list[Event]:
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        update = None
    if not isinstance(update, dict) or type(update.get("update_id")) is not int:
        return [Unreadable(hashlib.sha256(body).hexdigest(), body.decode("latin-1"))]
    return read_update(update)


def _rows(choices: tuple[Choice, ...]) -> list[list[dict[str, str]]]:
    return [
        [{"text": cut(choice.label, LIMITS.button_label), "callback_data": _short(choice.id)}]
        for choice in choices[: LIMITS.buttons]
    ]


def _short(id: str) -> str:
    """An option's id within the 64 bytes of callback data; ours are plain ASCII and shorter."""
    return id.encode()[:CALLBACK].decode(errors="ignore")


def failed(error: TelegramError) -> Failed:
    """What a Bot API error means for the message, decided from its cause (SAFETY B6)."""
    words = str(error).lower()
    not_telegram = isinstance(error.__cause__, TelegramError)  # a refusal that is not JSON: a proxy's page
    if isinstance(error, RetryAfter):
        after = error.retry_after
        return Failed("not_sent", "429", after.total_seconds() if isinstance(after, timedelta) else float(after))
    if isinstance(error, InvalidToken):
        return Failed("not_sent", UNWELCOME, wait=60, everyone=True)
    if isinstance(error, Forbidden | BadRequest) and not_telegram:
        return Failed("not_sent", "proxy", wait=60, everyone=True)
    if isinstance(error, Forbidden):
        return Failed("refused", "403", unreachable=True)
    if isinstance(error, BadRequest):
        return Failed("refused", "400", unreachable=any(sign in words for sign in UNREACHABLE))
    if isinstance(error, NetworkError) and (isinstance(error.__cause__, NOT_SENT) or "pool timeout" in words):
        return Failed("not_sent", type(error).__name__)
    return Failed("unknown", type(error).__name__)
