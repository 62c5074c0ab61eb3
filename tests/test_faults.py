"""A thin sample of the fault harnesses, seeded; `python -m tests.faults` has the rest (SAFETY X1, X19, X21)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot import failpoints
from tests.faults import __main__ as command
from tests.faults import starts, sweep

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = (("sweep", "migration", "--most", "8", "--budget", "1h"), ("outage", "--budget", "5s"))
"""As small as they come; how many cases there are does not depend on how fast the machine is."""


def faults(*arguments: str) -> tuple[int, str]:
    """The command as it is typed, in a process of its own: harnesses fork, and kill what they forked."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("sample", SAMPLE)
def test_nothing_is_lost_doubled_or_stuck(kind: str, sample: tuple[str, ...], request: pytest.FixtureRequest) -> None:
    if kind == "postgres":
        request.getfixturevalue("server")  # or a skip that says what is missing
    code, told = faults(*sample, "--on", kind, "--seed", "3")
    assert code == 0, told
    passed = [line.split()[1] for line in told.splitlines() if line.startswith("PASS ")]
    assert passed == [word for word in sample if word in command.HARNESSES], told


def test_every_place_that_can_fail_is_some_harnesss() -> None:
    """The sweep itself fails where its story passes one of its places no more."""
    mine = {*sweep.NAMED, *sweep.EVERY} - {"write"}
    assert mine | set(starts.PLACES) == set(failpoints.PLACES)


def test_a_case_can_be_replayed(tmp_path: Path) -> None:
    case = "sqlite:turn.done:kill:1"
    code, told = faults("sweep", "--on", "sqlite", "--case", case, "--resume", str(tmp_path))
    assert code == 0, told
    assert re.search(r"PASS sweep sqlite: 1 of \d+ cases", told), told


def test_a_run_goes_on_where_it_stood(tmp_path: Path) -> None:
    counts = []
    for most in ("2", "4"):
        code, told = faults(
            "migration", "--on", "sqlite", "--most", most, "--budget", "1h", "--resume", str(tmp_path)
        )
        assert code == 0, told
        counts += re.findall(r"sqlite: (\d+) of", told)
    kept = (tmp_path / "migration" / "sqlite.jsonl").read_text().splitlines()
    assert (counts, len(kept)) == (["2", "4"], 4)


@pytest.mark.parametrize("arguments", [("mars",), ("--budget", "soon"), ("--case", "a:b:c:1")])
def test_a_command_that_makes_no_sense_says_why(arguments: tuple[str, ...]) -> None:
    code, told = faults(*arguments)
    assert code != 0
    assert any(word in told for word in ("there are:", "such as 3m", "name it")), told


def test_help_tells_what_every_harness_does() -> None:
    code, told = faults("--help")
    assert code == 0
    for name in command.HARNESSES:
        assert re.search(rf"^  {name} +\w", told, re.MULTILINE), name
