"""WhatsApp through Twilio: signed webhooks in, messages out as text or as stored layouts with buttons."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import httpx
import structlog
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot.channels import (
    Event,
    Failed,
    Incoming,
    Limits,
    Payload,
    Receipt,
    Refused,
    Request,
    Spoken,
    Status,
    numbered,
)
from bot.channels import whatsapp_layouts as layouts
from flows.message import Message
from flows.understanding.normalise import clean

log = structlog.get_logger()

LIMITS = Limits("whatsapp", buttons=3, button_label=20, rows=10, row_label=24, row_hint=72, body=1024,
                per_second=40, per_chat=1)  # fmt: skip
"""In session: 3 quick replies or a list of 10 (Twilio, content types); our pace is half the 80 a second allowed."""

TIMEOUT = httpx.Timeout(15, connect=5, pool=5)
MESSAGE = re.compile(r"(SM|MM)[0-9a-f]{32}")
SIGNED_ID = re.compile(r"MessageSid(?:SM|MM)[0-9a-f]{32}")
PERSON = re.compile(r"whatsapp:(\+\d{7,15}|[A-Z]{2}\.[A-Za-z0-9]{1,128})")
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
STATES = {"sent": "sent", "delivered": "delivered", "read": "read", "failed": "failed", "undelivered": "failed"}
KINDS = {"image": "image", "audio": "audio", "video": "video", "text": "contact", "application": "document"}
REFUSED_FOR_GOOD = {21211, 21610, 21614, 63003, 63024}
"""Twilio's codes for a person who cannot be reached here: bad number, opted out, not on WhatsApp."""


class Wire(AsyncHttpClient):
    """Twilio's client on httpx: with timeouts, to the configured host, never following a redirect or repeating."""

    def __init__(self, base: str | None) -> None:
        super().__init__()
        self._base = base
        self._http = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False)

    async def request(self, method: str, url: str, params: Any = None, data: Any = None, headers: Any = None,
                      auth: Any = None, timeout: Any = None, allow_redirects: bool = False) -> Response:  # noqa: ASYNC109  # fmt: skip
        if self._base is not None:
            url = self._base + re.sub(r"^https://[^/]+", "", url)
        json_body = (headers or {}).get("Content-Type") == "application/json"
        answer = await self._http.request(
            method,
            url,
            params=params,
            json=data if json_body else None,
            data=None if json_body else data,
            headers=headers,
            auth=auth,
        )
        return Response(answer.status_code, answer.text, answer.headers)

    async def aclose(self) -> None:
        await self._http.aclose()


