"""Who may see whose data: the one function every read of a person's data goes through; by default, nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Scope:
    """What a caller may see: one office's cases, or every office's; and as whom they act.

    `actor` names them in the audit ("staff:…" or "token:…").
    """

    actor: str
    office_id: str | None = None
    every_office: bool = False
    staff_id: str | None = None


NOTHING = Scope("nobody")


def cases_of(scope: Scope) -> tuple[str, dict[str, Any]]:
    """A condition on `handoff_case h`, and its values, that holds exactly for what this caller may see."""
    if scope.every_office:
        return "1 = 1", {}
    if scope.office_id is not None:
        return "h.office_id = :scope_office", {"scope_office": scope.office_id}
    return "1 = 0", {}
