"""Whether a message we start would tell a stranger who reads over the shoulder what the person came to us for."""

from __future__ import annotations

from collections.abc import Sequence

from flows.understanding.normalise import MATCHED, clean, fold

EXACT = "="
"""Before an entry: only that word, not every word that begins so."""


def revealing(text: str, lexicon: Sequence[str]) -> tuple[str, ...]:
    """Which entries of the lexicon occur in a text, in the order of the lexicon; empty when it gives nothing away.

    `lexicon` is the entries of `knowledge/sensitive.yaml`, all groups together: the beginning of a folded
    word ("deport"), `=` and a whole word ("=caso"), or several words of which the last may go on. The whole
    text is looked at, however long, its slots (`{name}`) included. Never raises.
    """
    said = f" {_folded(text)} "
    return tuple(dict.fromkeys(entry for entry in lexicon if _mark(entry) in said))


def _mark(entry: str) -> str:
    whole = entry.startswith(EXACT)
    return f" {fold(entry)} " if whole else f" {fold(entry)}"


def _folded(text: str) -> str:
    """The whole text folded; `fold` looks at the first `MATCHED` characters only, so it is given word by word."""
    kept = clean(text)
    if len(kept) <= MATCHED:
        return fold(kept)
    return " ".join(fold(word) for word in kept.split())
