"""A person's Telegram: each method builds the update that Telegram would make of it."""

from __future__ import annotations

import itertools
import secrets
from typing import Any

import httpx

from .base import Option, Sent
from .phone import Phone
from .telegram import FakeTelegram
from .telegram_updates import Update

USER_IDS = itertools.count(7_000_000_001)  # over 32 bits, as new accounts are


class TelegramPhone(Phone):
    """One person in a private chat with the bot."""

    def __init__(
        self,
        fake: FakeTelegram,
        first_name: str = "Ana",
        last_name: str = "",
        id: int | None = None,
        language: str = "es",
        username: str = "",
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self.id = id or next(USER_IDS)
        super().__init__(fake, str(self.id), client)
        self.telegram = fake
        self.user: dict[str, Any] = {"id": self.id, "is_bot": False, "first_name": first_name}
        more = {"last_name": last_name, "username": username, "language_code": language}
        self.user |= {k: v for k, v in more.items() if v}
        self.chat = fake.chat_of(self.id, self.user)
        self.said: list[int] = []  # ids of this person's own messages

    async def _post(self, item: Update, copies: int) -> int | None:
        self.chat.started = True  # the app lets nobody write to a bot without having pressed Start
        return await self.telegram.updates.push(item, copies, self.client)

    async def again(self, item: Update) -> int:
        """The same update once more, as Telegram does when our 200 got lost."""
        return await self.telegram.updates.repeat(item, self.client)

    async def start(self, payload: str = "") -> int | None:
        """Press Start, or open t.me/bot?start=payload."""
        return await self.say(f"/start {payload}".rstrip())

    async def block(self) -> int | None:
        """Stop and block the bot: it hears so, and every send is a 403 from now on."""
        self.chat.blocked = True
        return await self._membership("member", "kicked")

    async def unblock(self) -> int | None:
        self.chat.blocked = False
        return await self._membership("kicked", "member")

    async def _membership(self, old: str, new: str) -> int | None:
        def member(status: str) -> dict[str, Any]:
            return {"user": self.telegram.me, "status": status} | ({"until_date": 0} if status == "kicked" else {})

        body = {
            "chat": self.chat.about, "from": self.user, "date": self._now,
            "old_chat_member": member(old), "new_chat_member": member(new),
        }  # fmt: skip
        return await self.telegram.updates.push(self.telegram.updates.new("my_chat_member", body), 1, self.client)

    @property
    def _now(self) -> int:
        return int(self.telegram.clock())

    def message(self, **content: Any) -> Update:
        """Any message of this person's: `message(dice={...})` for what has no method here."""
        body = {
            "message_id": next(self.telegram.message_ids), "from": self.user, "chat": self.chat.about,
            "date": self._now, **content,
        }  # fmt: skip
        self.chat.messages[body["message_id"]] = body
        self.said.append(body["message_id"])
        return self.telegram.updates.new("message", body)

    def text(self, body: str) -> Update:
        if not body.startswith("/"):
            return self.message(text=body)
        length = len(body.split()[0])
        return self.message(text=body, entities=[{"offset": 0, "length": length, "type": "bot_command"}])

    def edit(self, body: str, message_id: int | None = None) -> Update:
        """Correct the last message, or the one with this id."""
        old = self.chat.messages[message_id or self.said[-1]]
        new = old | {"text": body, "edit_date": self._now}
        self.chat.messages[new["message_id"]] = new
        return self.telegram.updates.new("edited_message", new)

    def tapped(self, on: Sent, option: Option) -> Update:
        if option.kind == "keyboard":  # the keys under the text box send their words
            return self.text(option.label)
        if option.kind == "contact":
            return self.contact("+50255550101")
        if option.kind == "location":
            return self.location(14.8347, -91.5181)
        if option.kind == "url":
            raise LookupError(f"{option.label!r} opens a page; nothing comes back")
        query = str(secrets.randbits(62))
        self.telegram.queries[query] = self.telegram.clock()
        body = {
            "id": query, "from": self.user, "message": self.chat.messages[int(on.id)],
            "chat_instance": str(self.id * 31), "data": option.data,
        }  # fmt: skip
        return self.telegram.updates.new("callback_query", body)

    def location(self, latitude: float, longitude: float) -> Update:
        return self.message(location={"latitude": latitude, "longitude": longitude})

    def contact(self, number: str, own: bool = True) -> Update:
        """A contact card; anybody's can be shared, and only one's own carries one's own `user_id`."""
        card: dict[str, Any] = {"phone_number": number, "first_name": self.user["first_name"]}
        return self.message(contact=card | ({"user_id": self.id} if own else {}))

    def photo(self, caption: str = "", data: bytes = b"\xff\xd8\xff", **more: Any) -> Update:
        file = self.telegram.keep_file(data, "photos", "jpg")
        sizes = [file | {"width": 90, "height": 67}]
        return self.message(photo=sizes, **({"caption": caption} if caption else {}), **more)

    def album(self, count: int) -> list[Update]:
        """Several pictures sent as one: one update each, joined by `media_group_id` only."""
        group = str(secrets.randbits(53))
        return [self.photo(media_group_id=group) for _ in range(count)]

    def voice(self, seconds: int = 4, data: bytes = b"OggS") -> Update:
        file = self.telegram.keep_file(data, "voice", "oga")
        return self.message(voice=file | {"duration": seconds, "mime_type": "audio/ogg"})

    def document(self, name: str = "papeles.pdf", data: bytes = b"%PDF", size: int | None = None) -> Update:
        file = self.telegram.keep_file(data, "documents", name.rpartition(".")[2], size)
        return self.message(document=file | {"file_name": name, "mime_type": "application/pdf"})

    def sticker(self, emoji: str = "👍") -> Update:
        file = self.telegram.keep_file(b"RIFF", "stickers", "webp")
        about = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False}
        return self.message(sticker=file | about | {"emoji": emoji})

    def unknown(self, kind: str = "a_kind_to_come") -> Update:
        """A kind of update that today's libraries do not know."""
        return self.telegram.updates.new(kind, {"from": self.user, "date": self._now, "news": True})
