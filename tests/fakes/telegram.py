"""A Telegram that lives on this machine: the Bot API as our bot uses it, strict where the real one is strict.

Point the product at it with TELEGRAM_API_BASE=fake.base; give people phones with tests.fakes.people.
"""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .base import Fake, Sent
from .faults import Fault
from .telegram_limits import DOWNLOAD, Rates, Refused, bad, check_commands, check_webhook
from .telegram_messages import Messages
from .telegram_updates import Updates, Webhook
from .wire import Params, read_params

ME_ID = 123456789
TOKEN = f"{ME_ID}:AAF-fake-token-for-tests_only-00000"


@dataclass
class Chat:
    """A private chat. Until its person has pressed Start, the bot cannot write to it."""

    id: int
    user: dict[str, Any]
    started: bool = False
    blocked: bool = False
    deactivated: bool = False
    messages: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def about(self) -> dict[str, Any]:
        names: dict[str, Any] = {k: self.user[k] for k in ("first_name", "last_name", "username") if k in self.user}
        return {"id": self.id, **names, "type": "private"}


class FakeTelegram(Fake):
    """One bot's side of Telegram.

    rates: how fast is too fast; https_only: False takes http webhooks, as a self-hosted Bot API server does;
    anyone: every chat id exists and has started the bot (for harnesses with thousands of them).
    """

    name = "telegram"

    def __init__(
        self,
        token: str = TOKEN,
        rates: Rates | None = None,
        https_only: bool = True,
        anyone: bool = False,
        **common: Any,
    ) -> None:
        self.token = token
        self.me = {
            "id": int(token.split(":")[0]), "is_bot": True, "first_name": "Puente", "username": "puente_prueba_bot",
            "can_join_groups": False, "can_read_all_group_messages": False, "supports_inline_queries": False,
        }  # fmt: skip
        self.rates = rates or Rates()
        self.https_only = https_only
        self.anyone = anyone
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, tuple[str, bytes]] = {}  # file_id → (file_path, content)
        self.queries: dict[str, float] = {}  # callback query → when it was asked
        self.answered: dict[str, str] = {}  # callback query → the text it was answered with
        self.actions: list[tuple[int, str]] = []
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}  # (scope, language) → the list
        self.texts: dict[tuple[str, str], str] = {}  # description, short description, name
        self.message_ids = itertools.count(1)
        self._webhook_at = float("-inf")
        super().__init__(**common)
        self.updates = Updates(self)
        self.messages = Messages(self)
        self._methods: dict[str, Callable[[Params], Any]] = {
            "getme": lambda p: self.me,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._webhook_info,
            "setmycommands": self._set_commands,
            "getmycommands": lambda p: self.commands.get(_scope(p), []),
            "deletemycommands": lambda p: self.commands.pop(_scope(p), None) is not None or True,
            "setmyname": lambda p: self._set_text(p, "name", 64),
            "setmydescription": lambda p: self._set_text(p, "description", 512),
            "setmyshortdescription": lambda p: self._set_text(p, "short_description", 120),
            "setchatmenubutton": lambda p: True,
            "getfile": self._get_file,
            "logout": lambda p: True,
            "close": lambda p: True,
            **self.messages.methods,
        }

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/file/bot{token}/{path:path}", self._download),
            Route("/bot{token}/{method}", self._call, methods=["GET", "POST"]),
        ]

    def open(self, people: list[str]) -> None:
        for person in people:
            self.chat_of(int(person)).started = True

    def chat_of(self, id: int, user: dict[str, Any] | None = None) -> Chat:
        if id not in self.chats:
            user = user or {"id": id, "is_bot": False, "first_name": "Persona", "language_code": "es"}
            self.chats[id] = Chat(id, user)
        return self.chats[id]

    def keep_file(self, data: bytes, folder: str, suffix: str, size: int | None = None) -> dict[str, Any]:
        """Something a person sent; returns the `file_id`, `file_unique_id` and `file_size` of the update."""
        file_id = "AgAC" + secrets.token_urlsafe(40)
        self.files[file_id] = f"{folder}/file_{len(self.files)}.{suffix}", data
        return {"file_id": file_id, "file_unique_id": file_id[4:20], "file_size": size or len(data)}

    async def _call(self, request: Request) -> Response:
        """`/bot<token>/<method>`: names in any case, values in the query, a form, JSON or multipart."""
        token, method = request.path_params["token"], request.path_params["method"].lower()
        if token != self.token:
            well_formed = re.fullmatch(r"\d+:[\w-]{30,}", token)
            return self.refusal(401, "Unauthorized", 0, 0) if well_formed else self.refusal(404, "Not Found", 0, 0)
        try:
            params = await read_params(request)
        except ValueError:
            return self.refusal(400, "Bad Request: can't parse the request", 0, 0)
        if method == "getupdates":
            return await self._poll(params)
        return await self.answer(
            method, params.text("chat_id"), method.startswith("send") and method != "sendchataction", params,
            lambda fault: self._work(method, params, fault),
        )  # fmt: skip

    async def _poll(self, params: Params) -> Response:
        fault = self.plan.take("getupdates", "", False)
        if fault:
            return self._spoil(fault, Response())
        try:
            return JSONResponse({"ok": True, "result": await self.updates.get_updates(params)})
        except Refused as no:
            return self.refusal(no.status, no.words, 0, no.retry_after)

    def _work(self, method: str, params: Params, fault: Fault | None = None) -> Response:
        try:
            return JSONResponse({"ok": True, "result": self._do(method, params)})
        except Refused as no:
            return self.refusal(no.status, no.words, 0, no.retry_after)

    def _do(self, method: str, params: Params) -> Any:
        if method not in self._methods:
            raise Refused(404, "Not Found: method not found")
        try:
            return self._methods[method](params)
        except UnicodeEncodeError:
            raise bad("strings must be encoded in UTF-8") from None
        except ValueError:
            raise bad("can't parse a JSON-serialized parameter") from None

    def carry_out(self, method: str, params: Params) -> None:
        """A call given as the answer to a webhook: done, and its result seen by nobody."""
        self._work(method.lower(), params)

    def refusal(self, status: int, words: str, code: int, seconds: float) -> Response:
        body: dict[str, Any] = {"ok": False, "error_code": status, "description": words}
        if status != 429:
            return JSONResponse(body, status)
        wait = int(seconds) or 1
        body["description"] = f"Too Many Requests: retry after {wait}"
        body["parameters"] = {"retry_after": wait}
        return JSONResponse(body, status, {"Retry-After": str(wait)})

    def pace(self, chat: str) -> None:
        if wait := self.rates.wait(chat, self.clock()):
            raise Refused(429, "", wait)

    def note(self, chat: Chat, message: dict[str, Any], **what: Any) -> Sent:
        chat.messages[message["message_id"]] = message
        return self.accept(str(chat.id), str(message["message_id"]), **what)

    def _set_webhook(self, p: Params) -> bool:
        url = p.text("url")
        if not url:
            return self._delete_webhook(p)
        kinds = p.parsed("allowed_updates")
        check_webhook(url, p.text("secret_token"), p.whole("max_connections"), kinds, self.https_only)
        if self.clock() - self._webhook_at < 1:  # two workers starting together
            raise Refused(429, "", 1)
        self._webhook_at = self.clock()
        if kinds is None and self.updates.webhook:  # left out: the last list stays
            kinds = self.updates.webhook.allowed
        self.updates.webhook = Webhook(url, p.text("secret_token"), kinds or None, p.whole("max_connections") or 40)
        if p.flag("drop_pending_updates"):
            self.updates.pending.clear()
        return True

    def _delete_webhook(self, p: Params) -> bool:
        self.updates.webhook = None
        if p.flag("drop_pending_updates"):
            self.updates.pending.clear()
        return True

    def _webhook_info(self, p: Params) -> dict[str, Any]:
        hook = self.updates.webhook
        info: dict[str, Any] = {
            "url": hook.url if hook else "",
            "has_custom_certificate": False,
            "pending_update_count": len(self.updates.pending),
        }
        if hook:
            info |= {"max_connections": hook.max_connections, "ip_address": "127.0.0.1"}
            info |= {"allowed_updates": hook.allowed} if hook.allowed else {}
        return info

    def _set_commands(self, p: Params) -> bool:
        commands = p.parsed("commands")
        check_commands(commands, p.text("language_code"))
        self.commands[_scope(p)] = commands
        return True

    def _set_text(self, p: Params, name: str, limit: int) -> bool:
        if len(p.text(name)) > limit:
            raise bad(f"{name} is too long")
        self.texts[name, p.text("language_code")] = p.text(name)
        return True

    def _get_file(self, p: Params) -> dict[str, Any]:
        found = self.files.get(p.text("file_id"))
        if found is None:
            raise bad("wrong file_id or the file is temporarily unavailable")
        path, data = found
        if len(data) > DOWNLOAD:
            raise bad("file is too big")
        return {
            "file_id": p.text("file_id"), "file_unique_id": p.text("file_id")[4:20],
            "file_size": len(data), "file_path": path,
        }  # fmt: skip

    async def _download(self, request: Request) -> Response:
        if request.path_params["token"] != self.token:
            return self.refusal(401, "Unauthorized", 0, 0)
        for path, data in self.files.values():
            if path == request.path_params["path"]:
                return Response(data, media_type="application/octet-stream")
        return self.refusal(404, "Not Found", 0, 0)


def _scope(p: Params) -> tuple[str, str]:
    scope = p.parsed("scope") or {"type": "default"}
    return str(scope.get("type")), p.text("language_code")
