"""Twilio's Content API: buttons and lists are stored resources, made once and sent by their id."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .twilio_limits import Refused, check_content, check_template

if TYPE_CHECKING:
    from .twilio import FakeTwilio


@dataclass
class Content:
    sid: str
    at: float
    friendly_name: str
    language: str
    variables: dict[str, str]
    types: dict[str, Any]
    approval: dict[str, Any] = field(default_factory=dict)

    @property
    def approved(self) -> bool:
        return self.approval.get("status") == "approved"


class Contents:
    """All content resources of the account. `approves` False leaves a template waiting, as Meta does for hours."""

    def __init__(self, fake: FakeTwilio, approves: bool = True) -> None:
        self.fake = fake
        self.approves = approves
        self.all: dict[str, Content] = {}
        self.rejected_names: set[str] = set()

    def routes(self) -> list[BaseRoute]:
        checked = self.fake.checked
        return [
            Route("/v1/Content", checked(self._create), methods=["POST"]),
            Route("/v1/Content", checked(self._list)),
            Route("/v1/ContentAndApprovals", checked(self._list)),
            Route("/v1/Content/{sid}", checked(self._fetch)),
            Route("/v1/Content/{sid}", checked(self._delete), methods=["DELETE"]),
            Route("/v1/Content/{sid}/ApprovalRequests", checked(self._approval)),
            Route("/v1/Content/{sid}/ApprovalRequests/whatsapp", checked(self._ask_approval), methods=["POST"]),
        ]

    def of(self, request: Request) -> Content:
        found = self.all.get(request.path_params["sid"])
        if found is None:
            raise Refused(20404, 404, f"The requested resource {request.url.path} was not found")
        return found

    def add(self, types: dict[str, Any], language: str = "es", **more: Any) -> Content:
        """A content that is already there when the test begins."""
        body = {"language": language, "types": types, **more}
        check_content(body)
        content = Content(
            "HX" + uuid4().hex, self.fake.clock(), body.get("friendly_name") or "", language,
            body.get("variables") or {}, types,
        )  # fmt: skip
        self.all[content.sid] = content
        return content

    def decide(self, sid: str, status: str, why: str = "") -> None:
        """Meta's word on a template: approved, rejected, paused or disabled."""
        content = self.all[sid]
        content.approval |= {"status": status, "rejection_reason": why}
        if status == "rejected":
            self.rejected_names.add(content.approval.get("name", ""))

    async def _create(self, request: Request) -> Response:
        try:
            body = await request.json()
        except ValueError:
            raise Refused(20001, words="the body is not JSON") from None
        if not isinstance(body, dict) or not body.keys() <= {"friendly_name", "variables", "language", "types"}:
            raise Refused(20001)

        def work(fault: object) -> Response:
            check_content(body)
            return JSONResponse(self._json(request, self.add(**body)), 201)

        return await self.fake.answer("content", "", False, body, self.fake.spoken(work))

    async def _fetch(self, request: Request) -> Response:
        return JSONResponse(self._json(request, self.of(request)))

    async def _delete(self, request: Request) -> Response:
        del self.all[self.of(request).sid]
        return Response(status_code=204)

    async def _list(self, request: Request) -> Response:
        """Paged: `meta.next_page_url` leads on, and is null on the last page."""
        with_approvals = request.url.path.endswith("Approvals")
        size = min(max(int(request.query_params.get("PageSize", 50)), 1), 1000)
        page = int(request.query_params.get("Page", 0))
        rows = list(self.all.values())
        found = [self._json(request, row, with_approvals) for row in rows[page * size : (page + 1) * size]]

        def url(n: int) -> str:
            token = f"&PageToken=PT{n}" if n else ""
            return f"{_base(request)}{request.url.path}?PageSize={size}&Page={n}{token}"

        meta = {
            "page": page, "page_size": size, "key": "contents", "url": url(page), "first_page_url": url(0),
            "previous_page_url": url(page - 1) if page else None,
            "next_page_url": url(page + 1) if len(rows) > (page + 1) * size else None,
        }  # fmt: skip
        return JSONResponse({"contents": found, "meta": meta})

    async def _ask_approval(self, request: Request) -> Response:
        content, body = self.of(request), await request.json()
        name, category = str(body.get("name", "")), str(body.get("category", "")).upper()
        if not name or not category:
            raise Refused(20001, words="name and category are required")
        why = check_template(content.__dict__, name, category)
        if name in self.rejected_names:
            why = "the name of a rejected template cannot be used again"
        kind = next(iter(content.types))
        content.approval = {
            "name": name, "category": category, "content_type": kind, "status": "received",
            "rejection_reason": "", "allow_category_change": True,
        }  # fmt: skip
        answer = JSONResponse(dict(content.approval), 201)
        if why or self.approves:
            self.decide(content.sid, "rejected" if why else "approved", why)
        return answer

    async def _approval(self, request: Request) -> Response:
        content = self.of(request)
        about = {"type": "whatsapp", **(content.approval or {"status": "unsubmitted"})}
        url = f"{_base(request)}{request.url.path}"
        account = self.fake.account_sid
        return JSONResponse({"sid": content.sid, "account_sid": account, "whatsapp": about, "url": url})

    def _json(self, request: Request, content: Content, approvals: bool = False) -> dict[str, Any]:
        url = f"{_base(request)}/v1/Content/{content.sid}"
        when = datetime.fromtimestamp(content.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body: dict[str, Any] = {
            "sid": content.sid, "account_sid": self.fake.account_sid, "friendly_name": content.friendly_name,
            "language": content.language, "variables": content.variables, "types": content.types,
            "date_created": when, "date_updated": when,
        }  # fmt: skip
        if approvals:
            return body | {"approval_requests": content.approval or {"status": "unsubmitted"}}
        links = {"approval_create": f"{url}/ApprovalRequests/whatsapp", "approval_fetch": f"{url}/ApprovalRequests"}
        return body | {"url": url, "links": links}


def _base(request: Request) -> str:
    return re.sub(r"/$", "", str(request.base_url))
