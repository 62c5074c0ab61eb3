"""How Telegram brings a person's messages to the bot: one queue a chat, again and again until a 2xx.

After the Bot API server's WebhookActor: one update in flight a queue (a chat's; callback queries have their own, by
user), anything but 2xx is a failure and blocks that queue, retried at once and then after 2, 4, 8 … up to 60-120 s,
dropped after 24 h (callback queries after 150 s). A 2xx body with a `method` is carried out as a call.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from .telegram_limits import CALLBACK_LIFE, UNLESS_ASKED, UPDATE_LIFE, Refused
from .wire import Params, post

if TYPE_CHECKING:
    from .telegram import FakeTelegram

Update = dict[str, Any]


@dataclass
class Webhook:
    url: str
    secret: str = ""
    allowed: list[str] | None = None
    max_connections: int = 40


@dataclass(frozen=True)
class Delivery:
    """One try to bring one update. `status` 0: nobody answered."""

    update_id: int
    attempt: int
    status: int
    pause: float  # what Telegram would wait before the next try


class Updates:
    """The updates of one bot: `push` them to the webhook, or leave them for getUpdates."""

    def __init__(self, fake: FakeTelegram, attempts: int = 4, patience: float = 0.0) -> None:
        self.fake = fake
        self.attempts = attempts  # tries of one push; what still fails stays pending for `deliver_pending`
        self.patience = patience  # 1.0 waits the vendor's real pauses; 0 only writes them down
        self.webhook: Webhook | None = None
        self.pending: list[Update] = []
        self.deliveries: list[Delivery] = []
        self._born: dict[int, float] = {}
        self._next = random.randrange(10**8, 9 * 10**8)  # update_id starts anywhere, then counts up
        self._queues: dict[str, asyncio.Lock] = {}
        self._poll: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._poller = 0

    def new(self, kind: str, body: dict[str, Any]) -> Update:
        """An update with the next id, not yet on its way."""
        self._next += 1
        self._born[self._next] = self.fake.clock()
        return {"update_id": self._next, kind: body}

    def wanted(self, update: Update) -> bool:
        kind = kind_of(update)
        allowed = self.webhook.allowed if self.webhook else None
        return kind in allowed if allowed else kind not in UNLESS_ASKED

    async def push(self, update: Update, copies: int = 1, client: httpx.AsyncClient | None = None) -> int | None:
        """Put an update on its way. Returns the webhook's last status for it (0: no answer), None when polled.

        `copies` are sent at the same moment: Telegram does so when it loses our answer.
        """
        if not self.wanted(update):
            return None
        self.pending.append(update)
        if self.webhook is None:
            self._ring()
            return None
        lock = self._queues.setdefault(queue_of(update), asyncio.Lock())
        async with lock:
            return await self._work(queue_of(update), update, copies, client)

    async def repeat(self, update: Update, client: httpx.AsyncClient | None = None) -> int:
        """An update Telegram has already delivered, once more, out of any order: a retry overtaken by later ones."""
        status, _ = await self._post(update, client)
        return status

    async def deliver_pending(self, client: httpx.AsyncClient | None = None) -> int:
        """After an outage: everything still waiting, oldest first. Returns how many are left."""
        self.forget_old()
        for queue in list(dict.fromkeys(queue_of(update) for update in self.pending)):
            async with self._queues.setdefault(queue, asyncio.Lock()):
                await self._work(queue, None, 1, client)
        return len(self.pending)

    async def _work(self, queue: str, last: Update | None, copies: int, client: httpx.AsyncClient | None) -> int:
        """The waiting updates of one queue, in order, stopping at the first that fails."""
        status = 0
        for update in [u for u in self.pending if queue_of(u) == queue]:
            status = await self._insist(update, copies if update is last else 1, client)
            if not 200 <= status < 300:
                break
            self.pending.remove(update)
        return status

    async def _insist(self, update: Update, copies: int, client: httpx.AsyncClient | None) -> int:
        status, pause = 0, 0.0
        for attempt in range(self.attempts):
            tries = await asyncio.gather(*(self._post(update, client) for _ in range(copies)))
            status, asked = tries[0]
            pause = asked or (0.0 if attempt == 0 else min(2.0**attempt, random.uniform(60, 120)))
            self.deliveries.append(Delivery(update["update_id"], attempt, status, pause))
            if 200 <= status < 300:
                break
            await asyncio.sleep(pause * self.patience)
        return status

    async def _post(self, update: Update, client: httpx.AsyncClient | None) -> tuple[int, float]:
        """(status, the Retry-After we were asked for, at most an hour)."""
        if self.webhook is None:
            return 0, 0.0
        secret = {"X-Telegram-Bot-Api-Secret-Token": self.webhook.secret} if self.webhook.secret else {}
        try:
            answer = await post(self.fake.road(self.webhook.url), client, json=update, headers=secret)
        except httpx.TransportError:
            return 0, 0.0
        if answer.is_success:
            self._answered_with_a_call(answer)
        asked = answer.headers.get("retry-after", "")
        return answer.status_code, min(float(asked), 3600.0) if asked.isdigit() else 0.0

    def _answered_with_a_call(self, answer: httpx.Response) -> None:
        try:
            body = answer.json()
        except ValueError:
            return
        method = body.get("method") if isinstance(body, dict) else None
        if method and not method.lower().startswith(("get", "setwebhook", "deletewebhook", "close", "logout")):
            self.fake.carry_out(method, Params(body))

    def forget_old(self) -> None:
        now = self.fake.clock()
        for update in list(self.pending):
            life = CALLBACK_LIFE if kind_of(update) == "callback_query" else UPDATE_LIFE
            if now - self._born[update["update_id"]] > life:
                self.pending.remove(update)

    async def get_updates(self, p: Params) -> list[Update]:
        """Long polling: `offset` confirms everything before it; a second poller throws the first one out."""
        if self.webhook is not None:
            raise Refused(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        self._poller += 1
        mine = self._poller
        self._ring()
        offset, limit = p.whole("offset") or 0, min(p.whole("limit") or 100, 100)
        until = asyncio.get_running_loop().time() + min(p.whole("timeout") or 0, 50)
        if offset < 0:  # only the last -offset are wanted: the others are forgotten
            offset = self.pending[offset]["update_id"] if len(self.pending) >= -offset else 0
        while True:
            self.forget_old()
            self.pending = [u for u in self.pending if u["update_id"] >= offset]
            left = until - asyncio.get_running_loop().time()
            if self.pending or left <= 0:
                return self.pending[:limit]
            event = asyncio.Event()
            self._poll = asyncio.get_running_loop(), event
            if self.pending:  # one came in from another thread while we were lying down
                continue
            try:
                await asyncio.wait_for(event.wait(), left)
            except TimeoutError:
                continue
            if mine != self._poller:
                raise Refused(
                    409,
                    "Conflict: terminated by other getUpdates request; "
                    "make sure that only one bot instance is running",
                )

    def _ring(self) -> None:
        """Wake a waiting poll, from whichever thread."""
        poll, self._poll = self._poll, None
        if poll and not poll[0].is_closed():
            poll[0].call_soon_threadsafe(poll[1].set)


def kind_of(update: Update) -> str:
    return next(name for name in update if name != "update_id")


def queue_of(update: Update) -> str:
    kind = kind_of(update)
    body = update[kind]
    if kind == "callback_query":
        return f"taps of {body['from']['id']}"
    return f"chat {body.get('chat', body.get('from', {})).get('id')}"
