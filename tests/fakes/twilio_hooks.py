"""What Twilio sends us of itself: signed forms, for a person's message and for what became of ours."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode
from uuid import uuid4

import httpx

from .wire import post

if TYPE_CHECKING:
    from .base import Sent
    from .twilio import FakeTwilio

Form = list[tuple[str, str]]


def signature(token: str, url: str, form: Form, algorithm: str = "sha1") -> str:
    """X-Twilio-Signature: HMAC-SHA1 over the public URL (without its fragment) and all names and values, sorted
    by name. Nothing stands between a name and its value, nor between two fields."""
    told = url.split("#")[0] + "".join(name + value for name, value in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), told.encode(), algorithm).digest()).decode()


@dataclass(frozen=True)
class Hook:
    """One request of Twilio's, ready to be sent, repeated or forged."""

    url: str  # the public address it is signed for
    form: Form
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None  # what is sent instead of the form, for forgeries

    @property
    def fields(self) -> dict[str, str]:
        return dict(self.form)

    def with_form(self, form: Form) -> Hook:
        return replace(self, form=form)


def signed(fake: FakeTwilio, url: str, form: Form) -> Hook:
    """Signed with the account's token, or with the shared key where the account has one (since 2026)."""
    headers = {"I-Twilio-Idempotency-Token": str(uuid4()), "User-Agent": "TwilioProxy/1.1"}
    if fake.shared_key:
        name, secret = fake.shared_key
        headers["X-Twilio-Webhooks-Signature-Settings"] = f"key={name},algorithm=HMAC_SHA256"
        headers["X-Twilio-Signature"] = signature(secret, url, form, "sha256")
    else:
        headers["X-Twilio-Signature"] = signature(fake.auth_token, url, form)
    return Hook(url, form, headers)


async def deliver(fake: FakeTwilio, hook: Hook, client: httpx.AsyncClient | None = None) -> int:
    """Bring it, once more if nobody could be reached (`rc=1, rp=ct`). The status, or 0 and a note in `alerts`."""
    status = 0
    url = fake.road(hook.url.split("#")[0])
    body = hook.body if hook.body is not None else urlencode(hook.form).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"} | hook.headers
    for _ in range(2):
        try:
            status = (await post(url, client, content=body, headers=headers)).status_code
            break
        except httpx.ConnectError:
            continue
        except httpx.TransportError:
            break
    if not 200 <= status < 300:
        fake.alerts.append((11205 if status == 0 else 11200, hook))
    return status


@dataclass
class Story:
    """How callbacks travel: which statuses of themselves, how often each, in which order, how many get lost.

    `told` is sent as soon as a message is accepted; the phone's `read` is another. Best effort, unordered and
    repeatable: nothing may rest on them coming once, or in order, or at all.
    """

    told: tuple[str, ...] = ("queued", "sent", "delivered")
    copies: int = 1
    shuffle: int | None = None  # a seed
    delay: float = 0.0
    lost: float = 0.0
    refused_as: str = "failed"  # which word 63016 comes under is not documented: failed or undelivered


class Callbacks:
    """The status callbacks of one account."""

    def __init__(self, fake: FakeTwilio) -> None:
        self.fake = fake
        self.story = Story()
        self.mute = False  # statuses change, and nobody is told: for harnesses that have nobody there to tell
        self.default_url = ""  # the sender's or the service's own, where a send names none
        self.made: list[tuple[Hook, int]] = []  # every callback and the status it got
        self._dice = random.Random(0)

    def begin(self, sent: Sent, error: int | None) -> None:
        """A message has been taken: settle what becomes of it, and tell."""
        statuses = list(self.story.told)
        if error:
            statuses = [s for s in statuses if s == "queued"] + [self.story.refused_as]
        if self.fake.person(sent.to).blocked:  # invisible to us: nothing comes after "sent"
            statuses = [s for s in statuses if s not in ("delivered", "read")]
        if statuses:
            sent.status, sent.error = statuses[-1], error
        url = self._url(sent)
        if url and statuses and not self.mute:
            self.fake.background(self._tell(sent, statuses, error, url))

    def _url(self, sent: Sent) -> str:
        return sent.request.get("StatusCallback") or self.default_url

    async def _tell(self, sent: Sent, statuses: Iterable[str], error: int | None, url: str) -> None:
        hooks = [self.hook(sent, status, error, url) for status in statuses for _ in range(self.story.copies)]
        if self.story.shuffle is not None:
            random.Random(f"{self.story.shuffle} {sent.n}").shuffle(hooks)
        for hook in hooks:
            if self.story.delay:
                await asyncio.sleep(self.story.delay)
            if self._dice.random() >= self.story.lost:
                self.made.append((hook, await deliver(self.fake, hook, self.fake.kept_client())))

    async def report(self, id: str, status: str, error: int | None = None) -> int | None:
        """One callback by hand, about the message with this sid. The status it got; None where it goes nowhere."""
        sent = next(row for row in reversed(self.fake.sent) if row.id == id)
        sent.status, sent.error = status, error
        url = self._url(sent)
        if not url:
            return None
        hook = self.hook(sent, status, error, url)
        answer = await deliver(self.fake, hook)
        self.made.append((hook, answer))
        return answer

    def hook(self, sent: Sent, status: str, error: int | None, url: str) -> Hook:
        """The fields captured from a real WhatsApp sender."""
        to = sent.to.removeprefix("whatsapp:")
        form = {
            "ChannelPrefix": "whatsapp", "ApiVersion": "2010-04-01", "MessageStatus": status, "SmsSid": sent.id,
            "SmsStatus": status, "ChannelInstallSid": "XE" + "c" * 32, "To": sent.to, "MessageSid": sent.id,
            "From": self.fake.sender, "AccountSid": self.fake.account_sid, "StructuredMessage": "false",
            "ChannelToAddress": to[:-4] + "XXXX" if to.startswith("+") else to,
        }  # fmt: skip
        if status in ("delivered", "read"):
            form["EventType"] = status.upper()
        if error:
            form |= {"ErrorCode": str(error), "ErrorMessage": self.fake.words(error)}
        return signed(self.fake, url, list(form.items()))


def metadata(name: str, wa_id: str) -> str:
    context = {"ProfileName": name} | ({"WaId": wa_id} if wa_id else {})
    return json.dumps({"type": "whatsapp", "data": {"context": context}}, separators=(",", ":"))
