"""What routes are given: the running Puente, and who is calling with which rights."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from bot import tokens
from bot.scope import Scope
from bot.service import Puente

bearer = HTTPBearer(auto_error=False, description="A token made with `puente token --scope … --office …`")


def _puente(request: Request) -> Puente:
    puente: Puente = request.app.state.puente
    return puente


House = Annotated[Puente, Depends(_puente)]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the API: what they may see, and what they may do."""

    scope: Scope
    scopes: frozenset[str]


async def _caller(
    puente: House, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
) -> Caller:
    found = None
    if credentials is not None:
        found = await puente.record.run(tokens.look_up, credentials.credentials, time.time())
    if found is None:
        raise HTTPException(401, "a valid token is needed", headers={"www-authenticate": "Bearer"})
    return Caller(found.scope, found.scopes)


def needs(scope: str) -> Callable[[Caller], Awaitable[Caller]]:
    """The caller, if their token carries this scope; 403 otherwise."""

    async def check(caller: Annotated[Caller, Depends(_caller)]) -> Caller:
        if scope not in caller.scopes:
            raise HTTPException(403, f"this token lacks the scope {scope}")
        return caller

    return check


Reader = Annotated[Caller, Depends(needs("cases:read"))]
Writer = Annotated[Caller, Depends(needs("cases:write"))]
