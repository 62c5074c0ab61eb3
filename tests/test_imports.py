"""What the architecture promises, read from the code itself: who imports whom, who commits, who asks the time."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(path for part in ("api", "bot", "flows") for path in (ROOT / part).rglob("*.py"))
CHANNELS = {"telegram", "whatsapp", "web", "terminal", "twilio"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text("utf-8")))


def imported(path: Path) -> set[str]:
    found = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def calls(path: Path) -> Iterator[tuple[str, str, int]]:
    """Every call of an attribute: on what, which, and the line."""
    for node in nodes(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value), node.func.attr, node.lineno


def test_the_contracts_between_the_parts_are_kept() -> None:
    run = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run([*run, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_can_be_read_at_one_sitting(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    if "migrations" not in path.parts:
        assert len(lines) < 400
    assert not lines or ast.get_docstring(ast.parse("\n".join(lines))), "it opens with what it is for"


def test_only_the_channels_know_one_channel_from_another() -> None:
    found = []
    for path in MODULES:
        if "channels" in path.parts:
            continue
        for node in nodes(path):
            if not isinstance(node, ast.Compare):
                continue
            sides = [node.left, *node.comparators]
            if any(isinstance(side, ast.Constant) and side.value in CHANNELS for side in sides):
                found.append(f"{name(path)}:{node.lineno} {ast.unparse(node)}")
    assert not found


def test_nobody_commits_but_the_record() -> None:
    record = {"bot/record.py", "bot/hand.py"}
    found = {name(path) for path in MODULES for _on, what, _line in calls(path) if what == "commit"}
    assert found == record, "a transaction ends where `Record.transaction` ends"


def test_flows_know_neither_clock_nor_chance() -> None:
    banned = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.monotonic"}
    for path in MODULES:
        if "flows" in path.parts:
            assert not {f"{on}.{what}" for on, what, _line in calls(path)} & banned, name(path)
            assert not imported(path) & {"time", "random", "secrets", "uuid", "os", "socket"}, name(path)


def test_nothing_is_kept_only_in_memory() -> None:
    """No deadline, job or conversation state of a library's (SAFETY C3)."""
    banned = (
        "telegram.ext",
        "BackgroundTasks",
        "JobQueue",
        "ConversationHandler",
        "apscheduler",
        "PicklePersistence",
    )
    for path in MODULES:
        assert not [one for one in imported(path) if any(word in one for word in banned)], name(path)
        if name(path) != "bot/writers.py":  # writes a receipt 10 ms later at most: no deadline, and a crash asks anew
            assert not [line for _on, what, line in calls(path) if what == "call_later"], name(path)


def test_no_text_of_ours_is_sent_as_markup() -> None:
    """What people wrote stands in our texts, and must never be read as bold, links or mentions (SAFETY N7)."""
    for path in (ROOT / "bot" / "channels").glob("telegram*.py"):
        given = [node.arg for node in nodes(path) if isinstance(node, ast.keyword)]
        assert "parse_mode" not in given
        assert "entities" not in given
