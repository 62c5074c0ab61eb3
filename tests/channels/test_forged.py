"""What the vendors never sent: secrets and signatures not theirs, forms cut anew, other methods and paths."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from urllib.parse import quote_plus, urlencode

import pytest
import pytest_asyncio

from tests.channels.by_hand import at_menu, heard, kept, post, telegrams
from tests.channels.conftest import PUBLIC, SECRET, Town, town
from tests.fakes import forge
from tests.fakes.twilio_hooks import Hook, signed

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with town(tmp_path_factory.mktemp("forged")) as there:
        await there.start()
        yield there


SECRETS = {"none": "", "short": "a", "wrong": "b" * len(SECRET), "longer": SECRET + "a", "ñ": "ñ" * 40}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
async def test_telegram_without_the_secret_is_not_telegram(there: Town, secret: str) -> None:
    phone = there.on_telegram()
    before = await kept(there)
    headers = {b"X-Telegram-Bot-Api-Secret-Token": secret.encode()} if secret else {}
    answer = await post(there, "/webhooks/telegram", json=phone.text("hola"), headers=headers)
    assert (answer.status_code, await kept(there)) == (403, before)


FORGERIES: dict[str, Callable[[Town, Hook], Hook]] = {
    "wrong signature": lambda there, hook: forge.wrong_signature(hook),
    "no signature": lambda there, hook: forge.without_signature(hook),
    "another token": lambda there, hook: forge.other_token(there.twilio, hook),
    "another algorithm": lambda there, hook: forge.other_algorithm(hook),
    "SHA-256 that nobody agreed on": lambda there, hook: forge.other_algorithm(hook, "HMAC_SHA256"),
    "another account": lambda there, hook: forge.other_account(there.twilio, hook),
    "a field twice": lambda there, hook: forge.duplicate_key(hook, "Body"),
    "the sid twice": lambda there, hook: forge.duplicate_key(hook, "MessageSid", "SM" + "0" * 32),
    "JSON": lambda there, hook: forge.as_json(hook),
    "signed for another address": lambda there, hook: replace(
        signed(there.twilio, hook.url.replace("https", "http"), hook.form), url=hook.url
    ),
    "half a character": lambda there, hook: replace(hook, body=urlencode(hook.form).encode() + b"&Odd=%ED%A0"),
    "a broken form": lambda there, hook: replace(hook, body=b"%%%&&&=="),
    "nothing": lambda there, hook: replace(hook, body=b""),
    "bytes": lambda there, hook: replace(hook, body=bytes(range(256))),
}


def changed(there: Town, hook: Hook, **fields: str) -> Hook:
    """Signed as it should be, with another value."""
    return signed(there.twilio, hook.url, [(name, fields.get(name, value)) for name, value in hook.form])


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES.keys())
async def test_what_twilio_did_not_send_like_this_is_refused(
    there: Town, forgery: Callable[[Town, Hook], Hook]
) -> None:
    phone = there.on_whatsapp()
    before = await kept(there)
    assert await phone.again(forgery(there, phone.text("hola"))) == 403
    assert await kept(there) == before


UNREADABLE: dict[str, dict[str, str]] = {
    "another sender": {"To": "whatsapp:+14155238887"},
    "nobody": {"From": "+50255550100"},
    "somebody odd": {"From": "whatsapp:+5025555\u0660100"},
    "no sid": {"MessageSid": "SM" + "g" * 32},
    "odd media": {"NumMedia": "-1"},
    "another version": {"ApiVersion": "soon"},
}


@pytest.mark.parametrize("fields", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_what_twilio_signed_in_a_form_we_do_not_know_is_kept_for_staff_once(
    there: Town, fields: dict[str, str]
) -> None:
    """Refused it would be lost: Twilio does not come again (SAFETY A6)."""
    phone = there.on_whatsapp()
    before = await kept(there)
    hook = changed(there, phone.text("hola"), **fields)
    for _time in range(2):
        assert await phone.again(hook) == 204
        assert await kept(there) == before + 1
    assert await phone.again(forge.wrong_signature(hook)) == 403
    assert await kept(there) == before + 1
    told = "SELECT COUNT(*) AS n FROM alert WHERE matter = 'unreadable|whatsapp' AND over_at IS NULL"
    assert (await there.all(told))[0]["n"] == 1


async def test_a_status_that_cannot_be_read_is_of_no_person(there: Town) -> None:
    phone = there.on_whatsapp()
    before = await kept(there)
    url = f"{PUBLIC}/webhooks/twilio/status?ref=nobody"
    account = ("AccountSid", there.twilio.account_sid)
    for form in ([account], [account, ("MessageStatus", "read")], [account, ("MessageSid", "SM0")]):
        assert await phone.again(signed(there.twilio, url, form)) == 403
    assert await kept(there) == before


async def test_one_changed_byte_is_enough(there: Town) -> None:
    phone = there.on_whatsapp()
    before = await kept(there)
    for hook in list(forge.one_byte(phone.text("hola")))[::7]:
        assert await phone.again(hook) == 403
    assert await kept(there) == before


async def test_a_request_cut_anew_under_its_signature_is_no_new_message(there: Town) -> None:
    phone = await at_menu(there, "whatsapp")
    item = phone.text("hola")
    await phone.send(item)
    await heard(there, phone)
    before = await kept(there)
    for hook in forge.recuts(item):
        assert await phone.again(hook) in (204, 403)
    await there.settled()
    assert (await kept(there), await phone.hears(0)) == (before, [])


async def test_words_stolen_for_another_persons_mouth_are_refused(there: Town) -> None:
    thief, victim = there.on_whatsapp("Mañoso"), await at_menu(there, "whatsapp")
    genuine, stolen = forge.stolen_words(thief, victim.address, "borrar mis datos")
    assert await thief.again(genuine) == 403
    assert await thief.again(stolen) == 403
    await there.settled()
    assert await victim.hears(0) == []


async def test_forwarded_headers_change_nothing(there: Town) -> None:
    phone = there.on_whatsapp()
    other = signed(there.twilio, "https://evil.example/webhooks/twilio", phone.text("hola").form)
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    assert await phone.again(replace(other, url=f"{PUBLIC}/webhooks/twilio", headers=other.headers | headers)) == 403


@pytest.mark.parametrize("path", ["/webhooks/telegram", "/webhooks/twilio", "/webhooks/twilio/status"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused(there: Town, path: str, method: str) -> None:
    assert (await post(there, path, method=method)).status_code == 405


@pytest.mark.parametrize("path", ["/webhooks/", "/webhooks/nobody", "/webhooks/telegram/", "/webhooks/twilio/x"])
async def test_other_paths_are_not_there(there: Town, path: str) -> None:
    assert (await post(there, path, content=b"{}")).status_code == 404


async def test_more_than_256_kb_is_too_much(there: Town) -> None:
    phone = there.on_whatsapp()
    assert (await telegrams(there, b"x" * (256 * 1024 + 1))).status_code == 413
    form = quote_plus("a" * 256 * 1024)
    assert await phone.again(replace(phone.text("a"), body=f"Body={form}".encode())) == 413


async def test_a_status_that_is_not_ours_changes_nothing(there: Town) -> None:
    phone = there.on_whatsapp()
    url = f"{PUBLIC}/webhooks/twilio/status?ref=nobody"
    form = {"MessageSid": "SM" + "7" * 32, "MessageStatus": "delivered", "AccountSid": there.twilio.account_sid}
    odd = {"queued": 204, "read": 204, "half-way": 204, "failed": 204}
    for status, answer in odd.items():
        hook = signed(there.twilio, url, list((form | {"MessageStatus": status, "ErrorCode": "٣"}).items()))
        assert await phone.again(hook) == answer
