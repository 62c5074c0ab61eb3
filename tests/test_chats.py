"""Whole conversations, as people have them: every file is played, and every exit of every flow walked."""

from pathlib import Path

import pytest

from bot.catalogues import tongues
from flows.book import Book
from flows.conversations import FLOWS
from flows.steps import exits
from flows.talk import Way
from tests.chat import Chat
from tests.minds import MIND
from tests.world import World

FILES = sorted((Path(__file__).parent / "chats").glob("*.chat"))
BOOK = Book(FLOWS, MIND)


def played(file: Path) -> tuple[str, list[Way]]:
    chat = Chat(BOOK, World(tongues()))
    return chat.play(file.read_text("utf-8")), chat.ways


@pytest.mark.parametrize("file", FILES, ids=[file.name.removesuffix(".chat") for file in FILES])
def test_the_chat_goes_as_written(file: Path, accept: bool) -> None:
    happened, _ways = played(file)
    if accept:
        file.write_text(happened, "utf-8")
    assert happened.splitlines() == file.read_text("utf-8").splitlines()


def test_every_exit_of_every_flow_is_walked_by_some_chat() -> None:
    walked = {way for file in FILES for way in played(file)[1]}
    there = {
        (flow.name, name, way) for flow in FLOWS.values() for name, step in flow.steps.items() for way in exits(step)
    }
    missing = sorted(there - walked)
    assert not missing, f"{len(missing)} of {len(there)} exits not walked:\n" + "\n".join(map(".".join, missing))
