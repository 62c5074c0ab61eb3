"""Buttons, lists and templates: what WhatsApp shows, and what is too much for it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.fakes.conftest import PUBLIC, Send
from tests.fakes.people import WhatsAppPhone
from tests.fakes.product import Product
from tests.fakes.twilio import FakeTwilio

MENU = {
    "twilio/quick-reply": {"body": "{{1}}", "actions": [{"title": f"{{{{{n}}}}}", "id": f"o{n}"} for n in (2, 3)]}
}
TOWNS = {
    "twilio/list-picker": {
        "body": "¿Dónde está?",
        "button": "Ver lista",
        "items": [{"id": f"m{n}", "item": f"Municipio {n}", "description": "Guatemala"} for n in range(10)],
    }
}


def quick(*titles: str, body: str = "¿Sigue?") -> dict[str, Any]:
    return {
        "twilio/quick-reply": {"body": body, "actions": [{"title": t, "id": f"i{n}"} for n, t in enumerate(titles)]}
    }


def picker(count: int = 1, **changed: Any) -> dict[str, Any]:
    items = [{"id": f"i{n}", "item": f"Uno {n}"} | changed.pop("each", {}) for n in range(count)]
    return {"twilio/list-picker": {"body": "a", "button": "Ver", "items": items} | changed}


async def test_buttons_and_lists_are_shown_and_tapped(
    twilio: FakeTwilio, product: Product, rosa: WhatsAppPhone, send: Send
) -> None:
    menu, towns = twilio.contents.add(MENU), twilio.contents.add(TOWNS)
    values = json.dumps({"1": "¿Con qué necesita ayuda?", "2": "Trabajo", "3": "Documentos"})
    sid = (await send(rosa.address, ContentSid=menu.sid, ContentVariables=values)).json()["sid"]
    await twilio.settled()
    assert rosa.last.text == "¿Con qué necesita ayuda?" and rosa.options == ["Trabajo", "Documentos"]
    product.heard.clear()
    assert await rosa.tap("Documentos") == 200
    form = product.heard[-1].form
    assert (form["ButtonPayload"], form["ButtonText"], form["Body"]) == ("o3", "Documentos", "Documentos")
    assert (form["MessageType"], form["OriginalRepliedMessageSid"]) == ("button", sid)
    await send(rosa.address, ContentSid=towns.sid)
    await twilio.settled()
    assert rosa.last.opener == "Ver lista" and len(rosa.options) == 10
    assert await rosa.tap("m7") == 200
    form = product.heard[-1].form
    assert (form["ListId"], form["ListTitle"], form["Body"]) == ("m7", "Municipio 7", "Municipio 7")
    assert product.heard[-1].genuine(twilio.auth_token, PUBLIC)


@pytest.mark.parametrize(
    "types, ok",
    [
        (quick("Sí", "No"), True),
        (quick("a" * 20), True),
        (quick("a" * 21), False),
        (quick(""), False),
        (quick("Sí", "Sí"), False),
        (quick(*map(str, range(10))), True),
        (quick(*map(str, range(11))), False),
        (quick("Sí", body="a" * 1025), False),
        (picker(10), True),
        (picker(11), False),
        (picker(0), False),
        (picker(each={"item": "a" * 24}), True),
        (picker(each={"item": "a" * 25}), False),
        (picker(each={"id": "a" * 201}), False),
        (picker(each={"description": "a" * 72}), True),
        (picker(each={"description": "a" * 73}), False),
        (picker(button="a" * 21), False),
        (picker(body="a" * 1025), False),
        (picker(each={"titulo": "a"}), False),
        ({"twilio/text": {"body": "a" * 1600}}, True),
        ({"twilio/text": {"body": ""}}, False),
        ({"twilio/quick_reply": {}}, False),
        ({}, False),
    ],
)
async def test_contents(web: httpx.AsyncClient, types: dict[str, Any], ok: bool) -> None:
    answer = await web.post("/v1/Content", json={"friendly_name": "a", "language": "es", "types": types})
    assert answer.status_code == (201 if ok else 400), answer.text


@pytest.mark.parametrize(
    "variables, code",
    [
        ("no json", 21656),
        ('["a"]', 21656),
        ('{"1": 1}', 21656),
        (json.dumps({"1": "a", "2": "b" * 21, "3": "c"}), 63013),
        (json.dumps({"1": "a", "2": "b", "3": "b"}), 63013),
        (json.dumps({"1": "a" * 1025, "2": "b", "3": "c"}), 63013),
        (json.dumps({"1": "a", "2": "", "3": "c"}), 63013),
        (json.dumps({"1": "a", "2": "b", "3": "c"}), None),
    ],
)
async def test_values_that_are_filled_in(
    twilio: FakeTwilio, rosa: WhatsAppPhone, send: Send, variables: str, code: int | None
) -> None:
    content = twilio.contents.add(MENU)
    answer = await send(rosa.address, ContentSid=content.sid, ContentVariables=variables)
    await twilio.settled()
    assert (answer.json().get("code") or twilio.sent[0].error) == code


async def test_three_buttons_in_session_ten_in_a_template(
    twilio: FakeTwilio, rosa: WhatsAppPhone, send: Send
) -> None:
    four = twilio.contents.add(quick("1", "2", "3", "4"))
    await send(rosa.address, ContentSid=four.sid)
    twilio.contents.decide(four.sid, "approved")
    await send(rosa.address, ContentSid=four.sid)
    await twilio.settled()
    assert [row.error for row in twilio.sent] == [63013, None]


@pytest.mark.parametrize(
    "types, name, status",
    [
        ({"twilio/text": {"body": "Hola {{1}}, hay una feria."}}, "feria_es", "approved"),
        ({"twilio/text": {"body": "{{1}}, hay una feria."}}, "feria_es", "rejected"),
        ({"twilio/text": {"body": "Hay una feria, {{1}}"}}, "feria_es", "rejected"),
        ({"twilio/text": {"body": "Hola {{1}} {{1}}, hay feria."}}, "feria_es", "rejected"),
        ({"twilio/text": {"body": "Hola {{2}}, hay una feria."}}, "feria_es", "rejected"),
        ({"twilio/text": {"body": "Hay una feria."}}, "Feria", "rejected"),
        (TOWNS, "lista", "rejected"),
    ],
)
async def test_approval(
    twilio: FakeTwilio, web: httpx.AsyncClient, types: dict[str, Any], name: str, status: str
) -> None:
    content = twilio.contents.add(types, variables={"1": "Ana"})
    url = f"/v1/Content/{content.sid}/ApprovalRequests"
    assert (await web.get(url)).json()["whatsapp"]["status"] == "unsubmitted"
    asked = await web.post(f"{url}/whatsapp", json={"name": name, "category": "UTILITY"})
    assert (asked.status_code, asked.json()["status"]) == (201, "received")
    assert (await web.get(url)).json()["whatsapp"]["status"] == status
    assert (await web.get("/v1/ContentAndApprovals")).json()["contents"][0]["approval_requests"]["status"] == status
