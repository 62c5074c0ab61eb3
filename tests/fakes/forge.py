"""Requests that the vendors never sent: what a webhook must refuse although much of it looks right.

Twilio's signature has no delimiter, no time and no nonce, so a captured request can be cut anew into other fields
that sign the same. `recuts` finds such cuts; `stolen_words` makes one message into another person's, with every known
field in good grammar. Whoever wants to tell it apart must count how often a sid stands in the signed text: each
`MessageSid<sid>` there has to be the name and value of a field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import httpx

from .telegram_phone import TelegramPhone
from .telegram_updates import Update
from .twilio import FakeTwilio
from .twilio_hooks import Form, Hook, signed
from .whatsapp_phone import WhatsAppPhone


def malformed_updates(phone: TelegramPhone) -> Iterator[Update]:
    """Updates with the right secret and the wrong shape; most make `Update.de_json` raise. Ids are in order."""
    whole = phone.text("hola")["message"]
    shapes: list[Any] = [
        whole | {"from": {"id": phone.id}},
        whole | {"chat": {"id": phone.id}},
        {k: v for k, v in whole.items() if k != "message_id"},
        {k: v for k, v in whole.items() if k != "chat"},
        whole | {"date": "ayer"},
        whole | {"text": {"no": "text"}},
        whole | {"entities": [{"type": "bold"}]},
        whole | {"contact": {"first_name": "Ana"}},
        "hola",
        [],
    ]
    for shape in shapes:
        yield phone.telegram.updates.new("message", shape)


def wrong_signature(hook: Hook) -> Hook:
    """Right in length and alphabet, wrong in its first letter."""
    old = hook.headers["X-Twilio-Signature"]
    return replace(hook, headers=hook.headers | {"X-Twilio-Signature": ("B" if old[0] == "A" else "A") + old[1:]})


def without_signature(hook: Hook) -> Hook:
    return replace(hook, headers={k: v for k, v in hook.headers.items() if k != "X-Twilio-Signature"})


def other_algorithm(hook: Hook, name: str = "HMAC_MD5") -> Hook:
    """An algorithm that nobody has agreed on."""
    settings = {"X-Twilio-Webhooks-Signature-Settings": f"key=any,algorithm={name}"}
    return replace(hook, headers=hook.headers | settings)


def other_token(fake: FakeTwilio, hook: Hook) -> Hook:
    """Signed by somebody who does not know the token."""
    stranger = FakeTwilio(auth_token="another-token")
    return signed(stranger, hook.url, hook.form)


def other_account(fake: FakeTwilio, hook: Hook) -> Hook:
    """Signed as it should be, and about somebody else's account."""
    return signed(fake, hook.url, [(k, "AC" + "e" * 32 if k == "AccountSid" else v) for k, v in hook.form])


def duplicate_key(hook: Hook, name: str, value: str | None = None) -> Hook:
    """The same field twice. With its own value again, Twilio's validator finds nothing wrong."""
    return hook.with_form([*hook.form, (name, hook.fields[name] if value is None else value)])


def as_json(hook: Hook) -> Hook:
    """The fields as a JSON body, which makes Twilio's validator raise TypeError."""
    body = httpx.Request("POST", hook.url, json=hook.fields).content
    return replace(hook, body=body, headers=hook.headers | {"Content-Type": "application/json"})


def one_byte(hook: Hook) -> Iterator[Hook]:
    """Every request that differs in one byte of one value."""
    for n, (name, value) in enumerate(hook.form):
        for i in range(len(value)):
            other = "x" if value[i] != "x" else "y"
            changed = value[:i] + other + value[i + 1 :]
            yield hook.with_form([*hook.form[:n], (name, changed), *hook.form[n + 1 :]])


def recuts(hook: Hook) -> Iterator[Hook]:
    """Other forms under the same signature: a field swallowed by the one before it, or a name cut elsewhere."""
    fields = sorted(hook.form)
    for n in range(1, len(fields)):
        name, value = fields[n - 1]
        swallowed = (name, value + "".join(fields[n]))
        yield hook.with_form([*fields[: n - 1], swallowed, *fields[n + 1 :]])
    for n, (name, value) in enumerate(fields):
        for cut in range(1, len(name + value)):
            whole = name + value
            new = [*fields[:n], (whole[:cut], whole[cut:]), *fields[n + 1 :]]
            if cut != len(name) and new == sorted(new) and len(dict(new)) == len(new):
                yield hook.with_form(new)


def stolen_words(phone: WhatsAppPhone, victim: str, words: str) -> tuple[Hook, Hook]:
    """(a message as the phone may really send it, the same signature cut into a new message from `victim`).

    The phone's text holds the later fields in the order in which they are signed; the last, an unknown field of the
    kind Twilio adds without notice, swallows the true ones.
    """
    sid = "SM" + uuid4().hex
    true = phone.hook("").fields
    later: Form = sorted(
        (k, v) for k, v in true.items() if k > "Body" and k not in ("WaId", "ExternalUserId", "ChannelMetadata")
    )
    changed = {"From": victim, "MessageSid": sid, "SmsMessageSid": sid, "SmsSid": sid}
    told = [(k, changed.get(k, v)) for k, v in later]
    genuine = phone.text(words + "".join(k + v for k, v in told) + "Zone")
    swallowed = "".join(k + v for k, v in sorted(genuine.form) if k > "Body")
    before = [(k, v) for k, v in sorted(genuine.form) if k < "Body"]
    return genuine, genuine.with_form([*before, ("Body", words), *told, ("Zone", swallowed)])
