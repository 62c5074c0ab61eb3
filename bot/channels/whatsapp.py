"""WhatsApp through Twilio: signed webhooks in, messages out as text or as stored layouts with buttons."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import httpx
import structlog
from twilio.base.exceptions import TwilioException
from twilio.http.async_http_client import AsyncHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot.channels import (
    UNWELCOME,
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
    Unreadable,
    numbered,
)
from bot.channels import whatsapp_layouts as layouts
from bot.channels import whatsapp_lists as lists
from bot.channels.hooks import Finding, Taken
from bot.channels.whatsapp_exam import examine
from flows.message import Message
from flows.understanding.normalise import clean

log = structlog.get_logger()

LIMITS = Limits("whatsapp", buttons=3, button_label=20, rows=10, row_label=24, row_hint=72, body=1024,
                per_second=40, per_chat=1)  # fmt: skip
"""In session: 3 quick replies or a list of 10 (Twilio, content types); our pace is half the 80 a second allowed."""

PATIENCE = 15.0
"""Seconds we wait for an answer of Twilio's."""

BUSY = 2.0
"""Seconds we leave Twilio alone after a 429: too many calls at once, a number it does not publish."""

ALGORITHM = re.compile(r"algorithm=([\w-]+)")
SIGNED_WITH = {"HMAC_SHA1"}
"""How a call may be signed. Twilio can also sign with a shared key (SHA-256); nobody has given us one."""

MESSAGE = re.compile(r"(SM|MM)[0-9a-f]{32}")
SIGNED_ID = re.compile(r"MessageSid(?:SM|MM)[0-9a-f]{32}")
PERSON = re.compile(r"whatsapp:(\+[0-9]{7,15}|[A-Z]{2}\.[A-Za-z0-9]{1,128})")
SENDER = re.compile(r"whatsapp:\+[0-9]{3,15}")
NUMBER = re.compile(r"[0-9]{1,2}")
VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
STATES = {"sent": "sent", "delivered": "delivered", "read": "read", "failed": "failed", "undelivered": "failed"}
KINDS = {"image": "image", "audio": "audio", "video": "video", "text": "contact", "application": "document"}
REFUSED_FOR_GOOD = {21211, 21610, 21614, 63003, 63024}
"""Twilio's codes for a person who cannot be reached here: bad number, opted out, not on WhatsApp."""

UNAUTHORISED = 20003

TWILIOS_OWN = 10_000
"""Twilio's error codes begin here; a refusal without one is a page of something in between."""

CONTENT_REFUSED = {20001, 21619, 21654, 21655, 21656, 21658, 92007}
"""Twilio's codes for a stored layout it will not fill in or no longer has; the same words as plain text are fine."""


