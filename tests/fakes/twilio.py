"""A Twilio that lives on this machine: messages, content, callbacks and webhooks, all hosts at one address.

Point the product at it with TWILIO_API_BASE=fake.base; give people phones with tests.fakes.people.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from .base import Fake
from .faults import Fault
from .twilio_content import Contents
from .twilio_hooks import Callbacks, Hook
from .twilio_limits import WINDOW, WORDS, Refused, Shown, check_send, read_variables, show, too_much

ACCOUNT, TOKEN = "AC" + "a1" * 16, "fa4e" * 8
SENDER, SERVICE = "whatsapp:+14155238886", "MG" + "b2" * 16
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass
class Recipient:
    """A WhatsApp address as Twilio knows it. The window opens with each message from the person, and only so."""

    address: str
    last_inbound: float | None = None
    opted_out: bool = False
    reachable: bool = True  # False: not on WhatsApp (63024)
    blocked: bool = False  # True: stays "sent" for ever


@dataclass
class Stored:
    """One row of the Messages resource, ours or a person's."""

    sid: str
    at: float
    direction: str
    to: str
    sender: str | None
    body: str
    media: tuple[str, ...] = ()
    service: str | None = None
    status: str = "received"
    sent: Any = None


class FakeTwilio(Fake):
    """One account with one WhatsApp sender.

    anyone: every address has just written to us (for long harnesses); most_at_once: calls in flight before 429;
    list_lag: seconds until a message shows up in the list.
    """

    name = "twilio"

    def __init__(
        self,
        account_sid: str = ACCOUNT,
        auth_token: str = TOKEN,
        sender: str = SENDER,
        service_sid: str = SERVICE,
        anyone: bool = False,
        most_at_once: int = 100,
        list_lag: float = 0.0,
        **common: Any,
    ) -> None:
        self.account_sid, self.auth_token = account_sid, auth_token
        self.sender, self.service_sid = sender, service_sid
        self.anyone, self.most_at_once, self.list_lag = anyone, most_at_once, list_lag
        self.people: dict[str, Recipient] = {}
        self.stored: dict[str, Stored] = {}
        self.media: dict[str, tuple[str, bytes]] = {}  # ME sid → (content type, bytes)
        self.typing: list[str] = []
        self.shared_key: tuple[str, str] | None = None  # (key id, secret): webhooks are then signed with SHA-256
        self.webhook_url = ""  # the sender's "when a message comes in", as the public sees it
        self.alerts: list[tuple[int, Hook]] = []  # Twilio's own note of a webhook that failed: 11200, 11205
        self.contents = Contents(self)
        self.callbacks = Callbacks(self)
        self._in_flight = 0
        super().__init__(**common)

    def routes(self) -> list[BaseRoute]:
        account = "/2010-04-01/Accounts/{account}"
        media = account + "/Messages/{sid}/Media/{media}"
        return [
            Route(account + "/Messages.json", self.checked(self._create), methods=["POST"]),
            Route(account + "/Messages.json", self.checked(self._list)),
            Route(account + "/Messages/{sid}.json", self.checked(self._one), methods=["GET", "POST", "DELETE"]),
            Route(media + ".json", self.checked(self._delete_media), methods=["DELETE"]),
            Route(media, self.checked(self._media)),
            Route("/__media/{media}", self._media_host),
            Route("/v2/Indicators/Typing.json", self.checked(self._typing), methods=["POST"]),
            *self.contents.routes(),
        ]

    def checked(self, endpoint: Endpoint) -> Endpoint:
        """Basic auth of this account, the account's own path, at most so many calls at once; errors in JSON."""

        async def guarded(request: Request) -> Response:
            if self._in_flight >= self.most_at_once:
                return self.refusal(429, "Too Many Requests", 20429, 1)
            self._in_flight += 1
            try:
                self._authenticate(request)
                if request.path_params.get("account", self.account_sid) != self.account_sid:
                    raise Refused(20404, 404)
                return await endpoint(request)
            except Refused as no:
                return self.refusal(no.status, no.words, no.code, 0)
            finally:
                self._in_flight -= 1

        return guarded

    def _authenticate(self, request: Request) -> None:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = password = ""
        right = user == self.account_sid and hmac.compare_digest(password.encode(), self.auth_token.encode())
        if kind.lower() != "basic" or not right:
            raise Refused(20003, 401, "Authenticate")

    def refusal(self, status: int, words: str, code: int, seconds: float) -> Response:
        code = code or (20003 if status == 403 else 20500)
        body = {"code": code, "message": words, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
        headers = {"Retry-After": str(int(seconds))} if status == 429 and seconds else None
        return JSONResponse(body | {"status": status}, status, headers)

    @staticmethod
    def words(code: int) -> str:
        return WORDS.get(code, "Error")

    def spoken(self, work: Callable[[Fault | None], Response]) -> Callable[[Fault | None], Response]:
        """Work whose refusals are answers, so that a planned fault can still spoil them."""

        def safe(fault: Fault | None) -> Response:
            try:
                return work(fault)
            except Refused as no:
                return self.refusal(no.status, no.words, no.code, 0)

        return safe

    def person(self, address: str) -> Recipient:
        return self.people.setdefault(address, Recipient(address))

    def open(self, people: list[str]) -> None:
        for address in people:
            self.person(address).last_inbound = self.clock()

    def arrived(self, sid: str, address: str, body: str, media: tuple[str, ...] = ()) -> None:
        """A person's message reached Twilio; whether our webhook takes it is another matter."""
        self.person(address).last_inbound = self.clock()
        self.stored[sid] = Stored(sid, self.clock(), "inbound", self.sender, address, body, media)

    def window_open(self, address: str) -> bool:
        last = self.person(address).last_inbound
        return self.anyone or (last is not None and self.clock() - last <= WINDOW)

    async def _create(self, request: Request) -> Response:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True)
        form = {name: value for name, value in pairs if name != "MediaUrl"}
        media = [value for name, value in pairs if name == "MediaUrl"]
        return await self.answer(
            "messages", form.get("To", ""), True, form | ({"MediaUrl": media[0]} if media else {}),
            self.spoken(lambda fault: self._send(form, media, fault)),
        )  # fmt: skip

    def _send(self, form: dict[str, str], media: list[str], fault: Fault | None) -> Response:
        check_send(form, media)
        service = form.get("MessagingServiceSid")
        if service and service != self.service_sid:
            raise Refused(21705)
        if form.get("From", self.sender) != self.sender:
            raise Refused(63007)
        shown, approved = self._rendered(form, media)
        person = self.person(form["To"])
        if person.opted_out:
            raise Refused(21610)
        sid = ("MM" if media else "SM") + uuid4().hex
        sent = self.accept(
            person.address, sid, shown.kind, shown.text, options=list(shown.options), opener=shown.opener,
            status="accepted" if service else "queued", request=form | ({"MediaUrl": media[0]} if media else {}),
        )  # fmt: skip
        row = Stored(sid, sent.at, "outbound-api", person.address, None if service else self.sender, shown.text,
                     tuple(media), service, sent=sent)  # fmt: skip
        self.stored[sid] = row
        answer = JSONResponse(self._json(row), 201)
        self.callbacks.begin(sent, self._fate(person, shown, approved, fault))
        return answer

    def _rendered(self, form: dict[str, str], media: list[str]) -> tuple[Shown, bool]:
        """(what the phone will show, whether it is an approved template)."""
        if not form.get("ContentSid"):
            return Shown("media" if media else "text", form.get("Body", "")), False
        content = self.contents.all.get(form["ContentSid"])
        if content is None:
            raise Refused(21655)
        variables = content.variables | read_variables(form.get("ContentVariables", ""))
        return show(content.types, variables), content.approved

    def _fate(self, person: Recipient, shown: Shown, approved: bool, fault: Fault | None) -> int | None:
        """The error that a status callback will bring, if any: what WhatsApp says comes after Twilio's 201."""
        if fault and fault.kind == "later":
            return fault.code
        if not person.reachable:
            return 63024
        if not self.window_open(person.address) and not approved:
            return 63016
        return 63013 if shown.kind not in ("text", "media") and too_much(shown, approved) else None

    async def _list(self, request: Request) -> Response:
        """Newest first; `To`, `From` and `DateSent` (with `<` or `>`, both inclusive, by day or second)."""
        query = dict(request.query_params)
        size, page = min(max(int(query.get("PageSize", 50)), 1), 1000), int(query.get("Page", 0))
        newest = self.clock() - self.list_lag
        rows = [row for row in list(self.stored.values())[::-1] if row.at <= newest and _asked_for(row, query)]
        path = request.url.path

        def uri(n: int) -> str:
            kept = {k: v for k, v in query.items() if k not in ("Page", "PageSize", "PageToken")}
            token = {"PageToken": f"PASM{n}"} if n else {}
            return f"{path}?{urlencode({**kept, 'PageSize': size, 'Page': n, **token})}"

        some = rows[page * size : (page + 1) * size]
        body = {
            "messages": [self._json(row) for row in some], "page": page, "page_size": size,
            "start": page * size, "end": page * size + max(len(some) - 1, 0), "uri": uri(page),
            "first_page_uri": uri(0), "previous_page_uri": uri(page - 1) if page else None,
            "next_page_uri": uri(page + 1) if len(rows) > (page + 1) * size else None,
        }  # fmt: skip
        return await self.answer("list", query.get("To", ""), False, query, lambda fault: JSONResponse(body))

    async def _one(self, request: Request) -> Response:
        """GET fetches, POST with `Body=` empties the text, DELETE removes; both refuse what is still under way."""
        row = self.stored.get(request.path_params["sid"])
        if row is None:
            raise Refused(20404, 404, f"The requested resource {request.url.path} was not found")
        form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))

        def work(fault: Fault | None) -> Response:
            if request.method == "GET":
                return JSONResponse(self._json(row))
            if (row.sent.status if row.sent else row.status) in ("queued", "accepted", "sending"):
                raise Refused(20009, 409)
            if request.method == "DELETE":
                self.stored.pop(row.sid, None)
                return Response(status_code=204)
            if form.get("Body") != "":
                raise Refused(20001, words="a message's Body can only be emptied")
            row.body = ""
            return JSONResponse(self._json(row))

        return await self.answer(request.method.lower(), row.to, False, form, self.spoken(work))

    def keep_media(self, message_sid: str, kind: str, data: bytes) -> str:
        """A file a person sent; returns its MediaUrl."""
        sid = "ME" + uuid4().hex
        self.media[sid] = kind, data
        base = self.base or "https://api.twilio.com"
        return f"{base}/2010-04-01/Accounts/{self.account_sid}/Messages/{message_sid}/Media/{sid}"

    async def _media(self, request: Request) -> Response:
        if request.path_params["media"] not in self.media:
            raise Refused(20404, 404)
        return RedirectResponse(f"{request.base_url}__media/{request.path_params['media']}", 307)

    async def _media_host(self, request: Request) -> Response:
        """Another host in truth: it must not be shown the account's password."""
        if "authorization" in request.headers:
            return Response("Only one auth mechanism allowed", 400)
        found = self.media.get(request.path_params["media"])
        return Response(found[1], media_type=found[0]) if found else Response(status_code=404)

    async def _delete_media(self, request: Request) -> Response:
        if self.media.pop(request.path_params["media"], None) is None:
            raise Refused(20404, 404)
        return Response(status_code=204)

    async def _typing(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        row = self.stored.get(form.get("messageId", ""))
        if form.get("channel") != "whatsapp" or row is None or row.direction != "inbound":
            raise Refused(20001, words="channel=whatsapp and messageId of an inbound message are required")
        self.typing.append(row.sid)
        return JSONResponse({"success": True})

    def _json(self, row: Stored) -> dict[str, Any]:
        when = format_datetime(datetime.fromtimestamp(row.at, UTC))
        uri = f"/2010-04-01/Accounts/{self.account_sid}/Messages/{row.sid}"
        error = row.sent.error if row.sent else None
        return {
            "sid": row.sid, "account_sid": self.account_sid, "api_version": "2010-04-01", "body": row.body,
            "date_created": when, "date_sent": when, "date_updated": when, "direction": row.direction,
            "error_code": error, "error_message": WORDS.get(error) if error else None, "from": row.sender,
            "to": row.to, "messaging_service_sid": row.service, "num_media": str(len(row.media)),
            "num_segments": "0" if row.service else "1", "price": None, "price_unit": "USD",
            "status": row.sent.status if row.sent else row.status, "uri": uri + ".json",
            "subresource_uris": {"media": uri + "/Media.json"},
        }  # fmt: skip


def _asked_for(row: Stored, query: dict[str, str]) -> bool:
    if query.get("To", row.to) != row.to or query.get("From", row.sender) != row.sender:
        return False
    when = datetime.fromtimestamp(row.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    on, since, until = (query.get(f"DateSent{sign}", "") for sign in ("", ">", "<"))
    same = not on or when.startswith(on[:10])
    return same and (not since or when[: len(since)] >= since) and (not until or when[: len(until)] <= until)
