"""One shape for everything that goes wrong: RFC 9457 problem+json, saying what to do, never what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

log = structlog.get_logger()


class Problem(BaseModel):
    """An error as this service tells it (RFC 9457)."""

    type: str = "about:blank"
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str = Field(examples=["another case manager has this case"])
    errors: list[dict[str, str]] | None = Field(None, description="Which fields were wrong, and how")


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> JSONResponse:
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return JSONResponse(body, status, headers=dict(headers or {}), media_type="application/problem+json")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route can answer with, for its documentation."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    return problem(error.status_code, str(error.detail), error.headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Which field and why; the value itself is not repeated."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
    fields = [{"field": _named(one), "problem": str(one["msg"])} for one in error.errors()]
    return problem(422, "some fields are not as they should be", errors=fields)


def _named(one: Mapping[str, Any]) -> str:
    """Where the problem is; a field we do not know has a name the caller made up, which is not repeated."""
    place = one["loc"][:-1] if one["type"] == "extra_forbidden" else one["loc"]
    return ".".join(map(str, place))


async def _broken(request: Request, error: Exception) -> JSONResponse:
    log.error(
        "http.failed", error=type(error).__name__, path=request.scope.get("route") and request.scope["route"].path
    )
    return problem(500, "something went wrong here; nothing was changed")


def install(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _broken)
