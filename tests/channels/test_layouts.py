"""Buttons and lists on WhatsApp: made once at Twilio, found again, tapped; and numbered text where there are none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.channels import Choice, Spoken
from bot.channels import whatsapp_layouts as layouts
from bot.channels.whatsapp import WhatsApp
from bot.channels.whatsapp_sync import sync
from bot.layouts import stored
from tests.channels.conftest import Town, town
from tests.channels.replay import Player
from tests.fakes.faults import refuse

IN_ONE_LOOP = pytest.mark.asyncio(loop_scope="module")
CHATS = Path(__file__).parent.parent / "chats"
TYPED = ("first_minute.es", "first_minute.en", "profile_whole.es", "vacancies_many.es", "held.es", "media.es")
ALL = 23
"""Buttons for 1 to 3 options; rows, with hints and without, for 1 to 10."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    """No layout stored yet."""
    async with town(tmp_path_factory.mktemp("layouts")) as there:
        await there.start()
        yield there


@IN_ONE_LOOP
@pytest.mark.parametrize("script", [(CHATS / f"{name}.chat").read_text("utf-8") for name in TYPED], ids=TYPED)
async def test_without_stored_layouts_options_are_numbered_and_numbers_are_understood(
    there: Town, script: str
) -> None:
    """The same chats, typed: what cannot be tapped is written."""
    assert there.puente.channels["whatsapp"].contents == {}  # type: ignore[attr-defined]
    await Player(there, "whatsapp", stored=False, taps=False).play(script)


async def synced(there: Town) -> list[str]:
    """What `puente whatsapp sync` does, with a client of its own, as that is another process."""
    given = there.settings()
    whatsapp = there.channels(given, there.puente.record)["whatsapp"]
    return await sync(whatsapp, there.puente.record)


@IN_ONE_LOOP
async def test_every_layout_is_made_once_and_found_again(there: Town) -> None:
    assert sorted(await synced(there)) == sorted(f"{name}: created" for name in layouts.layouts())
    made = {content.friendly_name for content in there.twilio.contents.all.values()}
    assert len(made) == ALL and made == {layouts.friendly_name(*pair) for pair in layouts.layouts().items()}
    assert sorted(await synced(there)) == sorted(f"{name}: found" for name in layouts.layouts())
    assert len(there.twilio.contents.all) == ALL


@IN_ONE_LOOP
async def test_a_layout_that_changed_is_made_anew_and_the_old_one_not_used(
    there: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    await synced(there)
    old = await there.puente.record.run(stored)
    monkeypatch.setattr(layouts, "OPENER", "Opciones")
    kept = await there.puente.record.run(stored)
    assert kept == {name: sid for name, sid in old.items() if name.startswith("buttons")}
    lines = await synced(there)
    assert sum(line.endswith("created") for line in lines) == 20
    new = await there.puente.record.run(stored)
    assert new.keys() == old.keys()
    changed = {name for name in new if new[name] != old[name]}
    assert changed == {name for name in new if not name.startswith("buttons")}


async def test_a_refused_account_is_said_and_what_was_made_is_remembered(tmp_path: Path) -> None:
    async with town(tmp_path) as there:
        await there.start()
        there.twilio.plan.add(refuse(400, "no more", 20001), on="content")
        with pytest.raises(Exception, match="no more"):
            await synced(there)
        assert len(await synced(there)) == ALL


async def test_options_are_tapped_and_come_back_as_what_they_are(tmp_path: Path) -> None:
    async with town(tmp_path) as there:
        await there.start()
        await synced(there)
        await there.stop()
        await there.start()
        rosa = there.on_whatsapp()
        await rosa.say("hola")
        (asked,) = await rosa.hears()
        assert (asked.kind, [option.kind for option in asked.options]) == ("quick-reply", ["button"] * 3)
        await rosa.tap("Español")
        await rosa.hears()
        await rosa.tap("no")
        (menu,) = await rosa.hears()
        assert (menu.kind, menu.opener) == ("list-picker", "Ver / See")
        await rosa.tap("Servicios y trámites")
        assert "¿Sobre qué tema?" in (await rosa.hears())[0].text
        await there.settled()
        assert [row["state"] for row in await there.all("SELECT DISTINCT state FROM outbox")] == ["delivered"]


@pytest.mark.parametrize("told", [True, False], ids=["told", "looked up"])
async def test_a_process_that_runs_uses_what_was_made_meanwhile(
    tmp_path: Path, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told by the command where news can reach it; else it looks: on SQLite the command is another process."""
    monkeypatch.setattr("bot.layouts.LOOK", 3600.0 if told else 0.05)
    async with town(tmp_path) as there:
        await there.start()
        if not told:
            monkeypatch.setattr(there.puente.record.news, "spread", lambda notices: None)
        await synced(there)
        channel: Any = there.puente.channels["whatsapp"]
        await there.until(lambda: len(channel.contents) == ALL)
        monkeypatch.undo()
        rosa = there.on_whatsapp()
        await rosa.say("hola")
        assert (await rosa.hears())[0].kind == "quick-reply"


