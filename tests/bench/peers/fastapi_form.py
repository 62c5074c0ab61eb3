"""A Twilio webhook as its documentation has it on FastAPI: the form read, the signature checked, and nothing done."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from twilio.request_validator import RequestValidator

from tests.bench.peers import meter, twilio

app = FastAPI()
validator = RequestValidator(twilio.TOKEN)


@app.post(twilio.PATH)
async def webhook(request: Request) -> Response:
    form = await request.form()
    url = twilio.PUBLIC + request.url.path
    if not validator.validate(url, dict(form), request.headers.get("X-Twilio-Signature", "")):
        return Response(status_code=403)
    return Response(status_code=204)


class Bot:
    prelude = ()
    between = {"trade": "seguir"}  # as many messages as ours hears
    delivered = staticmethod(twilio.delivered)

    def __init__(self) -> None:
        self._heard: set[int] = set()

    async def hear(self, person: int, update: twilio.Call) -> None:
        if await twilio.hand_over(app, update) == 204:
            self._heard.add(person)

    async def rest(self) -> None:
        """Nothing is left for later."""

    def kept(self) -> int:
        return len(self._heard)


@asynccontextmanager
async def opened(_given: argparse.Namespace) -> AsyncIterator[Bot]:
    yield Bot()


if __name__ == "__main__":
    meter.main(opened)
