"""The HTTP face put together: web chat, webhooks, flow diagrams and the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline

from api import cases, chat, errors, flows, ops, unanswered, webhooks
from api.deps import Reader
from api.guard import Guard
from bot.readiness import Readiness
from bot.service import Puente

ABOUT = """Hand cases over to people and take them back.

Every call needs `Authorization: Bearer <token>`; a token sees its own office's cases, all others answer 404.
Errors are problem+json (RFC 9457). POST calls may carry an `Idempotency-Key` and can then be repeated safely."""


def create(puente: Puente, serves: bool = True) -> FastAPI:
    """The application of one installation; starting it starts the installation's worker, if it has one here.

    A worker of its own `serves` nobody and only says how it is.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await puente.start()
        yield
        await puente.stop()

    app = FastAPI(title="Puente", openapi_url=None, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.puente, app.state.readiness = puente, Readiness(puente)
    if not serves:
        app.include_router(ops.router)
        errors.install(app)
        return app
    for part in (chat, flows, ops, webhooks):
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.mount("/api/v1", _api(puente))
    errors.install(app)
    app.add_middleware(Guard)
    return app


def _api(puente: Puente) -> FastAPI:
    api = _documented(puente.settings.production)
    api.state.puente = puente
    for part in (cases, unanswered):
        api.include_router(part.router)
    errors.install(api)
    return api


def _documented(production: bool) -> FastAPI:
    """In production strangers need no map of the house: no page, and the description only with a token."""
    if not production:
        return FastAPIOffline(title="Puente", version="1", description=ABOUT, redoc_url=None)
    api = FastAPI(title="Puente", version="1", description=ABOUT, openapi_url=None)

    @api.get("/openapi.json", include_in_schema=False)
    async def described(caller: Reader) -> dict[str, Any]:
        return api.openapi()

    return api
