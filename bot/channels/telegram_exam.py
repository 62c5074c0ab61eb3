"""What `puente doctor` and the watch find out about Telegram: whether it knows us, and what waits there for us."""

from __future__ import annotations

import httpx
from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.channels.clock import compared
from bot.channels.hooks import Finding, Queue

MANY = 10
"""Updates waiting at Telegram that are more than a moment's work (SAFETY O3)."""


async def queue(bot: Bot) -> Queue:
    """What waits at Telegram, and when it last failed to bring us something. Raises `TelegramError`."""
    told = await bot.get_webhook_info()
    failed = told.last_error_date
    return Queue(told.pending_update_count, None if failed is None else failed.timestamp())


async def examine(bot: Bot, base: str, public: str | None) -> list[Finding]:
    """Token, webhook, what waits, and the clock. Never raises."""
    try:
        me = await bot.get_me()
        hook = await bot.get_webhook_info()
    except InvalidToken:
        return [Finding("bad", "telegram", "Telegram rechaza TELEGRAM_TOKEN. Pida otro a @BotFather.",
                        "Telegram refuses TELEGRAM_TOKEN. Ask @BotFather for another.")]  # fmt: skip
    except TelegramError as error:
        name = type(error).__name__
        return [Finding("bad", "telegram", f"Telegram no responde ({name}). Revise la red.",
                        f"Telegram does not answer ({name}). Check the network.")]  # fmt: skip
    return [
        Finding("ok", "telegram", f"El bot es @{me.username}.", f"The bot is @{me.username}."),
        _hook(hook.url or "", public),
        _waiting(hook.pending_update_count, hook.last_error_message),
        compared("telegram.clock", await _date(base)),
    ]


def _hook(url: str, public: str | None) -> Finding:
    wanted = "" if public is None else f"{public}/webhooks/telegram"
    if url == wanted:
        return Finding("ok", "telegram.webhook", "El webhook es el nuestro.", "The webhook is ours.")
    return Finding(
        "bad",
        "telegram.webhook",
        f"Telegram llama a {url or 'nadie'}, no a {wanted or 'nadie'}. Al iniciar, Puente lo corrige; revise que "
        "esté en marcha y que ningún otro programa use el mismo bot.",
        f"Telegram calls {url or 'nobody'}, not {wanted or 'nobody'}. Puente mends this when it starts; see that it "
        "runs and that no other program uses the same bot.",
    )


def _waiting(count: int, why: str | None) -> Finding:
    if count <= MANY:
        return Finding("ok", "telegram.queue", f"Esperan {count} mensajes.", f"{count} messages wait.")
    return Finding(
        "bad",
        "telegram.queue",
        f"Esperan {count} mensajes en Telegram ({why or 'sin error'}). Pruebe PUBLIC_BASE_URL desde fuera.",
        f"{count} messages wait at Telegram ({why or 'no error'}). Try PUBLIC_BASE_URL from outside.",
    )


async def _date(base: str) -> str | None:
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            date: str | None = (await client.get(base)).headers.get("date")
            return date
    except httpx.HTTPError:
        return None
