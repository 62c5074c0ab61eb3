"""What must be true of every conversation before anybody meets it, in every language, on every channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flows.checks import answers, labels, names, ways, words
from flows.checks.finding import Finding
from flows.checks.labels import Limits
from flows.steps import Flow
from flows.text import Tongue


def check(flows: Mapping[str, Flow], tongues: Sequence[Tongue], limits: Sequence[Limits]) -> list[Finding]:
    """Everything wrong with the conversations, in a stable order; nothing when all is well."""
    broken = [*names.check(flows), *ways.check(flows)]
    found = [*broken, *words.check(flows, tongues), *labels.check(flows, tongues, limits)]
    if not broken:  # only ways that lead somewhere can be followed
        found += answers.check(flows)
    return sorted(set(found))


__all__ = ["Finding", "Limits", "check"]
