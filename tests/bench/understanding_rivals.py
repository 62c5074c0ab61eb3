"""The same service questions for rapidfuzz's WRatio and SQLite's full text search, with the same words as ours."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any

from rapidfuzz import fuzz, process

from bot import heldout, knowledge
from bot.heldout import Figure
from flows.understanding.normalise import fold
from flows.understanding.services import Services

Find = Callable[[str], Sequence[str]]
"""A question to service ids, best first."""


def main(ours: Services) -> None:
    """Figures and times of the three, on our held-out questions, in one run."""
    questions = [line for line in heldout.lines("services") if line.get("gold")]
    print(f"\nServices beside rapidfuzz and SQLite FTS5, on the same {len(questions)} questions and the same words:")
    print(f"  {'':28} {'first':22} {'among three':22} {'p50 ms':>7} {'p95 ms':>7}")
    contenders: dict[str, Find] = {
        "ours": lambda text: ours.find(text).ids,
        "rapidfuzz WRatio": ratio(),
        "SQLite FTS5": search(),
    }
    for name, find in contenders.items():
        measured(name, find, questions)


def measured(name: str, find: Find, questions: Sequence[Any]) -> None:
    first = three = 0
    taken = []
    for line in questions:
        began = time.process_time()
        ids = list(find(line["text"]))
        taken.append(time.process_time() - began)
        first += bool(set(line["gold"]) & set(ids[:1]))
        three += bool(set(line["gold"]) & set(ids[:3]))
    taken.sort()
    shares = [Figure(name, "", hits, len(questions)) for hits in (first, three)]
    shown = " ".join(f"{f.share:.3f} {f.interval[0]:.3f}–{f.interval[1]:.3f}    " for f in shares)
    print(f"  {name:28} {shown}{1e3 * taken[len(taken) // 2]:7.2f} {1e3 * taken[int(len(taken) * 0.95)]:7.2f}")


def texts() -> list[tuple[str, Sequence[str]]]:
    """Every text our engine learns from, folded, and the services it stands for."""
    cues = knowledge.facts("service_cues.yaml")
    known: list[tuple[str, Sequence[str]]] = []
    for record in knowledge.facts("services.yaml")["services"]:
        about = [record["name_es"], record["institution"], *(record["facts"] or ()), record["for_whom"]]
        known += [(fold(str(text)), [record["id"]]) for text in about if text]
    entries = [([id], entry) for id, entry in cues["records"].items()]
    entries += [(entry["ids"], entry) for entry in cues["needs"].values()]
    for ids, entry in entries:
        said = (*entry.get("cues", ()), *entry.get("es", ()), *entry.get("en", ()))
        known += [(fold(str(text)), ids) for text in said]
    return known


def ratio() -> Find:
    """The nearest texts by WRatio; their services in that order."""
    known = texts()
    choices = [text for text, _ids in known]

    def find(question: str) -> list[str]:
        nearest = process.extract(fold(question), choices, scorer=fuzz.WRatio, limit=20)
        return list(dict.fromkeys(id for _text, _score, at in nearest for id in known[at][1]))

    return find


def search() -> Find:
    """The best rows of a full text index, any of the question's words, by BM25."""
    known = texts()
    base = sqlite3.connect(":memory:")
    base.execute("CREATE VIRTUAL TABLE said USING fts5(text, tokenize = 'unicode61 remove_diacritics 2')")
    rows = ((at, text) for at, (text, _ids) in enumerate(known))
    base.executemany("INSERT INTO said(rowid, text) VALUES (?, ?)", rows)

    def find(question: str) -> list[str]:
        asked = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", fold(question)))
        if not asked:
            return []
        found = base.execute("SELECT rowid FROM said WHERE said MATCH ? ORDER BY rank LIMIT 20", (asked,)).fetchall()
        return list(dict.fromkeys(id for (at,) in found for id in known[at][1]))

    return find
