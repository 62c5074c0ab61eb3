"""What a durable turn costs, and how the whole stands under load, on many contacts, on many machines, beside peers."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.bench import arrivals, contacts, keeping, machines, plots
from tests.bench.contenders import REPLIES, Bench, Runner, machine

SQLITE = (
    Runner("puente", "puente"),
    Runner("python-telegram-bot, own SQLite", "ptb_sqlite", must=1, aim=0.5),
    Runner("python-telegram-bot, SQLAlchemy ORM", "ptb_orm", must=1 / 4, aim=1 / 8),
    Runner("python-telegram-bot, pickle", "ptb_pickle"),
    Runner("aiogram, Redis", "aiogram_redis", server="redis", must=1 / 3, aim=1 / 5),
    Runner("floor: bare sqlite3", "floor", must=8, aim=4),
    Runner("puente, danger heard", "puente", ("--mind", "danger")),
    Runner("puente, everything understood", "puente", ("--mind", "whole")),
)
POSTGRES = (
    Runner("puente", "puente", server="postgres"),
    Runner("python-telegram-bot, own PostgreSQL", "ptb_postgres", server="postgres", must=1, aim=0.6),
    Runner("floor: bare psycopg", "floor_postgres", server="postgres"),
    Runner("puente, danger heard", "puente", ("--mind", "danger"), server="postgres"),
)
TWILIO = (
    Runner("puente, webhook and turn", "puente_twilio"),
    Runner("FastAPI form() + RequestValidator", "fastapi_form", must=1.75, aim=1),
    Runner("puente, danger heard", "puente_twilio", ("--mind", "danger")),
)
SENDING = (
    Runner("puente", "puente"),
    Runner("python-telegram-bot, as it comes", "ptb_sqlite", ("--updates", "one"), must=10),
    Runner("python-telegram-bot, concurrent_updates", "ptb_sqlite", ("--updates", "many")),
    Runner("floor: bare sqlite3", "floor", must=0.95, aim=0.95),
)


def _turns(runners: tuple[Runner, ...], title: str) -> Callable[[Bench], None]:
    def tables(bench: Bench) -> None:
        for at_once in bench.given.at_once:
            bench.table(title, runners, at_once)

    return tables


def _sending(bench: Bench) -> None:
    bench.table("Replies a second where a send takes 20 ms", SENDING, bench.given.contacts, REPLIES, "--send", "0.02")


SECTIONS: dict[str, Callable[[Bench], None]] = {
    "sqlite": _turns(SQLITE, "SQLite"),
    "postgres": _turns(POSTGRES, "PostgreSQL, client and server together"),
    "twilio": _turns(TWILIO, "The whole Twilio webhook with its turn, beside one that does nothing"),
    "sending": _sending,
    "arrivals": arrivals.arrivals,
    "workers": machines.workers,
    "idle": machines.idle,
    **contacts.MEASURED,
    "pace": keeping.pace,
    "kills": keeping.kills,
}
"""What can be measured, in the order it is."""


def parsed(arguments: list[str]) -> argparse.Namespace:
    """What is wanted. Ends the program in words where it makes no sense."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench turns", description=__doc__)
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"of {', '.join(SECTIONS)} (commas between)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=60, help="each answers ten questions")
    parser.add_argument("--at-once", type=int, nargs="*", default=[1, 20], help="people writing at a time")
    parser.add_argument("--contacts", type=int, default=80, help="writing at a time where a send takes 20 ms")
    parser.add_argument("--rate", type=float, default=50, help="messages a second that come by the clock")
    parser.add_argument("--seconds", type=float, default=40, help="for which they come")
    parser.add_argument("--workers", type=int, default=3, help="at most, on PostgreSQL")
    parser.add_argument("--idle", type=float, default=20, help="seconds after its start at which memory is read")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 100_000], help="contacts in the database")
    parser.add_argument("--messages", type=int, default=1000, help="of one contact, one after another")
    parser.add_argument("--paced", type=float, default=10, help="seconds' worth of messages at each pace")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--plots", type=Path, help="a folder for drawings of contacts and workers (SVG)")
    parser.add_argument("--held", type=int, default=3000, help="people left waiting where memory is measured")
    parser.add_argument("--mind", default="whole", help="what `arrivals` and `long` understand: deaf, danger, whole")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the databases lie; a real disk, unless you want to know")
    parser.add_argument("--where", action="store_true", help="show where the time of a turn of ours goes")
    given = parser.parse_args(arguments)
    given.wanted = [name for name in given.only.split(",") if name]
    if unknown := set(given.wanted) - set(SECTIONS):
        parser.error(f"--only knows no {', '.join(sorted(unknown))}")
    return given


def main(arguments: list[str]) -> None:
    given = parsed(arguments)
    print(machine(given.seed))
    with tempfile.TemporaryDirectory(prefix="puente-bench-", dir=given.folder) as folder:
        bench = Bench(given, Path(folder))
        try:
            for name in given.wanted:
                SECTIONS[name](bench)
            for path in plots.draw(given.plots, bench.drawn) if given.plots else ():
                print(f"drawn: {path}")
        finally:
            bench.close()
