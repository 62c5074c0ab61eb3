"""What must hold whatever happens: the provider's pace while there is more to say, and nothing lost over many deaths."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import time
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import suppress

from tests.bench.contenders import Bench, Runner
from tests.test_kill import SAID, House

PACES = (80.0, 25.0)


def pace(bench: Bench) -> None:
    """A message to each of many people at once; the provider takes 50 ms for each."""
    print(
        f"\nPace, {bench.given.paced:g} s each; must ≤ limit + 3 in any second, aim ≤ limit + 1 and ≥ 0.98 of the limit"
    )
    for limit in PACES:
        count = int(limit * bench.given.paced)
        told = bench.run(Runner("puente", "pacing"), 1, "--pace", str(limit), "--count", str(count))
        left: list[float] = told["left"]
        most = max(bisect_right(left, at + 1) - number for number, at in enumerate(left))
        share = (count - 1) / (left[-1] - left[0]) / limit
        how = "MISSED" if most > limit + 3 else "aim" if most <= limit + 1 and share >= 0.98 else "must"
        print(f"  {how:7} limit {limit:g}/s: most in any one second {most}, {share:.3f} of the limit", flush=True)


def kills(bench: Bench) -> None:
    """One conversation during which the process dies again and again, each time somewhere else in its work."""
    folder = bench.folder / "kills"
    shutil.copytree(bench.folder / "template", folder)
    house, dice, deaths = House(folder), random.Random(bench.given.seed), bench.given.kills
    house.start()
    refused, words = 0, list(_words(deaths))
    acknowledged = []
    restarts = []
    for number, text in enumerate(words):
        id = f"message-{number}"
        if house.cookies:
            if dice.random() < 0.7 and house.write(text, id):
                acknowledged.append(id)
            time.sleep(dice.choice((0, 0.002, 0.005, 0.01, 0.03)))
            house.kill(signal.SIGKILL)
            began = time.monotonic()
            try:
                house.start()
            except BaseException:
                refused += 1
                raise
            restarts.append(time.monotonic() - began)
            time.sleep(dice.choice((0, 0.2, 1.0)))
            if id in acknowledged:
                with suppress(AssertionError):
                    house.until(house.answered)  # it was acknowledged: nobody has to bring it again
                continue
        house.write(text, id)
        house.until(house.answered)
    shown = house.read() or {"messages": []}
    mine = [line["text"] for line in shown["messages"] if line["from"] == "me"]
    theirs = [line for line in shown["messages"] if line["from"] != "me"]
    house.kill(signal.SIGKILL)
    with sqlite3.connect(folder / "puente.db") as record:
        (unread,) = record.execute("SELECT COUNT(*) FROM inbox WHERE done_at IS NULL").fetchone()
        (people,) = record.execute("SELECT COUNT(*) FROM contact").fetchone()
    record.close()
    lost = len(words) - len(mine)
    figures = {
        "conversations lost": int(people != 1 or mine[: len(words)] != words[: len(mine)]),
        "messages lost": max(0, lost),
        "acknowledged, unanswered": unread,
        "processed twice": max(0, -lost),
        "failed restarts": refused,
        "answers more or less than messages": abs(len(theirs) - len(mine)),
    }
    how = "MISSED" if any(figures.values()) else "aim"
    print(
        f"\nkill -9, {deaths} in a row ({len(acknowledged)} with a message acknowledged and not yet sent again); must 0"
    )
    print(f"  {how:7} " + " · ".join(f"{name}: {count}" for name, count in figures.items()))
    print(f"          back after {max(restarts):.1f} s at most", flush=True)


def _words(deaths: int) -> Iterator[str]:
    yield SAID[0]
    usual = ("español", "no", "trabajo", "menú", "servicios", "menú")
    for number in range(deaths):
        yield usual[number] if number < len(usual) else ("servicios", "menú")[number % 2]
