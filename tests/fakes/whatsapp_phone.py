"""A person's WhatsApp: each method builds the signed form that Twilio would make of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from uuid import uuid4

import httpx

from .base import Option, Sent
from .phone import Phone
from .twilio import FakeTwilio
from .twilio_hooks import Hook, deliver, metadata, signed

NUMBERS = itertools.count(50255550100)


class WhatsAppPhone(Phone):
    """One person on WhatsApp. `number=""` hides the phone number: `From` is then the business-scoped user id."""

    def __init__(
        self,
        fake: FakeTwilio,
        name: str = "Ana",
        number: str | None = None,
        scoped_id: str | None = None,
        url: str = "",
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self.number = f"+{next(NUMBERS)}" if number is None else number
        self.scoped_id = scoped_id or "GT." + uuid4().hex[:16]
        super().__init__(fake, "whatsapp:" + (self.number or self.scoped_id), client)
        self.twilio = fake
        self.name = name
        self.url = url

    async def _post(self, item: Hook, copies: int) -> int | None:
        """`copies` are sent at the same moment; the answer to the first counts."""
        if "Body" in item.fields:
            self._arrives(item)
        tries = await asyncio.gather(*(deliver(self.twilio, item, self.client) for _ in range(copies)))
        return tries[0]

    def _arrives(self, item: Hook) -> None:
        files = tuple(v for k, v in item.form if k.startswith("MediaUrl"))
        self.twilio.arrived(item.fields.get("MessageSid", ""), self.address, item.fields["Body"], files)

    async def again(self, item: Hook) -> int | None:
        """The same request once more: a retry of Twilio's, or somebody who recorded it."""
        return await deliver(self.twilio, item, self.client)

    async def read(self) -> list[int | None]:
        """Look at the messages: the ticks turn blue, and each tells its callback."""
        unread = [sent for sent in self.received if sent.status != "read"]
        return [await self.twilio.callbacks.report(sent.id, "read") for sent in unread]

    def hook(
        self,
        body: str,
        type: str = "text",
        files: Sequence[tuple[str, bytes]] = (),
        answers: Sent | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Hook:
        """Any message of this person's; `more` are further fields of the form. `files` are (content type, bytes)."""
        sid = ("MM" if files else "SM") + uuid4().hex
        wa_id = self.number.removeprefix("+")
        form = {
            "SmsMessageSid": sid, "NumMedia": str(len(files)), "ProfileName": self.name, "MessageType": type,
            "SmsSid": sid, "SmsStatus": "received", "Body": body, "To": self.twilio.sender, "NumSegments": "1",
            "ReferralNumMedia": "0", "MessageSid": sid, "AccountSid": self.twilio.account_sid,
            "From": self.address, "ApiVersion": "2010-04-01", "ChannelMetadata": metadata(self.name, wa_id),
            "ExternalUserId": "whatsapp:" + self.scoped_id,
        }  # fmt: skip
        if wa_id:
            form["WaId"] = wa_id
        for n, (kind, data) in enumerate(files):
            form[f"MediaContentType{n}"] = kind
            form[f"MediaUrl{n}"] = self.twilio.keep_media(sid, kind, data)
        if answers:
            form |= {"OriginalRepliedMessageSid": answers.id, "OriginalRepliedMessageSender": self.twilio.sender}
        return signed(self.twilio, self.url or self.twilio.webhook_url, list((form | dict(more or {})).items()))

    def text(self, body: str) -> Hook:
        return self.hook(body)

    def tapped(self, on: Sent, option: Option) -> Hook:
        """A quick reply brings its id as ButtonPayload, a list choice as ListId; both bring their words."""
        if option.kind == "button":
            names = {"ButtonText": option.label, "ButtonPayload": option.data}
            return self.hook(option.label, "button", answers=on, more=names)
        names = {"ListId": option.data, "ListTitle": option.label}
        return self.hook(option.label, "interactive", answers=on, more=names)

    def location(self, latitude: float, longitude: float, label: str = "", address: str = "") -> Hook:
        where = {"Latitude": str(latitude), "Longitude": str(longitude), "Label": label, "Address": address}
        return self.hook("", "location", more={k: v for k, v in where.items() if v})

    def contact(self, number: str, name: str = "Primo") -> Hook:
        card = f"BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nTEL;TYPE=CELL:{number}\nEND:VCARD"
        return self.hook("", "contacts", [("text/vcard", card.encode())])

    def photo(self, caption: str = "", data: bytes = b"\xff\xd8\xff") -> Hook:
        return self.hook(caption, "image", [("image/jpeg", data)])

    def album(self, count: int) -> list[Hook]:
        """Several pictures sent as one: on WhatsApp each is a message of its own."""
        return [self.photo() for _ in range(count)]

    def voice(self, data: bytes = b"OggS") -> Hook:
        return self.hook("", "audio", [("audio/ogg", data)])

    def document(self, name: str = "papeles.pdf", data: bytes = b"%PDF") -> Hook:
        return self.hook(name, "document", [("application/pdf", data)])

    def sticker(self) -> Hook:
        return self.hook("", "sticker", [("image/webp", b"RIFF")])

    def stop_word(self, word: str = "STOP") -> Hook:
        """What Advanced Opt-Out does in a Messaging Service: it answers itself, and later sends are 21610."""
        self.twilio.person(self.address).opted_out = True
        return self.hook(word, more={"OptOutType": "STOP"})
