"""Telegram without a public address: asking for updates again and again, each kept before the next is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from telegram.error import InvalidToken, RetryAfter, TelegramError

from bot.channels import Event
from bot.channels.telegram import Telegram, failed
from bot.channels.telegram_updates import read_update

log = structlog.get_logger()

WAIT = 25
"""Seconds one call waits for updates (Bot API, getUpdates; at most 50)."""

LONGEST_PAUSE = 60.0
"""Seconds between two calls while Telegram, or our own database, does not take them."""


async def poll(
    telegram: Telegram, keep: Callable[[list[Event]], Awaitable[None]], wait: int = WAIT, pause: float = 1.0
) -> None:
    """Fetch updates for ever; `keep` must have committed them when it returns. Telegram repeats what it did not.

    `pause` is how many seconds we leave a failing call alone at first. Nothing but being cancelled ends this: a
    refused token may be renewed, another poller may go away, a full disk may be emptied.
    """
    offset: int | None = None
    rest = pause
    while True:
        try:
            for update in await telegram.updates(offset, wait):
                await keep(read_update(update))
                offset = update["update_id"] + 1
            rest = pause
            continue
        except RetryAfter as error:
            rest = failed(error).wait or pause
        except InvalidToken:
            log.error("telegram.token_refused")
        except TelegramError as error:
            log.warning("telegram.polling", error=type(error).__name__)
        except Exception as error:  # what was not kept is not confirmed: it comes again
            log.error("telegram.not_kept", error=type(error).__name__)
        await asyncio.sleep(rest)
        rest = min(rest * 2, LONGEST_PAUSE)
