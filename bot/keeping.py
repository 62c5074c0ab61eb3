"""The commands of whoever keeps Puente running: `web`, `worker`, `doctor`, `dead` and `failed`."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import time
from collections.abc import Callable
from typing import Any

from bot import doctor, layouts, troubles, unreadable
from bot.casefile import moment
from bot.channels.hooks import Finding
from bot.settings import Settings, Unusable

DAYS = 7.0
MARKS = {"ok": "✓", "warn": "!", "bad": "✗"}

Add = Callable[[str, Callable[[argparse.Namespace, Settings], int | None], str], argparse.ArgumentParser]


def commands(add: Add) -> None:
    """Put them beside the others of `puente`."""
    add("web", web, "take messages in and answer over HTTP; on PostgreSQL the work is left to `puente worker`")
    add("worker", worker, "work through messages and send answers (PostgreSQL; any number of machines)")
    add("doctor", doctor_command, "look at everything and say what to do; 1 when something is wrong")
    dead = add("dead", dead_command, "messages that could not be read, kept sealed")
    dead.add_argument("--retry", action="store_true", help="read them again, as this release can")
    failed = add("failed", failed_command, "sends that were refused or may not have arrived")
    failed.add_argument("--days", type=float, default=DAYS, help="how far back to look")


def web(arguments: argparse.Namespace, given: Settings) -> int:
    if given.on_sqlite:
        print("Puente · on SQLite one process does everything; no `puente worker` is needed", flush=True)
    return int(importlib.import_module("api.serve").serve(given, works=given.on_sqlite))


def worker(arguments: argparse.Namespace, given: Settings) -> int:
    if given.on_sqlite:
        raise Unusable(
            "on SQLite `puente` (or `puente web`) does everything in one process; a worker of its own needs "
            "PostgreSQL: DATABASE_URL=postgresql+psycopg://…"
        )
    return int(importlib.import_module("api.serve").work(given))


def doctor_command(arguments: argparse.Namespace, given: Settings) -> int:
    """In the language of LANG: Spanish, English, or both."""
    findings = asyncio.run(doctor.examine(given))
    for finding in findings:
        print(f"{MARKS[finding.level]} {finding.name:18} {_words(finding)}")
    counts = {level: sum(one.level == level for one in findings) for level in MARKS}
    print(f"{counts['ok']} ✓  {counts['warn']} !  {counts['bad']} ✗")
    return 1 if counts["bad"] else 0


def dead_command(arguments: argparse.Namespace, given: Settings) -> int:
    """What came is never printed: it may be what a person wrote."""
    from bot.service import channels, keep, prepare

    record = prepare(given)
    there = channels(given, record.do(layouts.stored))
    rows = record.do(unreadable.kept_ones)
    read = 0
    for row in rows:
        events = unreadable.again(row, there) if arguments.retry else None
        if events is not None:
            read += 1
            record.do(_taken_in, keep, row, events)
        print(row["id"], row["channel"], moment(row["received_at"]), "read" if events is not None else "unreadable")
    print(f"{len(rows)} kept, {read} read now")
    record.close()
    return 0


def failed_command(arguments: argparse.Namespace, given: Settings) -> int:
    from bot.service import prepare

    record = prepare(given)
    rows = record.do(troubles.failed, time.time() - arguments.days * 86400)
    for row in rows:
        case = f"case {row['code']}" if row["code"] else ""
        print(row["id"], moment(row["at"]), row["channel"], row["speaker"], row["state"], row["why"] or "", case)
    print(f"{len(rows)} in {arguments.days:g} days: `refused` never arrived, `unknown` may have")
    record.close()
    return 0


def _taken_in(tx: Any, keep: Callable[..., None], row: Any, events: list[Any]) -> None:
    keep(tx, row["channel"], events)
    unreadable.read_at_last(tx, row["id"])


def _words(finding: Finding) -> str:
    language = (os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or "")[:2]
    if language in ("es", "en"):
        return finding.es if language == "es" else finding.en
    return f"{finding.es} / {finding.en}"