class Wire(AsyncHttpClient):
    """Twilio's client on httpx: with timeouts, to the configured host, never following a redirect or repeating."""

    def __init__(self, base: str | None, patience: float) -> None:
        super().__init__(logging.getLogger("twilio.http_client"), is_async=True)
        self._base = base
        self._http = httpx.AsyncClient(timeout=httpx.Timeout(patience, connect=5, pool=5), follow_redirects=False)

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
    """One sender at Twilio. `contents` maps our layouts to the account's stored content (`puente whatsapp sync`).

    `token` makes our calls; Twilio's may be signed with it or, while it changes, with one of the `older`.
    """

    def __init__(
        self,
        account: str,
        token: str,
        public: str,
        sender: str | None,
        service: str | None,
        base: str | None,
        contents: Mapping[str, str] | None = None,
        limits: Limits = LIMITS,
        patience: float = PATIENCE,
        older: Sequence[str] = (),
    ) -> None:
        self._limits = limits
        self.account, self._token, self._public = account, token, public
        self._from = {"from_": sender} if service is None else {"messaging_service_sid": service}
        self._sender = sender
        self._validators = [RequestValidator(key) for key in (token, *older)]
        self.contents: Mapping[str, str] = dict(contents or {})
        self._one_line = False
        self._wire = Wire(base, patience)
        self.client = Client(account, token, http_client=self._wire)

    @property
    def limits(self) -> Limits:
        return self._limits

    def genuine(self, request: Request) -> bool:
        """Twilio's signature over the *configured* public address and the form; any doubt is a no."""
        url = self._public + request.path + (f"?{request.query}" if request.query else "")
        signature = request.headers.get("x-twilio-signature", "")
        told = ALGORITHM.search(request.headers.get("x-twilio-webhooks-signature-settings", ""))
        if not signature or (told is not None and told.group(1) not in SIGNED_WITH):
            return False
        try:
            form = _form(request)
            return not _recut(form) and any(one.validate(url, form, signature) for one in self._validators)
        except (Refused, ValueError, TypeError):
            return False

    def read(self, request: Request) -> list[Event]:
        """A message or a status. Every field has a strict form, which a re-cut request has not (SAFETY A3).

        What Twilio signed and we cannot read is kept for staff (SAFETY A6), once however it is cut: by the message's
        id, and where it has none by its signature. A status is of no person: one that cannot be read is refused.
        """
        form = _form(request)
        if form.get("AccountSid") != self.account:
            raise Refused("not of this account")
        if "MessageStatus" in form or request.path.endswith("/status"):
            return self._status(form, request.query)
        signature = request.headers.get("x-twilio-signature", "")
        return self._heard(form) or [_unread(form, signature, request.body.decode("ascii"))]

    def _heard(self, form: Mapping[str, str]) -> list[Event]:
        """The message of a person to us; nothing where any field has another form than we know."""
        known = (
            MESSAGE.fullmatch(form.get("MessageSid", ""))
            and PERSON.fullmatch(form.get("From", ""))
            and NUMBER.fullmatch(form.get("NumMedia", "0"))
            and "Body" in form
            and VERSION.fullmatch(form.get("ApiVersion", ""))
            and SENDER.fullmatch(form.get("To", ""))
            and self._sender in (None, form["To"])
        )
        return [self._message(form)] if known else []

    def _message(self, form: Mapping[str, str]) -> Incoming:
        alias = form.get("ExternalUserId", "")
        other = (alias,) if PERSON.fullmatch(alias) and alias != form["From"] else ()
        # a document's body is its file's name, not something the person said
        text = "" if form.get("MessageType") == "document" else clean(form["Body"])
        place = _place(form)
        media = None if text or place else _media(form)
        tapped = form.get("ButtonPayload") or form.get("ListId")
        return Incoming(
            provider=form["MessageSid"],
            address=form["From"],
            aliases=other,
            message=Message(
                text=text,
                tapped=clean(tapped)[:200] if tapped else None,
                place=place,
                media=media,
            ),
            courtesy={"message": form["MessageSid"]},
        )

    def _status(self, form: Mapping[str, str], query: str) -> list[Event]:
        if not MESSAGE.fullmatch(form.get("MessageSid", "")):
            raise Refused("not the status of a message")
        state = STATES.get(form.get("MessageStatus", ""))
        if state is None:
            return []
        reference = dict(parse_qsl(query)).get("ref")
        code = form.get("ErrorCode", "")
        gone = state == "failed" and code.isascii() and code.isdigit() and int(code) in REFUSED_FOR_GOOD
        return [Status(form["MessageSid"], state, clean(code)[:20] or None, reference, unreachable=gone)]

    def write(self, address: str, spoken: Spoken, reference: str) -> Payload:
        """Buttons or a list where the account has the layout, else the options as numbered text."""
        values: dict[str, Any] = {"to": address, "reference": reference, "body": numbered(spoken)}
        for layout, variables in layouts.fitting(spoken):
            if layout in self.contents and not (self._one_line and "\n" in spoken.text):
                shown = json.dumps(variables, ensure_ascii=False)
                return Payload("content", values | {"content_sid": self.contents[layout], "content_variables": shown})
        return Payload("text", values)

    async def send(self, payload: Payload) -> Receipt:
        """A layout that Twilio surely did not take goes out as numbered text: words matter more than buttons."""
        body = payload.values["body"]
        if payload.method == "content":
            layout = {name: payload.values[name] for name in ("content_sid", "content_variables")}
            try:
                return await self._create(payload.values, **layout)
            except (TwilioException, httpx.HTTPError) as error:
                if getattr(error, "status", None) != 400 or getattr(error, "code", None) not in CONTENT_REFUSED:
                    raise failed(error) from None
                # Twilio's pages disagree whether a variable may hold a newline in session; it has the last word
                self._one_line |= "\\n" in layout["content_variables"]
                log.warning("whatsapp.layout_refused", code=getattr(error, "code", None))
        try:
            return await self._create(payload.values, body=body)
        except (TwilioException, httpx.HTTPError) as error:
            raise failed(error) from None

    async def _create(self, values: Mapping[str, Any], **what: str) -> Receipt:
        callback = f"{self._public}/webhooks/twilio/status?ref={values['reference']}"
        sent = await self.client.messages.create_async(
            to=values["to"], **what, **self._from, status_callback=callback
        )
        return Receipt(str(sent.sid))

    def owes(self, given: Mapping[str, str]) -> bool:
        return False

    async def courtesy(self, given: Mapping[str, str], writing: bool) -> None:
        """Show that we are writing (Twilio's typing indicator; it also marks the message as read)."""
        if not writing or "message" not in given:
            return
        try:
            await self.client.messaging.v2.typing_indicator.create_async(
                channel="whatsapp", message_id=given["message"]
            )
        except Exception as error:  # a courtesy that fails costs nobody anything
            log.info("whatsapp.courtesy", error=type(error).__name__)

    async def taken(self, address: str, since: float) -> list[Taken]:
        try:
            return await lists.taken(self.client, address, since)
        except (TwilioException, httpx.HTTPError, ValueError) as error:
            raise failed(error) from None

    def listed_as(self, spoken: Spoken) -> Collection[str]:
        """A layout is listed by its body, which is the text; everything else as it was written."""
        return {spoken.text, numbered(spoken)}

    async def heard(self, since: float) -> list[Incoming]:
        try:
            return await lists.heard(self.client, self._sender, since)
        except (TwilioException, httpx.HTTPError, ValueError) as error:
            raise failed(error) from None

    def reread(self, raw: str) -> list[Event]:
        form = dict(parse_qsl(raw, keep_blank_values=True))
        return self._heard(form) or [_unread(form, "", raw)]

    async def examine(self) -> list[Finding]:
        return await examine(self._wire, self.account, self._token, self._public, self.contents)

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


