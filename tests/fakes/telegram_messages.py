"""What the bot can do in a chat: write, edit, delete, answer a tap, show that it is typing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import telegram_limits as limits
from .telegram_limits import Refused, bad, read_markup, read_text
from .wire import Params, Upload

if TYPE_CHECKING:
    from .telegram import Chat, FakeTelegram


class Messages:
    """The chat methods of one fake bot; each takes the call's values and returns its `result`."""

    def __init__(self, fake: FakeTelegram) -> None:
        self.fake = fake
        self.methods: dict[str, Callable[[Params], Any]] = {
            "sendmessage": self.send_message,
            "sendlocation": self.send_location,
            "sendphoto": lambda p: self.send_file(p, "photo"),
            "senddocument": lambda p: self.send_file(p, "document"),
            "sendvoice": lambda p: self.send_file(p, "voice"),
            "sendaudio": lambda p: self.send_file(p, "audio"),
            "sendchataction": self.send_chat_action,
            "answercallbackquery": self.answer_callback_query,
            "editmessagetext": self.edit_text,
            "editmessagereplymarkup": self.edit_markup,
            "deletemessage": self.delete,
            "deletemessages": self.delete_many,
            "getchat": lambda p: self.chat(p).about | {"accent_color_id": 0, "max_reaction_count": 11},
        }

    def chat(self, p: Params) -> Chat:
        """The chat that is meant, if the bot may write there."""
        if not p.text("chat_id"):
            raise bad("chat_id is empty")
        number = p.whole("chat_id")
        chat = self.fake.chats.get(number or 0)
        if chat is None and number and self.fake.anyone:
            chat = self.fake.chat_of(number)
            chat.started = True
        if chat is None:
            raise bad("chat not found")
        if chat.deactivated:
            raise Refused(403, "Forbidden: user is deactivated")
        if chat.blocked:
            raise Refused(403, "Forbidden: bot was blocked by the user")
        if not chat.started:
            raise Refused(403, "Forbidden: bot can't initiate conversation with a user")
        return chat

    def send_message(self, p: Params) -> dict[str, Any]:
        text = read_text(p.text("text"), p.text("parse_mode"))
        return self._send(p, "text", text, {"text": text})

    def send_location(self, p: Params) -> dict[str, Any]:
        latitude, longitude = p.number("latitude"), p.number("longitude")
        if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
            raise bad("can't parse location")
        place = {"latitude": latitude, "longitude": longitude}
        return self._send(p, "location", f"{latitude},{longitude}", {"location": place})

    def send_file(self, p: Params, kind: str) -> dict[str, Any]:
        """An uploaded file, a known file_id, or an address Telegram would fetch (≤ 5 MB photos, 20 MB others)."""
        caption = read_text(p.text("caption"), p.text("parse_mode"), limits.CAPTION, empty="")
        given = p.get(kind)
        if isinstance(given, str) and given.startswith("attach://"):
            given = p.get(given.removeprefix("attach://"))
        if isinstance(given, Upload):
            if len(given.data) > (10 if kind == "photo" else 50) * 2**20:
                raise Refused(413, "Request Entity Too Large")
            file = self.fake.keep_file(given.data, kind, given.name.rpartition(".")[2] or "bin")
        elif isinstance(given, str) and given in self.fake.files:
            file = {"file_id": given, "file_unique_id": given[4:20]}
        elif isinstance(given, str) and given.startswith(("http://", "https://")):
            file = self.fake.keep_file(b"", kind, "bin")
        else:
            raise bad(f"there is no {kind} in the request")
        shape: Any = {
            "photo": [file | {"width": 90, "height": 90}],
            "document": file,
            "voice": file | {"duration": 1},
            "audio": file | {"duration": 1},
        }[kind]
        return self._send(p, kind, caption, {kind: shape} | ({"caption": caption} if caption else {}))

    def _send(self, p: Params, kind: str, text: str, content: dict[str, Any]) -> dict[str, Any]:
        chat = self.chat(p)
        markup = p.parsed("reply_markup")
        options = read_markup(markup)
        answers = p.parsed("reply_parameters") or {}
        answers_to = answers.get("message_id") or p.whole("reply_to_message_id")
        if answers_to and answers_to not in chat.messages and not answers.get("allow_sending_without_reply"):
            raise bad("message to be replied not found")
        self.fake.pace(str(chat.id))
        message = {
            "message_id": next(self.fake.message_ids), "from": self.fake.me, "chat": chat.about,
            "date": int(self.fake.clock()), **content,
        }  # fmt: skip
        if markup and "inline_keyboard" in markup:  # the other keyboards belong to the person's side only
            message["reply_markup"] = markup
        self.fake.note(chat, message, kind=kind, text=text, options=options, request=_shown(p))
        return message

    def send_chat_action(self, p: Params) -> bool:
        chat = self.chat(p)
        if p.text("action") not in limits.ACTIONS:
            raise bad("wrong parameter action in request")
        self.fake.actions.append((chat.id, p.text("action")))
        return True

    def answer_callback_query(self, p: Params) -> bool:
        query, text = p.text("callback_query_id"), p.text("text")
        if len(text) > limits.ANSWER:
            raise bad("MESSAGE_TOO_LONG")
        asked = self.fake.queries.get(query)
        if asked is None or self.fake.clock() - asked > limits.CALLBACK_LIFE:
            raise bad("query is too old and response timeout expired or query ID is invalid")
        self.fake.answered[query] = text
        return True

    def _own(self, p: Params) -> tuple[Chat, dict[str, Any]]:
        chat = self.chat(p)
        message = chat.messages.get(p.whole("message_id") or 0)
        if message is None:
            raise bad("message to edit not found")
        if message["from"]["id"] != self.fake.me["id"]:
            raise bad("message can't be edited")
        return chat, message

    def edit_text(self, p: Params) -> dict[str, Any]:
        text = read_text(p.text("text"), p.text("parse_mode"))
        return self._edit(p, {"text": text})

    def edit_markup(self, p: Params) -> dict[str, Any]:
        return self._edit(p, {})

    def _edit(self, p: Params, change: dict[str, Any]) -> dict[str, Any]:
        chat, message = self._own(p)
        markup = p.parsed("reply_markup")
        options = read_markup(markup)
        new = {k: v for k, v in message.items() if k != "reply_markup"} | change
        if markup and markup.get("inline_keyboard"):
            new["reply_markup"] = markup
        if {**new, "edit_date": 0} == {**message, "edit_date": 0}:
            raise bad(
                "message is not modified: specified new message content and reply markup are exactly the same "
                "as a current content and reply markup of the message"
            )
        self.fake.pace(str(chat.id))
        new["edit_date"] = int(self.fake.clock())
        chat.messages[new["message_id"]] = new
        for sent in self.fake.sent_to(chat.id):
            if sent.id == str(new["message_id"]):
                sent.text, sent.options = new.get("text", sent.text), options
        return new

    def delete(self, p: Params) -> bool:
        """In a private chat both sides' messages, for 48 hours."""
        chat = self.chat(p)
        if not self._delete(chat, p.whole("message_id")):
            raise bad("message to delete not found")
        return True

    def delete_many(self, p: Params) -> bool:
        ids = p.parsed("message_ids")
        if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
            raise bad("message identifiers are not specified or too many")
        chat = self.chat(p)
        for one in ids:  # those not found are skipped
            self._delete(chat, one)
        return True

    def _delete(self, chat: Chat, id: int | None) -> bool:
        message = chat.messages.get(id or 0)
        if message is None:
            return False
        if self.fake.clock() - message["date"] > limits.DELETE_LIFE:
            raise bad("message can't be deleted for everyone")
        del chat.messages[message["message_id"]]
        for sent in self.fake.sent_to(chat.id):
            if sent.id == str(id):
                sent.deleted = True
        return True


def _shown(p: Params) -> dict[str, Any]:
    return {k: v if not isinstance(v, Upload) else f"<{len(v.data)} bytes>" for k, v in p.items()}
