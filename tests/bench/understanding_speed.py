"""What understanding costs: CPU of each engine and of one message through everything, memory and start-up."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bot import heldout, knowledge, learning
from flows import engine
from flows.book import Book
from flows.conversations import FLOWS
from flows.message import Message
from flows.text import SPANISH
from flows.understanding.age import declared_age

ROUNDS = 3
"""Each text this often; the quickest counts, so that other work on the machine does not."""

SOME = 4
"""Of the texts of all engines together, one in so many is enough."""

ANSWER = range(35, 46)
"""Characters of an everyday answer."""

START = """
import json, resource, sys, time
from pathlib import Path
from bot import knowledge, learning
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6
name, kept = sys.argv[1], Path(sys.argv[2])
def everything():
    mind = knowledge.mind(kept=kept)
    learning.make((mind.trades, mind.services, mind.scams))
    return mind
load = {"services": lambda: knowledge.directory(knowledge.shipped(), kept), "places": knowledge.places,
        "everything": everything}.get(name) or (lambda: getattr(knowledge, name)(kept))
before, began = resident(), time.process_time()
loaded = load()
learning.release_memory()
print(json.dumps({"seconds": time.process_time() - began, "megabytes": resident() - before}))
"""


def main(kept: Path) -> None:
    mind = knowledge.mind(kept=kept)
    lines = {name: [str(line["text"]) for line in heldout.lines(name)] for name in heldout.JUDGES}
    everything = [text for texts in lines.values() for text in texts][::SOME]
    book = Book(FLOWS, mind)
    menu = engine.begin(book, book.home).state
    assert menu is not None

    def message(text: str) -> object:
        return engine.advance(book, menu, Message(text=text), SPANISH)

    def all_engines(text: str) -> None:
        mind.dangers.hear(text)
        declared_age(text)
        for find in (mind.commands.hear, mind.services.find, mind.places.find, mind.trades.find, mind.scams.judge):
            find(text)

    print(f"\nMilliseconds of CPU a text (best of {ROUNDS}):")
    print(f"  {'':44} {'p50':>7} {'p95':>7} {'p99':>7} {'max':>7}    n")
    row("danger, all its held-out lines", mind.dangers.hear, lines["dangers"])
    answers = [text for text in everything if len(text) in ANSWER]
    row(
        f"danger, answers of {ANSWER[0]} to {ANSWER[-1]} characters",
        mind.dangers.hear,
        answers,
        "p50: bar 0.5, aim 0.2",
    )
    row("commands", mind.commands.hear, lines["commands"])
    row("services", mind.services.find, lines["services"])
    row("occupations", mind.trades.find, lines["occupations"])
    row("places", mind.places.find, lines["places"])
    row("scam", mind.scams.judge, lines["scams"])
    row("whether a text is an offer", mind.scams.offered, everything)
    row("every engine on one text", all_engines, everything)
    row("one message through the conversation (menu)", message, everything, "p95: bar 20, aim 5")
    longest = " ".join(everything)[:4096]
    row("every engine on 4,096 characters", all_engines, [longest])
    row("4,096 characters through the conversation", message, [longest])
    learning.make((mind.trades, mind.services, mind.scams))
    print(
        "\nWhat each engine adds to a start (seconds of CPU) and to memory, in a process of its own, learnt before:"
    )
    for name in ("dangers", "commands", "services", "trades", "places", "scams", "everything"):
        cost = started(name, kept)
        aims = "   (bar 3 s, 300 MB; aim 1 s, 120 MB)" if name == "everything" else ""
        print(f"  {name:20} {cost['seconds']:6.2f} s  {cost['megabytes']:6.1f} MB{aims}")


def row(name: str, work: Callable[[str], object], texts: Sequence[str], aims: str = "") -> None:
    for text in texts[:50]:
        work(text)
    taken = sorted(min(_took(work, text) for _round in range(ROUNDS)) for text in texts)
    at = [taken[min(len(taken) - 1, int(len(taken) * share))] for share in (0.5, 0.95, 0.99)]
    print(
        f"  {name:44} " + " ".join(f"{1e3 * value:7.3f}" for value in (*at, taken[-1])) + f" {len(texts):4}  {aims}"
    )


def started(name: str, kept: Path) -> dict[str, float]:
    """Seconds of CPU and resident megabytes that loading an engine adds to a process that has the modules imported."""
    command = [sys.executable, "-c", START, name, str(kept)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    cost: dict[str, float] = json.loads(done.stdout)
    return cost


def _took(work: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    work(text)
    return time.process_time() - began
