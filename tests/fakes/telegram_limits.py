"""What Telegram refuses, in its own words: lengths, buttons, formatting, webhook addresses, pace.

Numbers from the Bot API reference and the Bot API server's source; where a number is not published (bursts, and
whether 4096 counts code points or UTF-16 units) the stricter reading is taken.
"""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from .base import Option

TEXT, CAPTION, DATA_BYTES, ANSWER, DOWNLOAD = 4096, 1024, 64, 200, 20 * 2**20
CALLBACK_LIFE, UPDATE_LIFE, DELETE_LIFE = 150.0, 24 * 3600.0, 48 * 3600.0

ACTIONS = {
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
}  # fmt: skip
BUTTON_ACTIONS = {
    "url", "callback_data", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay",
}  # fmt: skip
UPDATE_KINDS = {
    "message", "edited_message", "channel_post", "edited_channel_post", "inline_query", "chosen_inline_result",
    "callback_query", "shipping_query", "pre_checkout_query", "poll", "poll_answer", "my_chat_member", "chat_member",
    "chat_join_request", "message_reaction", "message_reaction_count", "business_connection", "business_message",
    "edited_business_message", "deleted_business_messages", "purchased_paid_media", "chat_boost",
    "removed_chat_boost", "managed_bot", "guest_message",
}  # fmt: skip
UNLESS_ASKED = {"chat_member", "message_reaction", "message_reaction_count"}  # what the default list leaves out


class Refused(Exception):
    """Telegram's no: `{"ok": false, "error_code": status, "description": words}`."""

    def __init__(self, status: int, words: str, retry_after: int = 0) -> None:
        super().__init__(words)
        self.status, self.words, self.retry_after = status, words, retry_after


def bad(words: str) -> Refused:
    return Refused(400, f"Bad Request: {words}")


def units(text: str) -> int:
    """Length in UTF-16 units, in which Telegram counts offsets; never less than the code points."""
    return len(text.encode("utf-16-le")) // 2


def read_text(raw: str, mode: str, limit: int = TEXT, empty: str = "message text is empty") -> str:
    """The text as it will be shown: formatting taken out, trimmed, and within the limit *after* that."""
    if mode and mode.lower() != "html":
        raise bad("can't parse entities: this fake reads only HTML, as the product must not send Markdown")
    text = (read_html(raw) if mode else raw).replace("\0", "").strip()
    if empty and not text:
        raise bad(empty)
    if units(text) > limit:
        raise bad("message is too long" if limit == TEXT else "message caption is too long")
    return text


TAG = re.compile(r"<(/?)([a-zA-Z0-9-]*)(\s[^<>]*)?>")
TAGS = {
    "b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "span", "tg-spoiler", "a", "code", "pre",
    "blockquote", "tg-emoji",
}  # fmt: skip


def read_html(raw: str) -> str:
    """Telegram's small HTML. A bare `<` in a person's own words loses the whole message."""
    plain: list[str] = []
    still_open: list[str] = []
    i = 0
    while i < len(raw):
        if raw[i] != "<":
            end = raw.find("<", i)
            end = len(raw) if end < 0 else end
            plain.append(unescape(raw[i:end]))
            i = end
            continue
        at = len(raw[:i].encode())
        tag = TAG.match(raw, i)
        if tag is None:
            name = re.match(r"<([^\s>]*)", raw[i:]).group(1)  # type: ignore[union-attr]
            raise bad(f'can\'t parse entities: Unsupported start tag "{name}" at byte offset {at}')
        name = tag[2].lower()
        if tag[1]:
            if not still_open:
                raise bad(f"can't parse entities: Unexpected end tag at byte offset {at}")
            if (expected := still_open.pop()) != name and name:
                raise bad(
                    f"can't parse entities: Unmatched end tag at byte offset {at}, "
                    f'expected "</{expected}>", found "</{name}>"'
                )
        elif name not in TAGS:
            raise bad(f'can\'t parse entities: Unsupported start tag "{tag[2]}" at byte offset {at}')
        else:
            still_open.append(name)
        i = tag.end()
    if still_open:
        raise bad(f"can't parse entities: Can't find end tag corresponding to start tag \"{still_open[-1]}\"")
    return "".join(plain)


