"""The fake Twilio takes, refuses, lists and forgets as the real one does, and tells what became of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from twilio.rest.content.v1.content import ContentList  # type: ignore[import-untyped]

from tests.fakes import faults
from tests.fakes.conftest import PUBLIC, Send, until
from tests.fakes.people import WhatsAppPhone
from tests.fakes.product import Product
from tests.fakes.serve import serving
from tests.fakes.test_twilio_content import MENU, TOWNS
from tests.fakes.twilio import FakeTwilio
from tests.fakes.twilio_hooks import Story

# Every key of an answer, as in Twilio's own OpenAPI files.
MESSAGE_KEYS = {
    "account_sid", "api_version", "body", "date_created", "date_sent", "date_updated", "direction", "error_code",
    "error_message", "from", "messaging_service_sid", "num_media", "num_segments", "price", "price_unit", "sid",
    "status", "subresource_uris", "to", "uri",
}  # fmt: skip
MESSAGE_PAGE_KEYS = {
    "end", "first_page_uri", "messages", "next_page_uri", "page", "page_size", "previous_page_uri", "start", "uri",
}  # fmt: skip
CONTENT_KEYS = {
    "account_sid", "date_created", "date_updated", "friendly_name", "language", "links", "sid", "types", "url",
    "variables",
}  # fmt: skip
META_KEYS = {"first_page_url", "key", "next_page_url", "page", "page_size", "previous_page_url", "url"}


def messages(twilio: FakeTwilio, end: str = ".json") -> str:
    return f"/2010-04-01/Accounts/{twilio.account_sid}/Messages{end}"


def test_twilios_own_client_sends_lists_and_forgets() -> None:
    twilio = FakeTwilio()
    to = "whatsapp:+50255550101"
    twilio.open([to])
    with serving(twilio) as base:
        client = Client(twilio.account_sid, twilio.auth_token)
        client.api.base_url = client.content.base_url = client.messaging.base_url = base
        try:
            sent = client.messages.create(to=to, from_=twilio.sender, body="hola + adiós")
            assert (sent.status, sent.to, sent.body) == ("queued", to, "hola + adiós")
            made = client.content.v1.contents.create(
                ContentList.ContentCreateRequest({"language": "es", "variables": {"1": "a"}, "types": MENU})
            )
            values = json.dumps({"1": "¿Sigue?", "2": "Sí", "3": "No"})
            client.messages.create(
                to=to, messaging_service_sid=twilio.service_sid, content_sid=made.sid, content_variables=values
            )
            assert [option.label for option in twilio.sent[1].options] == ["Sí", "No"]
            for n in range(5):
                client.messages.create(to=to, from_=twilio.sender, body=str(n))
            listed = client.messages.list(to=to, page_size=3)  # over three pages
            assert [row.body for row in listed] == ["4", "3", "2", "1", "0", "¿Sigue?", "hola + adiós"]
            assert client.messages.list(to="whatsapp:+1") == []
            for n in range(7):
                twilio.contents.add({"twilio/text": {"body": str(n)}})
            assert len(client.content.v1.contents.list(page_size=3)) == 8
            assert client.content.v1.contents(made.sid).delete()
            with pytest.raises(TwilioRestException) as gone:
                client.content.v1.contents(made.sid).fetch()
            assert (gone.value.status, gone.value.code) == (404, 20404)
            assert client.messages(sent.sid).update(body="").body == ""
            assert client.messages(sent.sid).delete()
            assert len(client.messages.list()) == 6
            with pytest.raises(TwilioRestException) as long:
                client.messages.create(to=to, from_=twilio.sender, body="a" * 1601)
            assert long.value.code == 21617
        finally:
            client.http_client.session.close()


async def test_answers_have_the_vendors_shape(twilio: FakeTwilio, web: httpx.AsyncClient, send: Send) -> None:
    sent = await send("whatsapp:+50255550101", Body="a")
    assert sent.status_code == 201 and sent.json().keys() == MESSAGE_KEYS
    page = (await web.get(messages(twilio))).json()
    assert page.keys() == MESSAGE_PAGE_KEYS and page["messages"][0].keys() == MESSAGE_KEYS
    made = await web.post("/v1/Content", json={"language": "es", "types": TOWNS})
    assert made.status_code == 201 and made.json().keys() == CONTENT_KEYS
    listed = (await web.get("/v1/Content")).json()
    assert listed.keys() == {"contents", "meta"} and listed["meta"].keys() == META_KEYS
    assert listed["meta"]["next_page_url"] is None
    no = (await web.post(messages(twilio), data={})).json()
    assert no == {
        "code": 21604, "message": "The destination 'To' phone number is required to send an SMS", "status": 400,
        "more_info": "https://www.twilio.com/docs/errors/21604",
    }  # fmt: skip
    await twilio.settled()


@pytest.mark.parametrize(
    "fields, code",
    [
        ({}, 21602),
        ({"From": None, "Body": "a"}, 21603),
        ({"Body": "a" * 1601}, 21617),
        ({"To": "whatsapp:50255550101", "Body": "a"}, 21211),
        ({"To": "whatsapp:+0255550101", "Body": "a"}, 21211),
        ({"To": "whatsapp:+GT.abc", "Body": "a"}, 21211),
        ({"To": "whatsapp:GT." + "a" * 129, "Body": "a"}, 21211),
        ({"To": "+50255550101", "Body": "a"}, 21910),
        ({"From": "+14155238886", "Body": "a"}, 21910),
        ({"From": "whatsapp:+14150000000", "Body": "a"}, 63007),
        ({"To": "whatsapp:+14155238886", "Body": "a"}, 63031),
        ({"From": None, "MessagingServiceSid": "MG" + "0" * 32, "Body": "a"}, 21705),
        ({"MediaUrl": "ftp://x/a.jpg"}, 21620),
        ({"MediaUrl": ["https://x.gt/a.jpg", "https://x.gt/b.jpg"]}, 21623),
        ({"ContentSid": "HX" + "0" * 32}, 21655),
        ({"ContentSid": "HX" + "0" * 32, "Body": "a"}, 20001),
        ({"Body": "a", "StatusCallback": "https://my_host.example/x"}, 21609),
    ],
)
async def test_sends_that_are_refused(twilio: FakeTwilio, send: Send, fields: dict[str, Any], code: int) -> None:
    answer = await send(fields.pop("To", "whatsapp:+50255550101"), **fields)
    assert (answer.status_code, answer.json()["code"]) == (400, code) and not twilio.sent


async def test_a_plus_that_is_not_encoded_is_a_space(twilio: FakeTwilio, web: httpx.AsyncClient) -> None:
    form = f"To=whatsapp:+50255550101&From={twilio.sender}&Body=a"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert (await web.post(messages(twilio), content=form, headers=kind)).json()["code"] == 21211


@pytest.mark.parametrize("auth", [None, ("AC" + "0" * 32, "x"), (FakeTwilio().account_sid, "wrong")])
async def test_who_may_call(twilio: FakeTwilio, auth: tuple[str, str] | None) -> None:
    async with httpx.AsyncClient(base_url=twilio.base, auth=auth, trust_env=False, verify=False) as web:
        for path in (messages(twilio), "/v1/Content"):
            answer = await web.get(path)
            assert (answer.status_code, answer.json()["code"]) == (401, 20003)


async def test_another_account_is_not_found(twilio: FakeTwilio, web: httpx.AsyncClient) -> None:
    assert (await web.get(messages(twilio).replace("a1a1", "b1b1"))).status_code == 404


async def test_too_many_calls_at_once(twilio: FakeTwilio, web: httpx.AsyncClient, send: Send) -> None:
    twilio.most_at_once = 2
    let_go = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await let_go.wait()

    twilio.sleep = sleep
    twilio.plan.add(faults.delay(1), times=2)
    slow = [asyncio.create_task(send("whatsapp:+50255550101", Body="a")) for _ in range(2)]
    await until(lambda: len(twilio.plan.taken) == 2)
    busy = await send("whatsapp:+50255550101", Body="a")
    assert (busy.status_code, busy.json()["code"], busy.headers["retry-after"]) == (429, 20429, "1")
    let_go.set()
    assert [(await one).status_code for one in slow] == [201, 201] and len(twilio.sent) == 2
    await twilio.settled()


async def test_what_becomes_of_a_message_is_told_and_signed(
    twilio: FakeTwilio, product: Product, rosa: WhatsAppPhone, send: Send
) -> None:
    sid = (await send(rosa.address, Body="hola")).json()["sid"]
    await twilio.settled()
    await rosa.read()
    assert [heard.form["MessageStatus"] for heard in product.heard] == ["queued", "sent", "delivered", "read"]
    for heard in product.heard:
        assert heard.path == "/webhooks/twilio/status?ref=1" and heard.genuine(twilio.auth_token, PUBLIC)
        assert heard.form["MessageSid"] == sid and heard.form["To"] == rosa.address
    assert product.heard[-1].form["EventType"] == "READ" and rosa.last.status == "read"


async def test_callbacks_come_twice_mixed_up_or_never(
    twilio: FakeTwilio, product: Product, rosa: WhatsAppPhone, send: Send
) -> None:
    twilio.callbacks.story = Story(copies=2, shuffle=3)
    await send(rosa.address, Body="hola")
    await twilio.settled()
    told = [heard.form["MessageStatus"] for heard in product.heard]
    assert sorted(told) == sorted(["queued", "sent", "delivered"] * 2) and told != sorted(told, key=told.index)
    twilio.callbacks.story = Story(lost=1.0)
    await send(rosa.address, Body="hola")
    await twilio.settled()
    assert len(product.heard) == 6 and twilio.sent[1].status == "delivered"


@pytest.mark.parametrize("word", ["failed", "undelivered"])
async def test_after_a_day_only_a_template_arrives(
    twilio: FakeTwilio, product: Product, rosa: WhatsAppPhone, send: Send, word: str
) -> None:
    twilio.callbacks.story = Story(refused_as=word)
    template = twilio.contents.add({"twilio/text": {"body": "Tiene un mensaje."}})
    twilio.clock.advance(24 * 3600)
    await send(rosa.address, Body="justo a tiempo")
    twilio.clock.advance(1)
    sent = await send(rosa.address, Body="tarde")
    await send(rosa.address, ContentSid=template.sid)
    assert sent.status_code == 201  # the no comes later
    twilio.contents.decide(template.sid, "approved")
    await send(rosa.address, ContentSid=template.sid)
    await twilio.settled()
    assert [row.status for row in twilio.sent] == ["delivered", word, word, "delivered"]
    failed = [heard.form for heard in product.heard if heard.form["MessageStatus"] == word]
    assert [form["ErrorCode"] for form in failed] == ["63016", "63016"]
    assert [row.text for row in rosa.received] == ["justo a tiempo", "Tiene un mensaje."]
    await rosa.say("aquí estoy")  # only what the person writes opens the window
    await send(rosa.address, Body="qué bueno")
    await twilio.settled()
    assert rosa.last.text == "qué bueno"


async def test_a_person_who_never_wrote_left_blocked_or_stopped(
    twilio: FakeTwilio, product: Product, rosa: WhatsAppPhone, send: Send
) -> None:
    await send("whatsapp:+50255559999", Body="a")
    twilio.person(rosa.address).reachable = False
    await send(rosa.address, Body="b")
    twilio.person(rosa.address).reachable = True
    twilio.person(rosa.address).blocked = True
    await send(rosa.address, Body="c")
    await twilio.settled()
    assert [(row.status, row.error) for row in twilio.sent] == [("failed", 63016), ("failed", 63024), ("sent", None)]
    rosa.stop_word()
    assert (await send(rosa.address, Body="d")).json()["code"] == 21610


async def test_faults_of_the_plan(twilio: FakeTwilio, product: Product, rosa: WhatsAppPhone, send: Send) -> None:
    twilio.plan.add(
        faults.busy(2), faults.OPTED_OUT, faults.CHANNEL_RATE, faults.broken(503), faults.drop(after=True)
    )
    busy = await send(rosa.address, Body="a")
    assert (busy.status_code, busy.json()["code"], busy.headers["retry-after"]) == (429, 20429, "2")
    assert (await send(rosa.address, Body="b")).json()["code"] == 21610
    assert (await send(rosa.address, Body="c")).status_code == 201
    assert (await send(rosa.address, Body="d")).status_code == 503
    with pytest.raises(httpx.TransportError):
        await send(rosa.address, Body="e")
    await twilio.settled()
    assert [(s.text, s.answered, s.error) for s in twilio.sent] == [
        ("c", True, 63018),
        ("d", False, None),
        ("e", False, None),
    ]
    # what was taken and not told is found by its callback, whose address holds our reference
    told = [heard for heard in product.heard if heard.form["MessageSid"] == twilio.sent[2].id]
    assert told and all("ref=1" in heard.path for heard in told)


async def test_a_message_found_again_in_the_list(twilio: FakeTwilio, web: httpx.AsyncClient, send: Send) -> None:
    twilio.list_lag = 5
    to = "whatsapp:+50255550101"
    await send(to, Body="uno")
    assert (await web.get(messages(twilio), params={"To": to})).json()["messages"] == []
    twilio.clock.advance(60)
    await send(to, Body="dos")
    twilio.clock.advance(60)

    async def found(**query: str) -> list[str]:
        return [row["body"] for row in (await web.get(messages(twilio), params=query)).json()["messages"]]

    assert await found(To=to) == ["dos", "uno"]
    assert await found(**{"DateSent>": "2027-01-15T08:00:30Z"}) == ["dos"]
    assert await found(**{"DateSent<": "2027-01-15T08:00:30Z"}) == ["uno"]
    assert await found(DateSent="2027-01-15") == ["dos", "uno"] and await found(DateSent="2027-01-14") == []
    assert await found(From=to) == []
    await twilio.settled()


async def test_what_is_under_way_cannot_be_deleted(twilio: FakeTwilio, web: httpx.AsyncClient, send: Send) -> None:
    twilio.callbacks.story = Story(told=())
    twilio.open(["whatsapp:+50255550101"])
    sid = (await send("whatsapp:+50255550101", Body="a")).json()["sid"]
    path = messages(twilio, f"/{sid}.json")
    assert (await web.delete(path)).json()["code"] == 20009
    assert (await web.post(path, data={"Body": ""})).json()["code"] == 20009
    twilio.sent[0].status = "delivered"
    assert (await web.post(path, data={"Body": "otra cosa"})).status_code == 400
    assert (await web.post(path, data={"Body": ""})).json()["body"] == ""
    assert (await web.delete(path)).status_code == 204
    assert (await web.get(path)).status_code == 404