class WhatsApp:
    """One sender at Twilio. `contents` maps our layouts to the account's stored content (`puente whatsapp sync`)."""

    def __init__(
        self,
        account: str,
        token: str,
        public: str,
        sender: str | None,
        service: str | None,
        base: str | None,
        contents: Mapping[str, str] | None = None,
    ) -> None:
        self.account, self._public = account, public
        self._from = {"from_": sender} if service is None else {"messaging_service_sid": service}
        self._sender = sender
        self._validator = RequestValidator(token)
        self.contents = dict(contents or {})
        self._wire = Wire(base)
        self.client = Client(account, token, http_client=self._wire)

    @property
    def limits(self) -> Limits:
        return LIMITS

    def genuine(self, request: Request) -> bool:
        """Twilio's signature over the *configured* public address and the form; any doubt is a no."""
        url = self._public + request.path + (f"?{request.query}" if request.query else "")
        signature = request.headers.get("x-twilio-signature", "")
        try:
            form = _form(request)
            return bool(signature) and not _recut(form) and bool(self._validator.validate(url, form, signature))
        except (Refused, ValueError, TypeError):
            return False

    def read(self, request: Request) -> list[Event]:
        """A message or a status. Every field has a strict form: a re-cut request has none (SAFETY A3)."""
        form = _form(request)
        if form.get("AccountSid") != self.account or not MESSAGE.fullmatch(form.get("MessageSid", "")):
            raise Refused("not a message of this account")
        if "MessageStatus" in form:
            return self._status(form, request.query)
        if not PERSON.fullmatch(form.get("From", "")) or not re.fullmatch(r"\d{1,2}", form.get("NumMedia", "0")):
            raise Refused("not a message from a person")
        if self._sender is not None and form.get("To") != self._sender:
            raise Refused("not a message to us")
        return [self._message(form)]

    def _message(self, form: Mapping[str, str]) -> Incoming:
        alias = form.get("ExternalUserId", "")
        other = (alias,) if PERSON.fullmatch(alias) and alias != form["From"] else ()
        text = clean(form.get("Body", ""))
        media = None if text else _media(form)
        tapped = form.get("ButtonPayload") or form.get("ListId")
        return Incoming(
            provider=form["MessageSid"],
            address=form["From"],
            aliases=other,
            message=Message(
                text=text,
                tapped=clean(tapped)[:200] if tapped else None,
                place=_place(form),
                media=media if _place(form) is None else None,
            ),
            courtesy={"message": form["MessageSid"]},
        )

    def _status(self, form: Mapping[str, str], query: str) -> list[Event]:
        state = STATES.get(form["MessageStatus"])
        if state is None:
            return []
        reference = dict(parse_qsl(query)).get("ref")
        return [Status(form["MessageSid"], state, form.get("ErrorCode") or None, reference)]

    def write(self, address: str, spoken: Spoken, reference: str) -> Payload:
        """Buttons or a list where the account has the layout, else the options as numbered text."""
        values: dict[str, Any] = {"to": address, "reference": reference}
        for layout, variables in layouts.fitting(spoken):
            if layout in self.contents:
                shown = json.dumps(variables, ensure_ascii=False)
                return Payload("content", values | {"content_sid": self.contents[layout], "content_variables": shown})
        return Payload("text", values | {"body": numbered(spoken)})

    async def send(self, payload: Payload) -> Receipt:
        values = dict(payload.values)
        callback = f"{self._public}/webhooks/twilio/status?ref={values.pop('reference')}"
        try:
            sent = await self.client.messages.create_async(**values, **self._from, status_callback=callback)
        except (TwilioException, httpx.HTTPError) as error:
            raise failed(error) from None
        return Receipt(str(sent.sid))

    async def courtesy(self, given: Mapping[str, str]) -> None:
        """Show that we are writing (Twilio's typing indicator; it also marks the message as read)."""
        try:
            await self.client.messaging.v2.typing_indicator.create_async(
                channel="whatsapp", message_id=given["message"]
            )
        except (TwilioException, httpx.HTTPError) as error:
            log.info("whatsapp.courtesy", error=type(error).__name__)

    async def close(self) -> None:
        await self._wire.aclose()


def _form(request: Request) -> dict[str, str]:
    """The form's fields, blanks kept, no name twice. Raises `Refused`."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise Refused("not a form")
    try:
        pairs = parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict",
                          max_num_fields=200)  # fmt: skip
    except ValueError:
        raise Refused("not a form") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Refused("a field came twice")
    return form


def _recut(form: Mapping[str, str]) -> bool:
    """Whether the fields hide one another: the signature has no delimiter, so an old request can be cut anew.

    In the signed string every message id must follow the name of a field that is really there (SAFETY A3).
    """
    signed = "".join(name + form[name] for name in sorted(form))
    named = sum(1 for name in form if name.endswith("MessageSid"))
    return len(SIGNED_ID.findall(signed)) != named


def _media(form: Mapping[str, str]) -> str | None:
    if form.get("NumMedia", "0") == "0":
        return None if form.get("Latitude") else "other"
    return KINDS.get(form.get("MediaContentType0", "").split("/")[0], "other")


def _place(form: Mapping[str, str]) -> tuple[float, float] | None:
    try:
        return (float(form["Latitude"]), float(form["Longitude"])) if form.get("Latitude") else None
    except (KeyError, ValueError):
        return None


def failed(error: Exception) -> Failed:
    """What an error of Twilio's API means for the message (SAFETY B6)."""
    if isinstance(error, httpx.HTTPError):
        return Failed("not_sent" if isinstance(error, NOT_SENT) else "unknown", type(error).__name__)
    status = getattr(error, "status", None)
    code = getattr(error, "code", None)
    why = str(code or status or type(error).__name__)
    if status == 429:
        return Failed("not_sent", why, wait=5)
    if status in (401, 403):
        return Failed("not_sent", why, wait=60)
    if isinstance(error, TwilioRestException) and status is not None and 400 <= status < 500:
        return Failed("refused", why, unreachable=code in REFUSED_FOR_GOOD)
    return Failed("unknown", why)
