"""Telegram: updates in by webhook or long polling, messages out through the Bot API."""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import structlog
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bot.channels import (
    Choice,
    Event,
    Failed,
    Incoming,
    Limits,
    Payload,
    Reach,
    Receipt,
    Refused,
    Request,
    Spoken,
    cut,
)
from flows.message import Message
from flows.understanding.normalise import clean

os.environ.setdefault("PTB_TIMEDELTA", "1")  # the library's coming default; without it, it warns at every 429

log = structlog.get_logger()

LIMITS = Limits("telegram", buttons=10, button_label=60, rows=10, row_label=60, row_hint=0, body=4096,
                per_second=25, per_chat=1)  # fmt: skip
"""Ours, below the Bot API's: 4,096 characters, about 30 messages a second and 1 a second to one chat (its FAQ)."""

CALLBACK = 64
"""Bytes of callback data (Bot API, InlineKeyboardButton)."""

UPDATES = ["message", "edited_message", "callback_query", "my_chat_member"]
WORDS = {"/start": "hola", "/menu": "menú", "/ayuda": "ayuda", "/help": "ayuda", "/persona": "persona",
         "/stop": "baja", "/idioma": "idioma", "/language": "idioma"}  # fmt: skip
"""Slash commands, which clients offer to tap, as the words a person would write."""

UNREACHABLE = ("blocked", "deactivated", "chat not found", "can't initiate", "user is deleted")
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
MEDIA = ("photo", "voice", "audio", "video", "video_note", "document", "sticker", "animation", "contact")
KINDS = {"photo": "image", "voice": "audio", "video_note": "video", "animation": "video"}


class Telegram:
    """One bot. `secret` is what the webhook's header must carry; without it no webhook call is genuine."""

    def __init__(self, token: str, secret: str | None, base: str) -> None:
        self._secret = secret
        self.bot = Bot(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=HTTPXRequest(connection_pool_size=64, read_timeout=20, connect_timeout=5, pool_timeout=5),
        )

    @property
    def limits(self) -> Limits:
        return LIMITS

    def genuine(self, request: Request) -> bool:
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        return bool(self._secret) and hmac.compare_digest(given.encode(), str(self._secret).encode())

    def read(self, request: Request) -> list[Event]:
        try:
            update = json.loads(request.body)
        except (ValueError, RecursionError):
            raise Refused("not JSON") from None
        if not isinstance(update, dict) or not isinstance(update.get("update_id"), int):
            raise Refused("not an update")
        return read_update(update)

    def write(self, address: str, spoken: Spoken, reference: str) -> Payload:
        """Plain text (no parse mode: what people wrote is never markup), options as buttons, one a row."""
        return Payload("send_message", {"chat_id": int(address), "text": spoken.text, "choices": spoken.choices})

    async def send(self, payload: Payload) -> Receipt:
        values = payload.values
        try:
            sent = await self.bot.send_message(
                values["chat_id"], values["text"], reply_markup=_buttons(values["choices"])
            )
        except TelegramError as error:
            raise failed(error) from None
        return Receipt(f"{values['chat_id']}:{sent.message_id}")

    async def courtesy(self, given: Mapping[str, str]) -> None:
        """Stop the button's spinner; show that we are writing."""
        try:
            if "callback" in given:
                await self.bot.answer_callback_query(given["callback"])
            if "chat" in given:
                await self.bot.send_chat_action(int(given["chat"]), "typing")
        except TelegramError as error:
            log.info("telegram.courtesy", error=type(error).__name__)

    async def close(self) -> None:
        await self.bot.shutdown()


def read_update(update: Mapping[str, Any]) -> list[Event]:
    """What an update says: a message, a tap, a block; kinds that are no one's message say nothing.

    Its id is update_id with chat and message or callback id: update_id alone restarts at random.
    """
    if "callback_query" in update:
        return _tap(update, update["callback_query"])
    if "my_chat_member" in update:
        return _reach(update["my_chat_member"])
    message = update.get("message") or update.get("edited_message")
    return _message(update, message) if isinstance(message, Mapping) else []


