"""While a secret changes, calls with the new and with the old one are both taken (SAFETY A7)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from bot import settings
from bot.channels import Request
from bot.service import channels
from tests.fakes.twilio import ACCOUNT, SENDER, FakeTwilio
from tests.fakes.twilio_hooks import signed

NEW, OLD, NEITHER = "n" * 32, "o" * 32, "x" * 32
PUBLIC = "https://bot.example"
TOKEN = "123456789:AAF-fake-token-for-tests_only-00000"


def there(**given: Any) -> Any:
    twilio = {"twilio_account_sid": ACCOUNT, "twilio_whatsapp_from": SENDER, "twilio_auth_token": NEW}
    loaded = settings.load(
        public_base_url=PUBLIC, telegram_token=TOKEN, **({"telegram_secret": NEW} | twilio | given)
    )
    return channels(loaded, {})


def from_telegram(secret: str) -> Request:
    return Request("/webhooks/telegram", "", {"x-telegram-bot-api-secret-token": secret}, b'{"update_id": 1}')


def from_twilio(token: str) -> Request:
    fake = FakeTwilio(auth_token=token)
    hook = signed(fake, f"{PUBLIC}/webhooks/twilio", [("AccountSid", ACCOUNT), ("Body", "hola")])
    headers = {name.lower(): value for name, value in hook.headers.items()}
    headers["content-type"] = "application/x-www-form-urlencoded"
    return Request("/webhooks/twilio", "", headers, urlencode(hook.form).encode())


@pytest.mark.parametrize(
    ("setting", "genuine"), [(NEW, {NEW}), (f"{NEW},{OLD}", {NEW, OLD}), (f"{NEW}, {OLD}", {NEW, OLD})]
)
async def test_both_hold_while_one_changes(setting: str, genuine: set[str]) -> None:
    found = there(telegram_secret=setting, twilio_auth_token=setting)
    for secret in (NEW, OLD, NEITHER, ""):
        assert found["telegram"].genuine(from_telegram(secret)) is (secret in genuine)
        if secret:
            assert found["whatsapp"].genuine(from_twilio(secret)) is (secret in genuine)
    for channel in found.values():
        await channel.close()


async def test_our_own_calls_use_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    found = there(telegram_secret=f"{NEW},{OLD}", twilio_auth_token=f"{NEW},{OLD}")
    assert found["telegram"].secret == NEW
    assert found["whatsapp"].client.password == NEW
    for channel in found.values():
        await channel.close()


async def test_without_a_secret_nobody_is_genuine() -> None:
    found = channels(settings.load(telegram_token=TOKEN), {})
    for given in ("", "None", NEW):
        assert not found["telegram"].genuine(replace_headers(given))
    for channel in found.values():
        await channel.close()


def replace_headers(secret: str) -> Request:
    return from_telegram("")._replace(headers={"x-telegram-bot-api-secret-token": secret} if secret else {})
