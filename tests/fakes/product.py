"""A product for the tests of the fakes: it writes down what the vendors bring and answers as it is told."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from twilio.request_validator import RequestValidator, get_signature_algorithm  # type: ignore[import-untyped]


@dataclass(frozen=True)
class Heard:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def update(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def genuine(self, token: str, public: str) -> bool:
        """Twilio's own validator on what came in."""
        signature = self.headers.get("x-twilio-signature", "")
        algorithm = get_signature_algorithm(self.headers.get("x-twilio-webhooks-signature-settings"))
        return bool(RequestValidator(token).validate(public + self.path, self.form, signature, algorithm))


class Product:
    """`answers` are used up one a request; then 200."""

    name = "product"

    def __init__(self) -> None:
        self.base = ""
        self.heard: list[Heard] = []
        self.answers: list[Response] = []
        self.app = Starlette(routes=[Route("/{path:path}", self._hear, methods=["POST"])])

    async def _hear(self, request: Request) -> Response:
        path = request.url.path + ("?" + request.url.query if request.url.query else "")
        self.heard.append(Heard(path, dict(request.headers), await request.body()))
        return self.answers.pop(0) if self.answers else JSONResponse({})
