"""What staff say unclear texts are is learnt from, by itself; and what nobody labels is not kept for ever."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from bot import knowledge, memo, rounds, teaching, unanswered
from bot.house import House
from bot.knowledge import Own
from bot.unanswered import DAY, NotALabel
from tests.installation import Home
from tests.understanding.directory import RECORDS

SAID = {
    "service": [["chapeo mi cedulita", "renap-dpi"], ["compre zorrillos", "nothing"]],
    "trade": [["yo le hacia al churrumplin", "7121"]],
    "place": [["pueblo de los zompopos", "0901"], ["nuevo chiltepe", "abroad"]],
    "message": [["jalame pa la licenciada", "person"], ["adios licenciada", "nothing"]],
}
NOW = 1_700_000_000.0


def labelled(home: Home, said: dict[str, list[list[str]]] = SAID) -> None:
    for kind, pairs in said.items():
        for text, label in pairs:
            home.record.do(unanswered.note, text, kind, "es", NOW)
            row = home.one("SELECT MAX(id) AS id FROM unanswered")
            assert home.record.do(unanswered.label, row["id"], label, "staff:1", NOW)


def test_what_staff_said_is_read_in_an_order_of_its_own(home: Home) -> None:
    labelled(home, {"service": SAID["service"][::-1], "message": SAID["message"]})
    home.record.do(unanswered.note, "nobody labelled this", "service", "es", NOW)
    assert home.record.do(unanswered.said) == {"message": sorted(SAID["message"]), "service": sorted(SAID["service"])}


def test_the_directory_and_the_labels_are_what_a_house_brings(home: Home) -> None:
    labelled(home)
    own = home.record.do(teaching.own)
    assert {record["id"] for record in own.services} == {record["id"] for record in RECORDS}
    assert own.said["place"] == sorted(SAID["place"])
    same = Own(**json.loads(own.told()))
    assert same.told() == own.told(), "a process of its own learns from the same, and keeps it under the same name"


def test_a_house_that_changed_nothing_learns_what_the_files_say(home: Home) -> None:
    assert home.record.do(teaching.own).told() == knowledge.shipped().told()


@pytest.fixture(scope="module")
def taught() -> Own:
    return Own(RECORDS, SAID)


def test_a_service_is_learnt_from_its_label_and_what_is_nothing_too(taught: Own, tmp_path: Path) -> None:
    engine = knowledge.directory(taught, tmp_path)
    assert engine.find("chapeo mi cedulita").ids[0] == "renap-dpi"
    assert engine.find("compre zorrillos").decision != "answer"
    (first,) = tmp_path.glob("services-*.learnt")
    knowledge.directory(Own(RECORDS, {"trade": [["x", "7121"]]}), tmp_path)
    assert not first.exists(), "without those labels it is another model"


def test_a_trade_a_place_and_a_command_are_learnt_from_their_labels(taught: Own) -> None:
    assert knowledge.trades(None, taught).find("yo le hacia al churrumplin")[0].code == "7121"
    places = knowledge.gazetteer(taught)
    assert places.find("Pueblo de los Zompopos").codes[0] == "0901"
    assert places.find("soy de nuevo chiltepe").abroad
    commands = knowledge.commands(None, taught)
    assert commands.hear("jalame pa la licenciada") == "person"
    assert commands.hear("adios licenciada") != "person"


@dataclass(frozen=True)
class Knows:
    """Stands for a mind; only what it was taught counts."""

    said: Any


class TestFollowing:
    """A Puente that runs, and a `puente train` beside it."""

    @pytest.fixture
    def learning(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def learnt(house: House, own: Own, kept: Path) -> Any:
            return Knows(own.said)

        monkeypatch.setattr(teaching, "_learnt", learnt)
        monkeypatch.setattr(teaching, "LOOK", 0.01)

    async def test_what_was_trained_is_used_without_a_restart(self, home: Home, learning: None) -> None:
        used: asyncio.Queue[Any] = asyncio.Queue()
        house = cast(House, None)
        task = asyncio.create_task(teaching.follow(home.record, lambda: house, used.put_nowait, Path()))
        await asyncio.sleep(0.05)
        assert used.empty(), "nothing was trained since the start"
        labelled(home, {"service": SAID["service"]})
        await home.record.run(teaching.trained, time.time())
        async with asyncio.timeout(10):
            assert (await used.get()).said["service"] == sorted(SAID["service"])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def test_a_training_is_told(self, home: Home) -> None:
        home.record.do(teaching.trained, NOW)
        assert home.record.do(memo.get, teaching.TRAINED) == NOW


class TestAnotherHouse:
    """What one house labelled, taken in by another."""

    def test_an_export_comes_in_as_it_went_out(self, home: Home) -> None:
        labelled(home, SAID | {"message": [["jalame pa la licenciada", "person"]]})
        before = home.record.do(unanswered.said)
        lines = home.record.do(lambda tx: list(unanswered.export(tx, "staff:1")))
        home.run("DELETE FROM unanswered")
        assert home.record.do(unanswered.take_in, lines, NOW) == len(lines) == 6
        assert home.record.do(unanswered.said) == before
        assert home.record.do(unanswered.take_in, lines, NOW) == 0, "twice is once"

    @pytest.mark.parametrize("line", [{}, {"text": "hola", "gold": ["no-such-service"]}, {"gold": ["renap-dpi"]}])
    def test_what_is_no_export_is_refused(self, home: Home, line: dict[str, Any]) -> None:
        with pytest.raises(NotALabel):
            home.record.do(unanswered.take_in, [line], NOW)
        assert home.count("unanswered") == 0


def test_a_text_nobody_labels_is_forgotten_after_the_days_set(home: Home) -> None:
    settings = home.puente.settings
    labelled(home, {"service": SAID["service"][:1]})
    for days in (settings.unanswered_days + 2, settings.unanswered_days - 2):
        home.record.do(unanswered.note, f"{days} old", "service", "es", time.time() - days * DAY)
    (forget,) = (one for one in rounds.rounds(settings, home.record, {}) if one.name == "unanswered")
    asyncio.run(cast(Any, forget.work(time.time())))
    assert [line.label for line in home.record.do(unanswered.listed)] == [None, "renap-dpi"]
