"""What people wrote and the bot could not use: kept without who wrote it, for staff to say what it is."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bot import knowledge
from bot.audit import audit
from bot.crypto import vault
from bot.knowledge import ABROAD, NOTHING
from bot.record import Tx

DAY = 86400.0
KINDS = ("service", "trade", "place", "message")
AT_ONCE = 500
"""Lines of an export read from the record at a time."""

_NAMED = re.compile(
    r"\b(me llamo|mi nombre es|my name is)"
    r"(?:\s+(?!(?:y|e|and|pero|but|soy|vivo|tengo|necesito|quiero|i|de|con)\b)[^\W\d]+){1,4}",
    re.I,
)
_ADDRESS = re.compile(r"\S*@\S+")
_DIGIT = re.compile(r"\d")


class NotALabel(Exception):
    """Nothing of ours is called that; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Line:
    """One text, as staff see it. `day` is when it was written, ISO; `label` what staff said it is."""

    id: int
    text: str
    kind: str
    language: str
    day: str
    label: str | None
    labelled_by: str | None
    done: bool


def anonymous(text: str) -> str:
    """The text without what would say who wrote it: every digit, address and name given as one is masked."""
    return _DIGIT.sub("#", _NAMED.sub(r"\1 …", _ADDRESS.sub("@", text)))


def note(tx: Tx, text: str, kind: str, language: str, now: float) -> None:
    """Keep words nobody understood; the day is all that is known of when, and the audit names nobody."""
    day = now - now % DAY
    tx.run(
        "INSERT INTO unanswered (question, kind, language, at, done) VALUES (:text, :kind, :language, :day, :done)",
        text=vault().seal("unanswered.question", anonymous(text)),
        kind=kind,
        language=language,
        day=day,
        done=False,
    )
    audit(tx, "bot", "effect.NoteUnanswered", detail=kind, now=day)


def listed(
    tx: Tx, *, kind: str | None = None, done: bool | None = None, after: int | None = None, limit: int = 50
) -> list[Line]:
    """The newest first; `after` is the id of the last one of the page before."""
    wanted = {"kind": kind, "done": done, "after": after}
    tests = {"kind": "kind = :kind", "done": "done = :done", "after": "id < :after"}
    where = " AND ".join(test for name, test in tests.items() if wanted[name] is not None) or "1 = 1"
    given = {name: value for name, value in wanted.items() if value is not None}
    rows = tx.all(f"SELECT * FROM unanswered WHERE {where} ORDER BY id DESC LIMIT :limit", limit=limit, **given)
    return [_line(row) for row in rows]


def label(tx: Tx, id: int, said: str, actor: str, now: float, kind: str | None = None) -> bool:
    """Say what a text is: an id of the directory, an ISCO-08 or INE code, a command, or nothing.

    `kind` refiles it. False when there is no such text. Raises `NotALabel`.
    """
    row = tx.one("SELECT kind FROM unanswered WHERE id = :id", id=id)
    if row is None:
        return False
    tx.run(
        "UPDATE unanswered SET kind = :kind, label = :label, labelled_by = :by, labelled_at = :at, done = :done "
        "WHERE id = :id",
        id=id,
        kind=_kind_of(tx, said, kind, str(row["kind"])),
        label=said,
        by=actor,
        at=now,
        done=True,
    )
    audit(tx, actor, "unanswered.label", str(id), said, now)
    return True


def export(tx: Tx, actor: str, kind: str | None = None) -> Iterator[dict[str, Any]]:
    """Everything labelled, oldest first, each line as the file it belongs to has it. Audited when it begins."""
    audit(tx, actor, "unanswered.export", detail=kind, now=time.time())
    last = 0
    while rows := tx.all(
        "SELECT * FROM unanswered WHERE label IS NOT NULL AND id > :last ORDER BY id LIMIT :limit",
        last=last,
        limit=AT_ONCE,
    ):
        last = rows[-1]["id"]
        yield from (_as_learnt(line) for row in rows if (line := _line(row)).kind == (kind or line.kind))


def said(tx: Tx) -> dict[str, list[list[str]]]:
    """What staff said each text is, by kind, in an order that does not depend on when they did."""
    found: dict[str, set[tuple[str, str]]] = {}
    for row in tx.all("SELECT * FROM unanswered WHERE label IS NOT NULL"):
        line = _line(row)
        found.setdefault(line.kind, set()).add((line.text, str(line.label)))
    return {kind: [list(pair) for pair in sorted(found[kind])] for kind in sorted(found)}