@pytest.mark.parametrize("code", [21655, 21656, 92007])
async def test_words_matter_more_than_buttons(tmp_path: Path, code: int) -> None:
    """What Twilio will not fill in goes out as numbered text, at once and once."""
    async with town(tmp_path) as there:
        await there.start()
        await synced(there)
        await there.stop()
        await there.start()
        rosa = there.on_whatsapp()
        there.twilio.plan.add(refuse(400, "The Content Variables parameter is invalid", code), to=rosa.address)
        await rosa.say("hola")
        (asked,) = await rosa.hears()
        assert asked.kind == "text" and asked.text.endswith("1. Español\n2. English\n3. Otro idioma / Other")
        before = len(there.twilio.calls)
        ida = there.on_whatsapp()
        await ida.say("hola")  # of several lines too: Twilio has said that it takes none such
        assert (await ida.hears())[0].kind == "text"
        assert [call.status for call in there.twilio.calls[before:] if call.method == "messages"] == [201]


def says(*labels: str, text: str = "¿Qué?", hint: str | None = None, ids: Any = None) -> Spoken:
    ids = ids or [f"o{number}" for number in range(len(labels))]
    return Spoken(text, tuple(Choice(id, label, hint) for id, label in zip(ids, labels, strict=True)))


FITS = {
    "nothing to choose": (says(), []),
    "one": (says("Sí"), ["buttons-1", "rows-1"]),
    "three": (says("Sí", "No", "Otra"), ["buttons-3", "rows-3"]),
    "twenty characters": (says("a" * 20), ["buttons-1", "rows-1"]),
    "twenty-one": (says("a" * 21), ["rows-1"]),
    "twenty-five": (says("a" * 25), ["hints-1"]),
    "hints": (says("Sí", hint="de verdad"), ["buttons-1", "hints-1"]),
    "ten": (says(*"abcdefghij"), ["rows-10"]),
    "eleven": (says(*"abcdefghijk"), []),
    "a long text": (says("Sí", text="a" * 1025), []),
    "the longest text": (says("Sí", text="a" * 1024), ["buttons-1", "rows-1"]),
    "no text": (says("Sí", text=""), []),
    "an empty label": (says("Sí", ""), []),
    "the same label": (says("Sí", "Sí"), []),
    "the same once cut": (says("Certificación de nacimiento A", "Certificación de nacimiento B"), []),
    "the same id": (says("Sí", "No", ids=["a", "a"]), []),
    "a long id": (says("Sí", ids=["a" * 201]), []),
}


@pytest.mark.parametrize(("spoken", "expected"), FITS.values(), ids=FITS.keys())
def test_a_layout_is_used_only_where_whatsapp_takes_it(spoken: Spoken, expected: list[str]) -> None:
    assert [name for name, _values in layouts.fitting(spoken)] == expected


@pytest.mark.parametrize(("spoken", "expected"), FITS.values(), ids=FITS.keys())
def test_what_fits_nowhere_is_numbered_text(spoken: Spoken, expected: list[str]) -> None:
    whatsapp = WhatsApp("AC" + "0" * 32, "t", "https://bot.example", "whatsapp:+50212345678", None, None,
                        {name: f"HX{name}" for name in layouts.layouts()})  # fmt: skip
    payload = whatsapp.write("whatsapp:+50255550100", spoken, "ref")
    assert payload.method == ("content" if expected else "text")
    if expected:
        variables = json.loads(payload.values["content_variables"])
        assert all(isinstance(value, str) and value for value in variables.values())


def test_every_layout_has_variables_for_all_of_its_words() -> None:
    for name, types in layouts.layouts().items():
        told = json.dumps(types)
        count = int(name.split("-")[1])
        slots = 1 + count * (3 if name.startswith("hints") else 2)
        assert all(f"{{{{{number}}}}}" in told for number in range(1, slots + 1))
        assert f"{{{{{slots + 1}}}}}" not in told


def test_old_rows_do_not_count() -> None:
    now = layouts.layouts()
    rows = [("rows-2", layouts.digest(now["rows-2"]), "HX1"), ("rows-3", "before", "HX2"), ("gone", "x", "HX3")]
    assert layouts.current(rows) == {"rows-2": "HX1"}
