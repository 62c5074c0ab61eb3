"""Telegram without a public address: asking for updates again and again, each kept before the next is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from telegram.error import InvalidToken, RetryAfter, TelegramError

from bot.channels import Event
from bot.channels.telegram import UPDATES, Telegram, failed, parse

log = structlog.get_logger()

WAIT = 25
"""Seconds one call waits for updates (Bot API, getUpdates; at most 50)."""


async def poll(telegram: Telegram, keep: Callable[[list[Event]], Awaitable[None]]) -> None:
    """Fetch updates for ever; `keep` must have committed them when it returns. Telegram repeats what it did not."""
    offset: int | None = None
    pause = 1.0
    while True:
        try:
            updates = await telegram.bot.get_updates(
                offset=offset, timeout=WAIT, allowed_updates=UPDATES, read_timeout=WAIT + 10
            )
            for update in updates:
                await keep(parse(update))
                offset = update.update_id + 1
            pause = 1.0
        except InvalidToken:
            log.error("telegram.token_refused")
            return
        except RetryAfter as error:
            await asyncio.sleep(failed(error).wait or pause)
        except TelegramError as error:
            log.warning("telegram.polling", error=type(error).__name__)
            await asyncio.sleep(pause)
            pause = min(pause * 2, 60.0)