def forget(tx: Tx, before: float) -> int:
    """Texts written before a time that nobody has labelled are not kept; how many there were."""
    return tx.run("DELETE FROM unanswered WHERE label IS NULL AND at < :before", before=before)


def take_in(tx: Tx, lines: Iterable[Mapping[str, Any]], now: float) -> int:
    """Lines of another house's export, labelled as they are there; how many of them were new.

    Raises `NotALabel` for a line that is none of an export, or that says something this house does not know.
    """
    known = {(kind, text, label) for kind, pairs in said(tx).items() for text, label in pairs}
    new = 0
    for line in lines:
        kind, text, told = _as_exported(line)
        if (kind, text, told) not in known:
            note(tx, text, kind, str(line.get("lang", "es")), now)
            row = tx.one("SELECT MAX(id) AS id FROM unanswered")
            label(tx, row["id"], told, "house", now, kind)
            known.add((kind, text, told))
            new += 1
    return new


def labels(tx: Tx) -> Mapping[str, frozenset[str]]:
    """For each kind, everything its texts may be labelled as, besides nothing."""
    services = frozenset(row["id"] for row in tx.all("SELECT id FROM service WHERE ship <> 'no'"))
    trades, towns, commands = _codes()
    return {"service": services, "trade": trades, "place": towns, "message": commands}


@cache
def _codes() -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    trades = frozenset(row["code"] for row in knowledge.table("isco08.csv"))
    towns = {row["code"] for row in knowledge.table("municipalities.csv")}
    commands = frozenset(knowledge.facts("commands.yaml")["commands"])
    return trades, frozenset({*towns, *(f"D{code[:2]}" for code in towns), ABROAD}), commands


def _kind_of(tx: Tx, said: str, wanted: str | None, filed: str) -> str:
    """The kind a label makes of a text; four digits are a trade or a town by what the text is filed as."""
    known = labels(tx)
    if said == NOTHING:
        return wanted or filed
    tried = (wanted,) if wanted else (filed, "service", "message")
    found = next((kind for kind in tried if said in known[kind]), None)
    if found is None:
        raise NotALabel("a service's id, a trade's ISCO-08 code, a place's INE code, a command, or nothing")
    return found


def _as_learnt(line: Line) -> dict[str, Any]:
    """As in service_questions_test, out_of_scope, trades/test, places_test and commands_test."""
    told = None if line.label == NOTHING else line.label
    lang = line.language.partition("-")[0]
    match line.kind:
        case "trade":
            gold = [told] if told else []
            return {"id": f"F{line.id}", "text": line.text, "gold": gold, "style": "words", "split": "field"}
        case "place":
            gold = [told] if told and told != ABROAD else ["NONE"]
            return {"id": f"F{line.id}", "text": line.text, "gold": gold, "abroad": told == ABROAD}
        case "service" if told:
            asked = {"writer": "field", "style": "field", "lang": lang, "gold": [told], "expect": "answer"}
            return {**asked, "text": line.text}
        case "message" if told:
            return {"text": line.text, "command": told}
        case _:
            return {"split": "train", "style": "field", "text": line.text}


def _as_exported(line: Mapping[str, Any]) -> tuple[str, str, str]:
    """Kind, text and label of an exported line: what `_as_learnt` made of them."""
    gold, text = [str(one) for one in line.get("gold", ())], str(line.get("text", ""))
    if not text:
        raise NotALabel("every line has a text, as an export has it")
    if "command" in line:
        return "message", text, str(line["command"])
    if "abroad" in line:
        return "place", text, ABROAD if line["abroad"] else gold[0].replace("NONE", NOTHING) if gold else NOTHING
    if line.get("split") == "field":
        return "trade", text, gold[0] if gold else NOTHING
    return "service", text, gold[0] if gold else NOTHING


def _line(row: Any) -> Line:
    return Line(
        id=row["id"],
        text=vault().open("unanswered.question", row["question"]),
        kind=row["kind"],
        language=row["language"],
        day=time.strftime("%Y-%m-%d", time.gmtime(row["at"])),
        label=row["label"],
        labelled_by=row["labelled_by"],
        done=bool(row["done"]),
    )
