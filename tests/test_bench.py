"""The measurements run: each with tiny numbers, and never a word about how fast. Their figures are taken by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import plots, turns
from tests.bench.contenders import CPU, REPLIES, Bench, Runner
from tests.cluster import NoPostgres

TINY = ["--rounds", "1", "--people", "1", "--at-once", "2", "--rate", "20", "--seconds", "1", "--workers", "1", "--idle",
        "0", "--sizes", "2", "--messages", "3", "--held", "100", "--mind", "deaf", "--paced", "0.1",
        "--kills", "1"]  # fmt: skip

ELSEWHERE = {"aiogram_redis", "fastapi_form"}
"""Peers with libraries of their own to be installed first: no part of a test."""


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(turns.parsed(TINY), tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    "runner",
    [one for one in (*turns.SQLITE[1:6], turns.TWILIO[0], turns.SENDING[2]) if one.module not in ELSEWHERE],
    ids=lambda runner: runner.name,
)
def test_a_contender_has_the_conversation(bench: Bench, runner: Runner) -> None:
    told = bench.run(runner, 2)
    assert told["turns"] >= 10
    assert CPU.of(told) > 0
    assert REPLIES.of(told) > 0


def test_contenders_on_postgres(bench: Bench) -> None:
    try:
        told = [bench.run(runner, 2) for runner in turns.POSTGRES[:3]]
    except NoPostgres as error:
        pytest.skip(str(error))
    assert all(one["server"] > 0 for one in told)


def test_where_the_time_goes_adds_up(bench: Bench) -> None:
    told = bench.run(turns.SQLITE[0], 2, "--where")
    watched = sum(seconds for seconds, _calls in told["parts"].values())
    assert 0 < watched < told["cpu"] * 1.5  # the clocks take some of it themselves


@pytest.mark.parametrize("name", ["arrivals", "long", "contacts", "pace", "kills"])
def test_a_measurement_runs(bench: Bench, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    turns.SECTIONS[name](bench)
    assert "must" in capsys.readouterr().out


def test_more_is_better_or_less_is() -> None:
    assert [CPU.verdict(ratio, 1, 0.5) for ratio in (0.4, 0.9, 1.1)] == ["aim", "must", "MISSED"]
    assert [REPLIES.verdict(ratio, 10, None) for ratio in (11, 9)] == ["must", "MISSED"]
    assert CPU.verdict(3, None, None) == ""


def test_what_was_measured_is_drawn(tmp_path: Path) -> None:
    made = plots.draw(tmp_path / "plots", {"contacts": [(1000, 700.0, 1.4), (1_000_000, 690.0, 1.45)]})
    assert len(made) == 2
    assert all(path.read_text().count("<circle") == 2 for path in made)
