"""What every fake vendor keeps: a clock that can be moved, a ledger of what it took, a plan of what fails.

`fake.sent` holds, in order, every message the vendor accepted, whether or not its caller ever heard so.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, TextIO

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .faults import Fault, Plan, from_json
from .wire import CutShort, Dropped


class Clock:
    """Seconds since 1970, running with the machine's clock unless `frozen`; both can be moved forward."""

    def __init__(self, frozen: float | None = None) -> None:
        self._frozen = frozen
        self._offset = 0.0

    def __call__(self) -> float:
        return (time.time() if self._frozen is None else self._frozen) + self._offset

    def advance(self, seconds: float) -> None:
        self._offset += seconds


@dataclass(frozen=True)
class Option:
    """Something a person can tap: what it says, what comes back, and which kind of button it is."""

    label: str
    data: str
    kind: str  # inline, url, keyboard, contact, location | button, row


@dataclass
class Sent:
    """One message the vendor accepted. `answered` is False when its caller was not told."""

    n: int
    at: float
    to: str
    id: str
    kind: str
    text: str
    options: list[Option] = field(default_factory=list)
    opener: str = ""
    status: str = "sent"
    error: int | None = None
    answered: bool = True
    deleted: bool = False
    request: dict[str, Any] = field(default_factory=dict)


@dataclass
class Call:
    """One request and the status it got; 0 where the plan gave it none."""

    at: float
    method: str
    to: str
    status: int
    fault: str = ""
    params: dict[str, Any] = field(default_factory=dict)


class Fake:
    """The common part of the two vendors. Serve `fake.app` with tests.fakes.serve."""

    name = "fake"

    def __init__(self, clock: Clock | None = None, plan: Plan | None = None, log: TextIO | None = None) -> None:
        self.clock = clock or Clock()
        self.plan = plan or Plan()
        self.log = log
        self.base = ""  # set by the server: http://127.0.0.1:<port>
        self.sent: list[Sent] = []
        self._by_person: dict[str, list[Sent]] = {}
        self.calls: list[Call] = []
        self.sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
        self.client: httpx.AsyncClient | None = None
        self.roads: dict[str, str] = {}  # {"https://bot.example": where that listens in this test}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.app = Starlette(routes=[*control(self), *self.routes()], lifespan=self._lifespan)

    def routes(self) -> list[BaseRoute]:
        raise NotImplementedError

    def refusal(self, status: int, words: str, code: int, seconds: float) -> Response:
        """The vendor's way to say no."""
        raise NotImplementedError

    def open(self, people: list[str]) -> None:
        """Make these addresses reachable without a phone in the test's hands (for long harnesses)."""
        raise NotImplementedError

    def accept(self, to: str, id: str, kind: str, text: str, **more: Any) -> Sent:
        sent = Sent(len(self.sent), self.clock(), to, id, kind, text, **more)
        self.sent.append(sent)
        self._by_person.setdefault(to, []).append(sent)
        if self.log:
            self.log.write(json.dumps({"vendor": self.name, **asdict(sent)}, ensure_ascii=False, default=repr) + "\n")
            self.log.flush()
        return sent

    def sent_to(self, to: object) -> list[Sent]:
        return list(self._by_person.get(str(to), ()))

    def road(self, url: str) -> str:
        """Where a public address really listens in this test."""
        for public, real in self.roads.items():
            if url.startswith(public):
                return real + url[len(public) :]
        return url

    async def answer(
        self, method: str, to: str, sends: bool, params: dict[str, Any], work: Callable[[Fault | None], Response]
    ) -> Response:
        """Do the work, or what the plan has for it. `work` must not await: what it accepts is then its own."""
        call = Call(self.clock(), method, to, 0, params=params)
        self.calls.append(call)
        fault = self.plan.take(method, to, sends)
        if fault is None or fault.kind in ("delay", "later"):
            if fault and fault.seconds:
                await self.sleep(fault.seconds)
            done = work(fault)
            call.status = done.status_code
            return done
        call.fault = fault.kind
        before = len(self.sent)
        done = work(fault) if fault.after else Response()
        for sent in self.sent[before:]:
            sent.answered = False
        answer = self._spoil(fault, done)
        call.status = 0 if isinstance(answer, Dropped | CutShort) else answer.status_code
        return answer

    def _spoil(self, fault: Fault, done: Response) -> Response:
        if fault.kind in ("drop", "hang"):
            return Dropped(at_once=fault.kind == "drop")
        if fault.kind == "cut":
            return CutShort(done)
        if fault.html:
            return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", fault.status)
        return self.refusal(fault.status, fault.words or "Internal Server Error", fault.code, fault.seconds)

    def background(self, work: Any) -> None:
        """Start something of the vendor's own: a status callback on its way."""
        self._loop = asyncio.get_running_loop()
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until everything the vendor does of itself is done. Callable from any loop or thread's loop."""
        if self._loop is None or self._loop is asyncio.get_running_loop():
            while self._tasks:
                await asyncio.wait(list(self._tasks))
        elif self._loop.is_running():
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.settled(), self._loop))

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        limits = httpx.Limits(max_connections=50, max_keepalive_connections=50)
        async with httpx.AsyncClient(verify=False, trust_env=False, timeout=60, limits=limits) as client:
            self.client = client
            yield
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self.client = None

    def kept_client(self) -> httpx.AsyncClient | None:
        """The server's own pool, if we are in the server's loop; a pool serves one loop only."""
        return self.client if asyncio.current_task() in self._tasks else None


def control(fake: Fake) -> list[BaseRoute]:
    """The side door, for harnesses in another process: `/__sent`, `/__calls`, `/__plan`, `/__clock`, `/__open`."""

    async def sent(request: Request) -> Response:
        since = int(request.query_params.get("since", 0))
        return JSONResponse([asdict(row) for row in fake.sent[since:]])

    async def calls(request: Request) -> Response:
        rows = fake.calls[int(request.query_params.get("since", 0)) :]
        return JSONResponse([{**asdict(row), "params": {k: str(v) for k, v in row.params.items()}} for row in rows])

    async def plan(request: Request) -> Response:
        if request.method == "DELETE":
            fake.plan.clear()
        else:
            for row in await request.json():
                fault, aim = from_json(row)
                fake.plan.add(fault, **aim)
        return JSONResponse({"planned": len(fake.plan)})

    async def clock(request: Request) -> Response:
        if request.method == "POST":
            fake.clock.advance(float((await request.json())["advance"]))
        return JSONResponse({"now": fake.clock()})

    async def opened(request: Request) -> Response:
        fake.open([str(person) for person in await request.json()])
        return JSONResponse({"ok": True})

    return [
        Route("/__sent", sent),
        Route("/__calls", calls),
        Route("/__plan", plan, methods=["POST", "DELETE"]),
        Route("/__clock", clock, methods=["GET", "POST"]),
        Route("/__open", opened, methods=["POST"]),
    ]
