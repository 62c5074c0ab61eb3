"""Several machines on one database: what only one may do is done by one, and by another when that one ends."""

from __future__ import annotations

import asyncio

import pytest

from bot.channels.telegram_setup import COMMANDS
from bot.locks import PATIENCE
from bot.service import Puente, build
from tests.minds import MIND
from tests.ops.conftest import Place


def setups(place: Place) -> int:
    """How often somebody began to hear Telegram: each says first which commands to offer, a call a language."""
    return sum(call.method == "setmycommands" for call in place.telegram.calls) // len(COMMANDS)


@pytest.fixture
def both(place: Place) -> list[Puente]:
    """Two processes' worth of the same installation, with no public address."""
    place.public = None
    given = place.settings()
    return [build(given, MIND) for _machine in range(2)]


async def test_one_of_several_workers_asks_telegram_and_another_goes_on_after_it(
    place: Place, both: list[Puente]
) -> None:
    """Two that ask at once are refused in turn (409), and each may confirm what the other has not kept."""
    ana = place.on_telegram()
    for machine in both:
        await machine.start()
    try:
        await ana.say("hola")
        assert "Español" in [option.label for option in (await ana.hears())[0].options]
        await ana.say("español")
        assert "Soy Puente" in (await ana.hears())[0].text
        await asyncio.sleep(3 * PATIENCE)  # time enough for the other to try
        assert setups(place) == 1
        await both[0].stop()
        await ana.say("no")
        assert "¿En qué le puedo ayudar?" in (await ana.hears())[0].text
        assert setups(place) == 2
    finally:
        for machine in both:
            await machine.stop()
            machine.record.close()
