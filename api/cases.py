"""Cases over HTTP: list, read, claim, answer, note, give back, close; for consoles and institutions' own systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Concatenate, Literal, ParamSpec, TypeVar

from fastapi import APIRouter, Header, HTTPException, Path, Query, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from api.deps import Caller, House, Reader, Writer
from api.errors import responses
from bot import casefile, cases, handoff, idempotency
from bot.channels import parts
from bot.record import Tx
from bot.service import Puente
from flows.text import LONGEST
from flows.understanding.normalise import clean

P = ParamSpec("P")
T = TypeVar("T")
router = APIRouter(prefix="/cases", tags=["cases"])

CaseId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="A case's id", examples=["4f" * 16])]
Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=200, pattern=r"^[\x21-\x7e]+$", description="Repeat safely with it"),
]
Moment = Annotated[str, Field(description="ISO 8601, UTC", examples=["2026-11-21T15:04:05.000Z"])]


class CaseRow(BaseModel):
    """A case as it stands in a list. It says nothing of who the person is."""

    id: str = Field(examples=["4f" * 16])
    code: str = Field(examples=["K7M-3QX"], description="Read aloud and copied by hand")
    state: Literal["new", "claimed", "closed"]
    urgency: Literal["R0", "R1", "R2", "R3"] = Field(description="R0 now, R1 same day, R2 24–72 hours, R3 routine")
    reason: str = Field(
        examples=["asked"], description="asked, vacancy, danger, minor, unreadable; alert: of the house"
    )
    topic: str | None = Field(examples=["work"])
    danger: str | None = Field(examples=[None])
    vacancy: str | None = Field(examples=[None], description="The vacancy the person is interested in")
    false_alarm_at: Moment | None
    opened_at: Moment
    claimed_at: Moment | None
    closed_at: Moment | None
    outcome: str | None
    office: str | None = Field(examples=["DEMO · Quetzaltenango"])
    staff_id: str | None
    language: str = Field(examples=["es"])
    spoken: str | None = Field(examples=["mam"], description="The language the person prefers, ISO 639-3")
    minor: bool


class Line(BaseModel):
    """One message of a transcript."""

    from_: Literal["contact", "bot", "person", "notice"] = Field(alias="from")
    at: Moment
    text: str
    options: list[str] = []
    media: str | None = None
    place: tuple[float, float] | None = None
    channel: str
    state: str = Field(
        description="received, waiting, claimed, sent, delivered, read, refused, unknown", examples=["sent"]
    )
    why: str | None = Field(None, description="The provider's code, when it was refused")


class ProfileLine(BaseModel):
    field: str
    text: str


class Summary(BaseModel):
    profile: list[ProfileLine]
    unanswered: bool


class Note(BaseModel):
    staff_id: str | None
    at: Moment
    text: str


class CaseFile(CaseRow):
    """A case with all that was said."""

    summary: Summary
    transcript: list[Line]
    notes: list[Note]


class CaseList(BaseModel):
    data: list[CaseRow]
    next: str | None = Field(description="Give it as `cursor` for the next page; null on the last")


def _clean(given: object) -> object:
    """Cleaned before it is measured: what only looks like words is empty."""
    return clean(given) if isinstance(given, str) else given


Clean = BeforeValidator(_clean)


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: Annotated[
        str, Field(min_length=1, max_length=4000, examples=["Buenos días, soy del Mintrab. ¿Le puedo ayudar?"]), Clean
    ]


class Outcome(BaseModel):
    model_config = ConfigDict(extra="forbid")
    outcome: Annotated[str, Field(min_length=1, max_length=200, examples=["referred"]), Clean]


@router.get("", summary="List cases", responses=responses(401, 403, 422))
async def list_cases(
    puente: House,
    caller: Reader,
    state: Annotated[Literal["new", "claimed", "closed"] | None, Query(description="Only these")] = None,
    urgency: Annotated[Literal["R0", "R1", "R2", "R3"] | None, Query(description="Only these")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(pattern=r"^[0-9a-f]{32}$", description="`next` of the page before")] = None,
) -> CaseList:
    """Cases of your office, the most urgent and longest waiting first."""
    rows = _there(await puente.record.run(_tried, _page, caller, state, urgency, cursor, limit + 1))
    return CaseList(data=rows[:limit], next=rows[limit - 1].id if len(rows) > limit else None)


@router.get("/{case_id}", summary="Read a case", responses=responses(401, 403, 404, 422))
async def read_case(puente: House, caller: Reader, case_id: CaseId) -> CaseFile:
    """Summary, transcript from before the handoff, and notes. Every look is audited."""
    whole = await puente.record.run(_tried, casefile.whole, caller.scope, case_id, puente.house.tongues)
    return CaseFile.model_validate(_there(whole))


@router.post("/{case_id}/claim", summary="Take a case", status_code=204, responses=responses(401, 403, 404, 409, 422))
async def claim(puente: House, caller: Writer, case_id: CaseId, key: Key = None) -> Response:
    """You have the conversation: the bot is silent, and the person is told that somebody answers now."""
    return await _once(puente, caller, key, "claim", case_id, "", _claim, puente, caller, case_id)


@router.post(
    "/{case_id}/reply", summary="Answer the person", status_code=202, responses=responses(401, 403, 404, 409, 422)
)
async def reply(puente: House, caller: Writer, case_id: CaseId, words: Words, key: Key = None) -> Response:
    """Sent on the channel the person last wrote on, ahead of everything the bot says."""
    return await _once(puente, caller, key, "reply", case_id, words.text, _reply, caller, case_id, words.text)


@router.post("/{case_id}/note", summary="Add a note", status_code=201, responses=responses(401, 403, 404, 422))
async def add_note(puente: House, caller: Writer, case_id: CaseId, words: Words, key: Key = None) -> Response:
    """For staff only; never sent."""
    return await _once(puente, caller, key, "note", case_id, words.text, _note, caller, case_id, words.text)


@router.post(
    "/{case_id}/return",
    summary="Give it back to the bot",
    status_code=204,
    responses=responses(401, 403, 404, 409, 422),
)
async def give_back(puente: House, caller: Writer, case_id: CaseId, key: Key = None) -> Response:
    """The bot speaks again where it stood, and says so; the case stays open."""
    return await _once(puente, caller, key, "return", case_id, "", _give_back, caller, case_id)


@router.post(
    "/{case_id}/close", summary="Close a case", status_code=204, responses=responses(401, 403, 404, 409, 422)
)
async def close(puente: House, caller: Writer, case_id: CaseId, outcome: Outcome, key: Key = None) -> Response:
    """The person is told; the bot speaks again if it was silent."""
    return await _once(
        puente, caller, key, "close", case_id, outcome.outcome, _close, puente, caller, case_id, outcome.outcome
    )


def _page(
    tx: Tx, caller: Caller, state: str | None, urgency: str | None, after: str | None, limit: int
) -> list[CaseRow]:
    rows = casefile.listed(tx, caller.scope, state=state, urgency=urgency, after=after, limit=limit)
    return [CaseRow.model_validate(row) for row in rows]


def _claim(tx: Tx, puente: Puente, caller: Caller, case_id: str) -> int:
    casefile.found(tx, caller.scope, case_id, "case.claim")
    handoff.claim(tx, puente.house, case_id, caller.scope.staff_id)
    return 204


def _reply(tx: Tx, caller: Caller, case_id: str, text: str) -> int:
    casefile.found(tx, caller.scope, case_id, "case.reply")
    for part in parts(text, LONGEST * 2):
        cases.answer(tx, case_id, caller.scope.staff_id, part)
    return 202


def _note(tx: Tx, caller: Caller, case_id: str, text: str) -> int:
    casefile.found(tx, caller.scope, case_id, "case.note")
    cases.note(tx, case_id, caller.scope.staff_id, text)
    return 201


def _give_back(tx: Tx, caller: Caller, case_id: str) -> int:
    casefile.found(tx, caller.scope, case_id, "case.return")
    cases.hand_back(tx, case_id)
    return 204


def _close(tx: Tx, puente: Puente, caller: Caller, case_id: str, outcome: str) -> int:
    casefile.found(tx, caller.scope, case_id, "case.close")
    handoff.close(tx, puente.house, case_id, outcome)
    return 204


async def _once(
    puente: Puente,
    caller: Caller,
    key: str | None,
    action: str,
    case_id: str,
    body: str,
    work: Callable[Concatenate[Tx, P], int],
    *args: P.args,
    **kwargs: P.kwargs,
) -> Response:
    """Do it once, however often it is asked with the same Idempotency-Key."""

    def done(tx: Tx) -> int:
        if key is None:
            return work(tx, *args, **kwargs)
        call = idempotency.Call(caller.scope.actor, key, f"{action} {case_id}", body)
        return idempotency.once(tx, call, lambda: work(tx, *args, **kwargs))

    return Response(status_code=_there(await puente.record.run(_tried, done)))


def _tried(tx: Tx, work: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Run it; None for what the caller may not see, so that the denial stays in the audit."""
    try:
        return work(tx, *args, **kwargs)
    except cases.NotYours:
        return None
    except cases.Conflict as conflict:
        raise HTTPException(409, str(conflict)) from None
    except idempotency.Mismatch:
        raise HTTPException(422, "this Idempotency-Key was used for another call") from None


def _there(found: T | None) -> T:
    """404 for what does not exist for this caller, whether or not it exists for others."""
    if found is None:
        raise HTTPException(404, "there is no such case")
    return found
