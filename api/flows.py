"""The conversations as pictures, drawn in the browser, for everybody who wants to know what the bot says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse

from api.deps import House
from flows.diagram import mermaid

router = APIRouter(include_in_schema=False)
STATIC = Path(__file__).parent / "static"


@router.api_route("/flows", methods=["GET", "HEAD"])
async def page() -> Response:
    return FileResponse(STATIC / "flows.html", headers={"cache-control": "no-cache"})


@router.get("/flows.json")
async def diagrams(puente: House) -> list[dict[str, Any]]:
    return [
        {"name": flow.name, "title": flow.title, "mermaid": mermaid(flow)}
        for flow in puente.house.book.flows.values()
    ]
