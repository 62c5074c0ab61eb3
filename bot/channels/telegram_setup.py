"""Telling Telegram where we listen and which commands to offer people; again only when something changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from telegram import BotCommand
from telegram.error import BadRequest, RetryAfter, TelegramError

from bot.audit import audit
from bot.channels.telegram import Telegram, failed
from bot.channels.telegram_updates import UPDATES
from bot.crypto import vault
from bot.record import Record, Tx
from flows.text import Tongue, _

log = structlog.get_logger()

COMMANDS = {
    "es": {
        "menu": _("Volver al menú"),
        "persona": _("Hablar con una persona"),
        "ayuda": _("Qué puede escribir aquí"),
        "idioma": _("Cambiar de idioma"),
    },
    "en": {
        "menu": _("Volver al menú"),
        "person": _("Hablar con una persona"),
        "help": _("Qué puede escribir aquí"),
        "language": _("Cambiar de idioma"),
    },
}
"""What a client offers under "/", by locale; Spanish to everybody whose language has no list of its own.

Telegram knows languages by two letters only, so the Mayan ones can have none.
"""

LAST_SET = "SELECT detail FROM audit WHERE action = 'telegram.webhook' ORDER BY id DESC LIMIT 1"

LONGEST_PAUSE = 300.0
"""Seconds between two tries while Telegram does not answer or does not accept."""


async def listen_at(telegram: Telegram, record: Record, url: str) -> None:
    """Have Telegram call `url` with our secret. Asked first, so that machines starting together do not set it twice.

    Telegram does not tell which secret it has; what we set last is remembered, keyed, in the audit.
    """
    mark = vault().blind("telegram|webhook", f"{url}|{telegram.secret}").hex()
    now = await telegram.bot.get_webhook_info()
    same = now.url == url and set(now.allowed_updates or ()) == set(UPDATES)
    if same and await record.run(_last_set) == mark:
        return
    await telegram.bot.set_webhook(url, secret_token=telegram.secret, allowed_updates=UPDATES)
    await record.run(_note, mark)


async def stop_listening(telegram: Telegram) -> None:
    """No webhook: getUpdates answers only then. What waits at Telegram stays there for us."""
    if (await telegram.bot.get_webhook_info()).url:
        await telegram.bot.delete_webhook()


async def offer_commands(telegram: Telegram, tongues: Mapping[str, Tongue]) -> None:
    for locale, named in COMMANDS.items():
        if locale in tongues:
            offered = [BotCommand(name, tongues[locale](words)) for name, words in named.items()]
            await telegram.bot.set_my_commands(offered, language_code=None if locale == "es" else locale)


async def insist(work: Callable[[], Awaitable[None]], pause: float = 1.0) -> None:
    """Do it until it is done: Telegram may be away when we start."""
    while True:
        rest, pause = pause, min(pause * 2, LONGEST_PAUSE)
        try:
            return await work()
        except RetryAfter as error:
            rest = failed(error).wait or rest
        except BadRequest as error:
            log.error("telegram.setup", why=str(error))  # Telegram's words on our own address
        except TelegramError as error:
            log.warning("telegram.setup", error=type(error).__name__)
        except Exception as error:
            log.error("telegram.setup", error=type(error).__name__)
        await asyncio.sleep(rest)


def _last_set(tx: Tx) -> str | None:
    row = tx.one(LAST_SET)
    return None if row is None else str(row["detail"])


def _note(tx: Tx, mark: str) -> None:
    audit(tx, "house", "telegram.webhook", detail=mark)
