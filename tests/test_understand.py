"""`puente understand` answers each line with exactly the fields it promises; `puente train` learns it all anew."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from bot import __main__ as puente
from bot import heldout
from bot.understand import TASKS, Understanding

SHAPES: dict[str, dict[str, tuple[type, ...]]] = {
    "service": {"decision": (str,), "ids": (list,), "score": (float,)},
    "occupation": {"codes": (list,)},
    "place": {"decision": (str,), "codes": (list,), "abroad": (bool,)},
    "danger": {"danger": (bool,), "kind": (str, type(None)), "level": (str, type(None))},
    "scam": {"label": (str,), "reasons": (list,)},
    "command": {"command": (str, type(None))},
    "message": {"danger": (bool,), "command": (str, type(None)), "decision": (str,), "ids": (list,)},
}
TEXTS = ("como saco mi dpi", "hice roofing", "xela", "san josé", "houston texas", "me quieren matar", "tengo 15 años",
         "deposite Q500 para su visa", "menú", "asdf", "", "🙏", "x" * 5000, "\u0000\u202e")  # fmt: skip


@pytest.fixture(scope="session")
def understanding(request: pytest.FixtureRequest) -> Understanding:
    return Understanding(request.config.cache.mkdir("learnt"))  # type: ignore[union-attr]


@pytest.mark.parametrize("task", sorted(SHAPES))
def test_every_task_answers_with_its_fields_and_no_others(understanding: Understanding, task: str) -> None:
    for text in TEXTS:
        answer = understanding.answer(task, {"text": text})
        assert list(answer) == list(SHAPES[task])
        assert all(isinstance(answer[name], kinds) for name, kinds in SHAPES[task].items()), (text, answer)
        json.dumps(answer)
        assert all(len(answer.get(name, ())) <= 5 for name in ("ids", "codes") if task in ("service", "occupation"))


def test_there_are_no_other_tasks() -> None:
    assert set(TASKS) == set(SHAPES)


@pytest.mark.parametrize(
    ("task", "text", "answer"),
    [
        ("place", "Quetzaltenango", {"decision": "place", "codes": ["0901", "D09"], "abroad": False}),
        ("place", "houston texas", {"decision": "unknown", "codes": [], "abroad": True}),
        ("danger", "me quieren matar", {"danger": True, "kind": "immediate_danger", "level": "R0"}),
        ("danger", "como saco mi dpi", {"danger": False, "kind": None, "level": None}),
        ("command", "quiero hablar con una persona", {"command": "person"}),
        ("message", "me quieren matar", {"danger": True, "command": None, "decision": "unknown", "ids": []}),
        ("message", "menú", {"danger": False, "command": "menu", "decision": "unknown", "ids": []}),
        ("scam", "", {"label": "green", "reasons": []}),
    ],
)
def test_what_it_makes_of_a_line(understanding: Understanding, task: str, text: str, answer: dict[str, Any]) -> None:
    assert understanding.answer(task, {"text": text}) == answer


def test_a_minor_is_danger_in_the_whole_path_and_a_question_is_answered(understanding: Understanding) -> None:
    assert understanding.answer("message", {"text": "tengo 15 años"})["danger"]
    asked = understanding.answer("message", {"text": "como saco mi dpi"})
    assert asked | {"ids": asked["ids"][:1]} == {
        "danger": False, "command": None, "decision": "answer", "ids": ["renap-dpi"]
    }  # fmt: skip


def test_a_line_out_for_each_line_in_in_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO('{"text": "xela"}\n\n{"qid": 1, "text": "san josé"}\n{}\n'))
    assert puente.main(["understand", "--as", "place"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["decision"] for line in lines] == ["place", "ask", "unknown"]


@pytest.mark.parametrize("line", ["hola", "[1]", '"xela"'])
def test_a_line_that_is_no_object_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO(f'{{"text": "xela"}}\n{line}\n'))
    assert puente.main(["understand", "--as", "place"]) == 1
    assert "line 2" in capsys.readouterr().err


def test_held_out_figures_have_their_intervals() -> None:
    figure = heldout.Figure("places", "right", 9, 10)
    low, high = figure.interval
    assert low == pytest.approx(0.596, abs=0.001) and high == pytest.approx(0.982, abs=0.001)
    assert "0.900" in str(figure) and "9 of" in str(figure)
    assert heldout.Figure("places", "right", 0, 0).interval == (0.0, 1.0)


@pytest.mark.parametrize("name", sorted(heldout.JUDGES))
def test_every_engine_has_lines_of_its_own_to_be_judged_by(name: str) -> None:
    assert len(heldout.lines(name)) > 90
