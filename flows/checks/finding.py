"""One thing wrong with a conversation, said so that whoever wrote it finds the place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """`step` is empty when the whole flow is meant, `locale` when every language is."""

    flow: str
    step: str
    locale: str
    problem: str

    def __str__(self) -> str:
        where = f"{self.flow}.{self.step}" if self.step else self.flow
        return f"{where} [{self.locale}]: {self.problem}" if self.locale else f"{where}: {self.problem}"