def read_markup(markup: Any, private: bool = True) -> list[Option]:
    """The buttons of a reply_markup, each checked."""
    if not markup:
        return []
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    if "inline_keyboard" in markup:
        return [_inline(button) for row in _rows(markup["inline_keyboard"]) for button in row]
    if "keyboard" in markup:
        hint = markup.get("input_field_placeholder")
        if hint is not None and not 1 <= len(hint) <= 64:
            raise bad("can't parse keyboard: input field placeholder must be 1-64 characters")
        return [_key(button, private) for row in _rows(markup["keyboard"]) for button in row]
    if markup.get("remove_keyboard") is True or markup.get("force_reply") is True:
        return []
    raise bad("object expected as reply markup")


def _rows(rows: Any) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("can't parse keyboard: Array of Arrays expected")
    return rows


def _inline(button: Any) -> Option:
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad("can't parse inline keyboard button: Object expected")
    if not button["text"].strip():
        raise bad("inline keyboard button text is empty")
    actions = BUTTON_ACTIONS & button.keys()
    if not actions:
        raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    if len(actions) > 1:
        raise bad("can't parse inline keyboard button: exactly one action must be used")
    if "url" in button:
        if not re.match(r"(https?|tg)://|tel:|mailto:", button["url"]):
            raise bad(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
        return Option(button["text"], button["url"], "url")
    data = str(button.get("callback_data", ""))
    if "callback_data" in button and not 1 <= len(data.encode()) <= DATA_BYTES:
        raise bad("BUTTON_DATA_INVALID")
    return Option(button["text"], data, "inline")


def _key(button: Any, private: bool) -> Option:
    button = {"text": button} if isinstance(button, str) else button
    if not isinstance(button, dict) or not str(button.get("text", "")).strip():
        raise bad("keyboard button text must be non-empty")
    asks = [name for name in ("contact", "location") if button.get(f"request_{name}")]
    if asks and not private:
        raise bad("phone number and location can be requested in private chats only")
    return Option(button["text"], button["text"], asks[0] if asks else "keyboard")


def check_webhook(url: str, secret: str, connections: int | None, kinds: Any, https_only: bool) -> None:
    parts = urlsplit(url)
    if https_only and parts.scheme != "https":
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    if https_only and (parts.port or 443) not in (80, 88, 443, 8443):
        raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    if secret and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise bad("secret token contains unallowed characters" if len(secret) <= 256 else "secret token is too long")
    if connections is not None and not 1 <= connections <= 100:
        raise bad("max_connections must be between 1 and 100")
    if kinds is not None and not (isinstance(kinds, list) and set(kinds) <= UPDATE_KINDS):
        raise bad("can't parse allowed updates: unknown update kind")


def check_commands(commands: Any, language: str) -> None:
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad("can't use more than 100 commands")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command", ""))):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    if not re.fullmatch(r"([a-z]{2})?", language):
        raise bad("invalid language code specified")  # quc, mam … have no ISO 639-1 code


@dataclass
class Rates:
    """How fast is too fast. The FAQ says about 1 a second to a chat with short bursts, 30 a second over all."""

    chat_burst: int = 5
    chat_per_second: float = 1.0
    all_per_second: int = 30
    _last_second: deque[float] = field(default_factory=deque)
    _chats: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait(self, chat: str, now: float) -> int:
        """Seconds until this send would be taken; 0 takes it. A refused send costs nothing here."""
        while self._last_second and self._last_second[0] <= now - 1:
            self._last_second.popleft()
        level, then = self._chats.get(chat, (0.0, now))
        level = max(0.0, level - (now - then) * self.chat_per_second)
        if level + 1 > self.chat_burst:
            return math.ceil((level + 1 - self.chat_burst) / self.chat_per_second)
        if len(self._last_second) >= self.all_per_second:
            return math.ceil(self._last_second[0] + 1 - now) or 1
        self._last_second.append(now)
        self._chats[chat] = level + 1, now
        return 0


def unlimited() -> Rates:
    """For harnesses that measure something else than the vendor's pace."""
    return Rates(chat_burst=10**9, all_per_second=10**9)
