"""A WhatsApp message as Twilio brings it: a signed form of sixteen fields, and how an application is handed one."""

from __future__ import annotations

import base64
import hmac
import json
from hashlib import md5
from typing import Any, NamedTuple
from urllib.parse import urlencode

ACCOUNT = "AC" + "b" * 32
TOKEN = "t" * 32
SENDER = "whatsapp:+14155238886"
PUBLIC = "https://puente.example"
PATH = "/webhooks/twilio"


class Call(NamedTuple):
    """One request: its headers as a server hands them on, and its body."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


def address(person: int) -> str:
    return f"whatsapp:+502{40_000_000 + person}"


def delivered(person: int, number: int, text: str) -> Call:
    """One message, signed for our public address."""
    sid = "SM" + md5(f"{person}|{number}".encode(), usedforsecurity=False).hexdigest()
    who = address(person).removeprefix("whatsapp:+")
    form = {
        "SmsMessageSid": sid, "NumMedia": "0", "ProfileName": "Ana", "MessageType": "text", "SmsSid": sid,
        "WaId": who, "SmsStatus": "received", "Body": text, "To": SENDER, "NumSegments": "1",
        "ReferralNumMedia": "0", "MessageSid": sid, "AccountSid": ACCOUNT, "From": address(person),
        "ApiVersion": "2010-04-01",
        "ChannelMetadata": json.dumps({"type": "whatsapp", "data": {"context": {"ProfileName": "Ana", "WaId": who}}}),
    }  # fmt: skip
    told = PUBLIC + PATH + "".join(name + form[name] for name in sorted(form))
    signature = base64.b64encode(hmac.new(TOKEN.encode(), told.encode(), "sha1").digest())
    body = urlencode(form).encode()
    headers = [
        (b"host", b"puente.example"),
        (b"user-agent", b"TwilioProxy/1.1"),
        (b"content-length", str(len(body)).encode()),
        (b"content-type", b"application/x-www-form-urlencoded; charset=UTF-8"),
        (b"accept", b"*/*"),
        (b"i-twilio-idempotency-token", sid.encode()),
        (b"x-twilio-signature", signature),
        (b"x-forwarded-for", b"54.172.60.1"),
        (b"x-forwarded-proto", b"https"),
    ]
    return Call(headers, body)


async def hand_over(app: Any, call: Call) -> int:
    """Call an application as a server does, without the server; the status it answered."""
    status = 0
    given = False

    async def receive() -> dict[str, Any]:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": call.body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    await app({
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": PATH, "raw_path": PATH.encode(), "query_string": b"", "root_path": "",
        "headers": call.headers, "client": ("127.0.0.1", 40000), "server": ("127.0.0.1", 8000), "state": {},
    }, receive, send)  # fmt: skip
    return status