def _tap(update: Mapping[str, Any], query: Any) -> list[Event]:
    try:
        sender, callback = str(query["from"]["id"]), str(query["id"])
        chat = query.get("message", {}).get("chat", {})
    except (KeyError, TypeError, AttributeError):
        return []
    if chat.get("type", "private") != "private":
        return []
    tapped = clean(str(query.get("data", "")))[:CALLBACK]
    return [
        Incoming(
            provider=f"{update['update_id']}:{sender}:{callback}",
            address=sender,
            message=Message(tapped=tapped, text=_label(query, tapped)),
            courtesy={"callback": callback},
        )
    ]


def _label(query: Mapping[str, Any], tapped: str) -> str:
    """The words on the tapped button, so that an old button still says what was meant."""
    rows = (query.get("message") or {}).get("reply_markup", {}).get("inline_keyboard", [])
    for row in rows if isinstance(rows, list) else []:
        for button in row:
            if isinstance(button, Mapping) and button.get("callback_data") == tapped:
                return clean(str(button.get("text", "")))
    return ""


def _message(update: Mapping[str, Any], message: Mapping[str, Any]) -> list[Event]:
    chat = message.get("chat")
    if not isinstance(chat, Mapping) or chat.get("type") != "private" or "id" not in chat:
        return []
    address = str(chat["id"])
    text = clean(str(message.get("text") or message.get("caption") or ""))
    place = message.get("location")
    kind = next((KINDS.get(name, name) for name in MEDIA if name in message), None)
    if not (text or kind or place):
        kind = "other"
    return [
        Incoming(
            provider=f"{update['update_id']}:{address}:{message.get('message_id')}",
            address=address,
            message=Message(
                text=WORDS.get(text.split("@")[0].split(" ")[0].lower(), text) if text.startswith("/") else text,
                place=_place(place),
                media=None if text else kind,
            ),
            courtesy={"chat": address},
        )
    ]


def _place(place: Any) -> tuple[float, float] | None:
    try:
        return (float(place["latitude"]), float(place["longitude"])) if place else None
    except (KeyError, TypeError, ValueError):
        return None


def _reach(change: Any) -> list[Event]:
    try:
        private = change["chat"]["type"] == "private"
        status, address = change["new_chat_member"]["status"], str(change["chat"]["id"])
    except (KeyError, TypeError):
        return []
    return [Reach(address, blocked=status in ("kicked", "left"))] if private else []


def _buttons(choices: tuple[Choice, ...]) -> InlineKeyboardMarkup | None:
    if not choices:
        return None
    rows = [
        [InlineKeyboardButton(cut(choice.label, LIMITS.button_label), callback_data=_short(choice.id))]
        for choice in choices[: LIMITS.buttons]
    ]
    return InlineKeyboardMarkup(rows)


def _short(id: str) -> str:
    """An option's id within the 64 bytes of callback data; ours are plain ASCII and shorter."""
    return id.encode()[:CALLBACK].decode(errors="ignore")


def failed(error: TelegramError) -> Failed:
    """What a Bot API error means for the message, decided from its cause (SAFETY B6)."""
    words = str(error).lower()
    if isinstance(error, RetryAfter):
        after = error.retry_after
        return Failed("not_sent", "429", after.total_seconds() if isinstance(after, timedelta) else float(after))
    if isinstance(error, Forbidden):
        return Failed("refused", "403", unreachable=True)
    if isinstance(error, BadRequest):
        return Failed("refused", "400", unreachable=any(sign in words for sign in UNREACHABLE))
    if isinstance(error, InvalidToken):
        return Failed("not_sent", "token", wait=60)
    if isinstance(error, NetworkError):
        surely_not = isinstance(error.__cause__, NOT_SENT) or "pool timeout" in words
        return Failed("not_sent" if surely_not else "unknown", type(error).__name__)
    return Failed("refused", type(error).__name__)


def parse(update: Update) -> list[Event]:
    """An update from long polling, read the same way."""
    return read_update(update.to_dict())
