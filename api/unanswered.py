"""What the bot did not understand, over HTTP: read it, say in one click what it is, take it along to learn from."""

from __future__ import annotations

import json
import time
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.deps import Caller, House, needs
from api.errors import responses
from bot import unanswered
from bot.audit import audit
from bot.record import Tx
from bot.unanswered import Line

router = APIRouter(prefix="/unanswered", tags=["unanswered"])

Reader = Annotated[Caller, Depends(needs("directory:read"))]
Writer = Annotated[Caller, Depends(needs("directory:write"))]
Kind = Literal["service", "trade", "place", "message"]
TextId = Annotated[int, Path(ge=1, le=2**53, description="A text's id", examples=[12])]
OfKind = Annotated[Kind | None, Query(description="Only those that should have been this")]


class TextRow(BaseModel):
    """A text nobody understood. It says nothing of who wrote it: digits are masked, and only the day is known."""

    id: int = Field(examples=[12])
    text: str = Field(examples=["hise ruf en hiuston # años"])
    kind: Kind = Field(description="What it should have been: a question, a trade, a place, or any message")
    language: str = Field(examples=["es"])
    day: str = Field(examples=["2026-11-21"])
    label: str | None = Field(examples=["7121"])
    labelled_by: str | None = Field(examples=["staff:4f4f"])
    done: bool


class TextList(BaseModel):
    data: list[TextRow]
    next: str | None = Field(description="Give it as `cursor` for the next page; null on the last")


class Label(BaseModel):
    model_config = ConfigDict(extra="forbid")
    label: Annotated[
        str,
        Field(
            min_length=1,
            max_length=80,
            description="A service's id, an ISCO-08 code, an INE code (1217, D12, abroad), a command, or nothing",
            examples=["renap-dpi"],
        ),
    ]
    kind: Kind | None = Field(None, description="What it is after all, when it is filed as something else")


@router.get("", summary="List what was not understood", responses=responses(401, 403, 422))
async def list_texts(
    puente: House,
    caller: Reader,
    kind: OfKind = None,
    done: Annotated[bool | None, Query(description="Only those that have a label, or have none")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(pattern=r"^\d{1,15}$", description="`next` of the page before")] = None,
) -> TextList:
    """The newest first."""
    after = int(cursor) if cursor else None
    rows = await puente.record.run(_page, caller, kind, done, after, limit + 1)
    data = [TextRow.model_validate(row, from_attributes=True) for row in rows[:limit]]
    return TextList(data=data, next=str(data[-1].id) if len(rows) > limit else None)


@router.get("/export", summary="Take the labelled texts along", responses=responses(401, 403, 422))
async def export_texts(puente: House, caller: Reader, kind: OfKind = None) -> Response:
    """Every labelled text as a JSON line, as the files the bot learns from have it."""
    lines = await puente.record.run(_export, caller, kind)
    return Response(lines, media_type="application/jsonl")


@router.put(
    "/{text_id}/label", summary="Say what a text is", status_code=204, responses=responses(401, 403, 404, 422)
)
async def label_text(puente: House, caller: Writer, text_id: TextId, given: Label) -> Response:
    """One click: the label, and it is done. The same call again changes nothing; another label takes its place."""
    await puente.record.run(_label, caller, text_id, given)
    return Response(status_code=204)


def _page(tx: Tx, caller: Caller, kind: str | None, done: bool | None, after: int | None, limit: int) -> list[Line]:
    audit(tx, caller.scope.actor, "unanswered.list", detail=kind)
    return unanswered.listed(tx, kind=kind, done=done, after=after, limit=limit)


def _export(tx: Tx, caller: Caller, kind: str | None) -> str:
    lines = unanswered.export(tx, caller.scope.actor, kind)
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _label(tx: Tx, caller: Caller, text_id: int, given: Label) -> None:
    try:
        there = unanswered.label(tx, text_id, given.label, caller.scope.actor, time.time(), given.kind)
    except unanswered.NotALabel as wrong:
        raise HTTPException(422, f"label: {wrong}") from None
    if not there:
        raise HTTPException(404, "there is no such text")
