"""A person's message as Twilio brings it, and the requests that only look like one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from starlette.responses import Response

from tests.fakes import forge
from tests.fakes.conftest import PUBLIC, Send
from tests.fakes.people import WhatsAppPhone
from tests.fakes.product import Heard, Product
from tests.fakes.twilio import FakeTwilio
from tests.fakes.twilio_hooks import Hook, deliver


async def test_a_message_arrives_signed(twilio: FakeTwilio, product: Product, rosa: WhatsAppPhone) -> None:
    assert await rosa.say("¿qué onda? ñ + & = 😀") == 200
    [heard] = product.heard
    form = heard.form
    assert heard.path == "/webhooks/twilio" and heard.genuine(twilio.auth_token, PUBLIC)
    assert form["MessageSid"] == form["SmsMessageSid"] == form["SmsSid"] and len(form["MessageSid"]) == 34
    assert (
        form["From"] == rosa.address and form["WaId"] == rosa.number[1:] and form["Body"] == "¿qué onda? ñ + & = 😀"
    )
    assert form["ExternalUserId"].startswith("whatsapp:GT.") and form["SmsStatus"] == "received"
    assert not replace(heard, body=heard.body + b"&x=1").genuine(twilio.auth_token, PUBLIC)


async def test_blank_values_are_sent_and_signed(twilio: FakeTwilio, product: Product, rosa: WhatsAppPhone) -> None:
    await rosa.send(rosa.location(14.8, -91.5), rosa.sticker())
    assert all(heard.form["Body"] == "" and heard.genuine(twilio.auth_token, PUBLIC) for heard in product.heard)
    assert product.heard[0].form["Latitude"] == "14.8" and product.heard[1].form["MessageType"] == "sticker"


async def test_a_person_who_hides_the_number(twilio: FakeTwilio, product: Product, send: Send) -> None:
    shy = WhatsAppPhone(twilio, "Beto", number="", scoped_id="GT.abc123")
    await shy.say("hola")
    form = product.heard[0].form
    assert form["From"] == form["ExternalUserId"] == "whatsapp:GT.abc123" and "WaId" not in form
    assert (await send(shy.address, Body="hola")).status_code == 201
    await twilio.settled()
    assert shy.last.text == "hola" and product.heard[-1].form["To"] == "whatsapp:GT.abc123"


async def test_one_more_try_when_nobody_is_there(twilio: FakeTwilio, product: Product, rosa: WhatsAppPhone) -> None:
    hook = rosa.text("hola")
    twilio.roads[PUBLIC] = "http://127.0.0.1:9"
    assert await rosa.send(hook) == [0]
    assert [code for code, _ in twilio.alerts] == [11205]
    assert twilio.window_open(rosa.address) and twilio.stored[hook.fields["MessageSid"]].body == "hola"
    twilio.roads[PUBLIC] = product.base
    product.answers = [Response(status_code=503)]
    assert await rosa.again(hook) == 503 and len(product.heard) == 1  # an answer, even a bad one, ends it
    assert await rosa.again(hook) == 200


async def test_files_are_fetched_with_the_password_and_from_another_host_without(
    twilio: FakeTwilio, product: Product, rosa: WhatsAppPhone, web: httpx.AsyncClient
) -> None:
    await rosa.send(rosa.voice(b"OggS1"), rosa.contact("+50255550102"))
    form = product.heard[0].form
    assert (form["NumMedia"], form["MediaContentType0"], form["MessageSid"][:2]) == ("1", "audio/ogg", "MM")
    assert "BEGIN:VCARD" in twilio.media[product.heard[1].form["MediaUrl0"].rpartition("/")[2]][1].decode()
    url = form["MediaUrl0"]
    moved = await web.get(url)
    assert moved.status_code == 307
    assert (await web.get(moved.headers["location"])).status_code == 400  # the password is not for that host
    async with httpx.AsyncClient(trust_env=False, verify=False) as stranger:
        assert (await stranger.get(url)).status_code == 401
        assert (await stranger.get(moved.headers["location"])).content == b"OggS1"
    assert (await web.delete(url + ".json")).status_code == 204
    assert (await web.get(url)).status_code == 404


async def test_typing(twilio: FakeTwilio, rosa: WhatsAppPhone, web: httpx.AsyncClient) -> None:
    hook = rosa.text("hola")
    await rosa.send(hook)
    asked = {"channel": "whatsapp", "messageId": hook.fields["MessageSid"]}
    assert (await web.post("/v2/Indicators/Typing.json", data=asked)).json() == {"success": True}
    assert twilio.typing == [hook.fields["MessageSid"]]
    unknown = {"channel": "whatsapp", "messageId": "SM" + "0" * 32}
    assert (await web.post("/v2/Indicators/Typing.json", data=unknown)).status_code == 400


def heard_of(hook: Hook) -> Heard:
    body = str(httpx.QueryParams([(k, v) for k, v in hook.form])).encode()
    return Heard("/webhooks/twilio", {k.lower(): v for k, v in hook.headers.items()}, body)


@pytest.fixture
def offline() -> Iterator[WhatsAppPhone]:
    yield WhatsAppPhone(FakeTwilio(), "Ana", url=f"{PUBLIC}/webhooks/twilio")


def test_forgeries_with_a_bad_signature(offline: WhatsAppPhone) -> None:
    twilio, hook = offline.twilio, offline.text("hola")
    assert heard_of(hook).genuine(twilio.auth_token, PUBLIC)
    bad = [
        forge.wrong_signature(hook),
        forge.without_signature(hook),
        forge.other_algorithm(hook, "HMAC_SHA256"),
        forge.other_token(twilio, hook),
        *forge.one_byte(hook),
    ]
    assert len(bad) > 300 and not any(heard_of(one).genuine(twilio.auth_token, PUBLIC) for one in bad)


def test_a_shared_key_signs_with_sha256(offline: WhatsAppPhone) -> None:
    fake = offline.twilio
    fake.shared_key = ("webhooks_sharedkey_1", "a-shared-secret")
    heard = heard_of(offline.text("hola"))
    assert heard.genuine("a-shared-secret", PUBLIC) and not heard.genuine(fake.auth_token, PUBLIC)


def test_forgeries_with_a_good_signature(offline: WhatsAppPhone) -> None:
    """Twilio's own validator takes every one of these; only the product's grammar can refuse them."""
    twilio, hook = offline.twilio, offline.text("hola")
    cuts = list(forge.recuts(hook))
    assert len(cuts) > 20 and all(dict(cut.form) != dict(hook.form) for cut in cuts)
    genuine, stolen = forge.stolen_words(offline, "whatsapp:+50255550199", "cancele mi caso")
    good = [*cuts, genuine, stolen, forge.other_account(twilio, hook), forge.duplicate_key(hook, "MessageSid")]
    assert all(heard_of(one).genuine(twilio.auth_token, PUBLIC) for one in good)
    form = stolen.fields
    assert (form["From"], form["Body"]) == ("whatsapp:+50255550199", "cancele mi caso")
    assert form["MessageSid"] == form["SmsMessageSid"] == form["SmsSid"] != genuine.fields["MessageSid"]
    told = "".join(name + value for name, value in sorted(stolen.form))
    assert told.count("MessageSidSM") > sum(name.endswith("MessageSid") for name in form)


async def test_a_json_body_is_sent_as_json(twilio: FakeTwilio, product: Product, rosa: WhatsAppPhone) -> None:
    await deliver(twilio, forge.as_json(rosa.text("hola")))
    assert product.heard[0].headers["content-type"] == "application/json"
    assert product.heard[0].update["Body"] == "hola"