def _unread(form: Mapping[str, str], signature: str, body: str) -> Unreadable:
    sid = form.get("MessageSid", "")
    return Unreadable(sid if MESSAGE.fullmatch(sid) else signature, body)


def _recut(form: Mapping[str, str]) -> bool:
    """Whether the fields hide one another: the signature has no delimiter, so an old request can be cut anew.

    In the signed string every message id must be the whole value of a field that is really there (SAFETY A3).
    """
    signed = "".join(name + form[name] for name in sorted(form))
    named = sum(1 for name, value in form.items() if name.endswith("MessageSid") and MESSAGE.fullmatch(value))
    return len(SIGNED_ID.findall(signed)) != named


def _media(form: Mapping[str, str]) -> str:
    return KINDS.get(form.get("MediaContentType0", "").split("/")[0], "other")


def _place(form: Mapping[str, str]) -> tuple[float, float] | None:
    try:
        found = (float(form["Latitude"]), float(form["Longitude"]))
    except (KeyError, ValueError):
        return None
    return found if all(map(math.isfinite, found)) else None


def failed(error: Exception) -> Failed:
    """What an error of Twilio's API means for the message (SAFETY B6)."""
    if isinstance(error, httpx.HTTPError):
        return Failed("not_sent" if isinstance(error, NOT_SENT) else "unknown", type(error).__name__)
    status, code = getattr(error, "status", None), getattr(error, "code", None) or 0
    if status is None and len(error.args) > 1:  # a page of a list: the library hands on the whole answer
        status = getattr(error.args[1], "status_code", None)
    why = str(code or status or type(error).__name__)
    if status == 429:
        return Failed("not_sent", why, wait=BUSY, everyone=True)
    if status in (401, 403):
        refused = status == 401 or code == UNAUTHORISED
        return Failed("not_sent", UNWELCOME if refused else why, wait=60, everyone=True)
    if status is None or not 400 <= status < 500:
        return Failed("unknown", why)
    if code < TWILIOS_OWN:
        return Failed("not_sent", "proxy", wait=60, everyone=True)
    return Failed("refused", why, unreachable=code in REFUSED_FOR_GOOD)
