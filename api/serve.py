"""Starting Puente on a port, and saying where to find what."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time

import uvicorn
from fastapi import FastAPI

from api.app import create
from bot import tokens
from bot.port import listen
from bot.record import Record, Tx
from bot.service import Puente, build
from bot.settings import Settings


def serve(given: Settings, works: bool = True) -> int:
    """Run until Ctrl-C. Raises `Unusable` when the port cannot be had, and what `build` raises.

    `works` is False where workers run elsewhere: then it only takes messages in and answers over HTTP.
    """
    with listen(given) as listening:
        puente = build(given, works=works)
        _welcome(puente.record, given, _address(given, listening))
        _run(create(puente), listening)
        puente.record.close()
    return 0


def work(given: Settings) -> int:
    """A worker on its own: no web chat, no webhooks; where PORT is set it says there how it is."""
    listening = listen(given) if "port" in given.model_fields_set else None
    puente = build(given)
    print("Puente · worker" + (f"     {_address(given, listening)}/readyz" if listening else ""), flush=True)
    if listening is not None:
        _run(create(puente, serves=False), listening)
    else:
        asyncio.run(_until_told(puente))
    puente.record.close()
    return 0


async def _until_told(puente: Puente) -> None:
    """Work until SIGTERM or Ctrl-C."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    await puente.start()
    await told.wait()
    await puente.stop()


def _run(app: FastAPI, listening: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listening])


def _address(given: Settings, listening: socket.socket) -> str:
    host = "127.0.0.1" if given.host in ("0.0.0.0", "::") else given.host  # noqa: S104 - only to print it
    port = listening.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _welcome(record: Record, given: Settings, address: str) -> None:
    print(f"Puente · web chat   {address}/")
    print(f"         flows      {address}/flows")
    if not given.production:
        print(f"         API docs   {address}/api/v1/docs")
    if given.demo and (token := record.do(_demo_token)):
        print(f"         API token  {token}   (the demo offices, for a day)")
        print(f'         try        curl -H "Authorization: Bearer {token}" {address}/api/v1/cases')
    print("Ctrl-C stops it; every conversation goes on where it stood.", flush=True)


def _demo_token(tx: Tx) -> str | None:
    """A token that sees the cases of every office, where there are none but the demo world's; the last one ends."""
    staff = tx.one("SELECT id FROM staff WHERE demo AND disabled_at IS NULL ORDER BY created_at DESC LIMIT 1")
    if staff is None or tx.one("SELECT id FROM office WHERE NOT demo LIMIT 1") is not None:
        return None
    tx.run("UPDATE token SET revoked_at = :at WHERE staff_id = :staff", at=time.time(), staff=staff["id"])
    return tokens.create(tx, tokens.SCOPES, office_id=None, staff_id=staff["id"], days=1)
