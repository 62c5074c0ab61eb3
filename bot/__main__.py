"""The command `puente`: start it, chat with it, check the conversations, add staff, make tokens, keep it well."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot import crypto, keeping, learning, logs, offices, settings, tokens, unanswered
from bot.models.migrate import Newer, go_back, newest
from bot.record import NotSafe, Tx
from bot.settings import Settings, Unusable

if TYPE_CHECKING:
    from bot.knowledge import Own


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it went well, 1 with a plain word on standard error when it did not."""
    arguments = _parser().parse_args(argv)
    logs.configure()
    try:
        return int(arguments.run(arguments, settings.load()) or 0)
    except (settings.WrongSetting, crypto.NoKeys, NotSafe, Newer, Refused, Unusable) as error:
        print(f"puente: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


class Refused(Exception):
    """A command that cannot be done as asked; the text says why."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="puente", description=__doc__)
    parser.set_defaults(run=serve)
    commands = parser.add_subparsers(title="commands", metavar="")

    def add(
        name: str, run: Callable[[argparse.Namespace, Settings], int | None], words: str
    ) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=words, description=words)
        command.set_defaults(run=run)
        return command

    add("serve", serve, "start Puente: web chat, webhooks, API and worker (the same as no command)")
    add("chat", chat, "have the conversation here in the terminal")
    add("check", check, "check every conversation in every language on every channel")
    flows = add("flows", flows_command, "list the conversations")
    flows.add_argument("--diagram", action="store_true", help="print them as Mermaid diagrams")
    flows.add_argument("names", nargs="*", help="only these")
    office = add("office", office_command, "the offices that take cases")
    office.add_argument("action", choices=["add", "list"])
    office.add_argument("--name", help="how people know it")
    office.add_argument(
        "--town", action="append", default=[], help="a municipality it serves, by name; may be given again"
    )
    office.add_argument("--hours", help="a sentence for people in Spanish, such as: Atiende de lunes a viernes.")
    office.add_argument("--hours-en", help="the same in English")
    staff = add("staff", staff_command, "staff of an office")
    staff.add_argument("action", choices=["add", "list"])
    staff.add_argument("--name", help="the person's name (kept sealed)")
    staff.add_argument("--office", help="the office's name")
    token = add("token", token_command, "make a key to the API, shown once")
    token.add_argument("--scope", action="append", required=True, choices=tokens.SCOPES, help="may be given again")
    token.add_argument("--office", help="the office whose cases it sees; without it, every office's")
    token.add_argument("--staff", help="the id of the staff member who acts with it")
    token.add_argument("--days", type=float, default=tokens.DAYS, help="how long it is good for")
    understand = add("understand", understand_command, "what the bot makes of each line of standard input")
    understand.add_argument("--as", dest="task", required=True, help="service, occupation, place, danger, …")
    training = add("train", train, "learn everything anew, and say how well it does on lines it has not learnt from")
    training.add_argument(
        "--labels", type=Path, help="take in what `unanswered --export` wrote in another house first"
    )
    texts = add("unanswered", unanswered_command, "what the bot did not understand")
    texts.add_argument("--export", action="store_true", help="the labelled ones, as the files it learns from are")
    texts.add_argument("--kind", choices=unanswered.KINDS, help="only these")
    whatsapp = add("whatsapp", whatsapp_command, "create the buttons and lists at Twilio, once")
    whatsapp.add_argument("action", choices=["sync"])
    locales = add("locales", locales_command, "the words in every language")
    locales.add_argument("--update", action="store_true", help="bring the catalogues to the words in the code")
    tables = add("migrate", migrate_command, "bring the database to this release and stop")
    tables.add_argument("--to", help="before an older release is installed again: the last migration it knows")
    keeping.commands(add)
    return parser


def serve(arguments: argparse.Namespace, given: Settings) -> int:
    """Start everything and print where to go."""
    # the HTTP face stands above bot and imports it; this is the one place that starts it, by its name
    start = importlib.import_module("api.serve").serve
    return int(start(given))


def chat(arguments: argparse.Namespace, given: Settings) -> int:
    from bot.terminal import converse

    asyncio.run(converse(given))
    return 0


def check(arguments: argparse.Namespace, given: Settings) -> int:
    """Every check on every flow × language × channel; findings one a line, and 1 if there are any."""
    from bot.catalogues import tongues
    from bot.channels import local, telegram, whatsapp
    from flows.checks import check as run_checks
    from flows.conversations import FLOWS

    limits = [local.WEB, local.TERMINAL, telegram.LIMITS, whatsapp.LIMITS]
    spoken = list(tongues().values())
    findings = run_checks(FLOWS, spoken, limits)
    for finding in findings:
        print(finding)
    print(f"{len(FLOWS)} flows × {len(spoken)} languages × {len(limits)} channels: {len(findings)} findings")
    return 1 if findings else 0


def flows_command(arguments: argparse.Namespace, given: Settings) -> int:
    from flows.conversations import FLOWS
    from flows.diagram import mermaid

    if unknown := [name for name in arguments.names if name not in FLOWS]:
        raise Refused(f"no such conversation: {', '.join(unknown)}")
    for name in arguments.names or FLOWS:
        flow = FLOWS[name]
        print(mermaid(flow) if arguments.diagram else f"{name:16} {flow.title} ({len(flow.steps)} steps)")
    return 0


def office_command(arguments: argparse.Namespace, given: Settings) -> int:
    from bot.service import prepare

    record = prepare(given)
    if arguments.action == "list":
        for row in record.do(lambda tx: tx.all("SELECT id, name FROM office ORDER BY name")):
            print(row["id"], row["name"])
        return 0
    if not arguments.name:
        raise Refused("office add needs --name")
    towns = [_town(name) for name in arguments.town]
    hours = {"es": arguments.hours, "en": arguments.hours_en or arguments.hours} if arguments.hours else None
    print(record.do(lambda tx: offices.add_office(tx, arguments.name, towns, hours)))
    return 0


def _town(name: str) -> str:
    """The code of a municipality or department as people write it."""
    from bot import knowledge

    where = knowledge.places().find(name)
    if where.decision != "place":
        raise Refused(f"{name!r} is not one municipality or department; write it as: Coatepeque, Quetzaltenango")
    return where.codes[0]


def staff_command(arguments: argparse.Namespace, given: Settings) -> int:
    from bot.service import prepare

    record = prepare(given)
    if arguments.action == "list":
        rows = record.do(lambda tx: tx.all("SELECT s.id, s.name, o.name AS office FROM staff s JOIN office o "
                                           "ON o.id = s.office_id ORDER BY o.name"))  # fmt: skip
        for row in rows:
            print(row["id"], crypto.vault().open("staff.name", row["name"]), "·", row["office"])
        return 0
    if not arguments.name or not arguments.office:
        raise Refused("staff add needs --name and --office")
    staff_id = record.do(lambda tx: offices.add_staff(tx, _office(tx, arguments.office), arguments.name))
    print(staff_id)
    return 0


def token_command(arguments: argparse.Namespace, given: Settings) -> int:
    from bot.service import prepare

    def make(tx: Tx) -> str:
        office = _office(tx, arguments.office) if arguments.office else None
        if arguments.staff and not tx.one("SELECT id FROM staff WHERE id = :id", id=arguments.staff):
            raise Refused(f"there is no staff member with the id {arguments.staff}")
        return tokens.create(tx, arguments.scope, office_id=office, staff_id=arguments.staff, days=arguments.days)

    print(prepare(given).do(make))
    return 0


def _office(tx: Tx, name: str) -> str:
    offices = tx.all("SELECT id, name FROM office ORDER BY name")
    found = [row["id"] for row in offices if name in (row["id"], row["name"])]
    if not found:
        raise Refused(
            f"there is no office {name!r}; there are: {', '.join(row['name'] for row in offices) or 'none'}"
        )
    return str(found[0])


def understand_command(arguments: argparse.Namespace, given: Settings) -> int:
    from bot.understand import TASKS, Understanding

    if arguments.task not in TASKS:
        raise Refused(f"--as takes one of: {', '.join(TASKS)}")
    engines = Understanding(given.var, _own(given))
    for number, line in enumerate(sys.stdin, 1):
        if line.strip():
            answer = engines.answer(arguments.task, _object(line, number))
            print(json.dumps(answer, ensure_ascii=False), flush=True)
    return 0


def _own(given: Settings) -> Own | None:
    """What this house brings to the files, where there is a house yet."""
    from bot import teaching
    from bot.service import prepare

    if given.on_sqlite and not given.sqlite_path.exists():
        return None
    record = prepare(given)
    try:
        return record.do(teaching.own)
    finally:
        record.close()


def _object(line: str, number: int) -> dict[str, object]:
    try:
        read = json.loads(line)
    except ValueError:
        read = None
    if not isinstance(read, dict):
        raise Refused(f'line {number} of standard input is no JSON object like {{"text": "hola"}}')
    return read


def train(arguments: argparse.Namespace, given: Settings) -> int:
    """Everything a start would learn, with what staff have labelled, and the held-out figures with their intervals.

    A Puente that runs uses it within half a minute.
    """
    from bot import heldout, knowledge, service, teaching

    record = service.prepare(given)
    if arguments.labels:
        taken = record.do(unanswered.take_in, _labelled(arguments.labels), time.time())
        print(f"{taken} new labelled texts")
    own = record.do(teaching.own)
    learning.forget(given.var)
    started = time.perf_counter()
    mind = knowledge.mind(own, given.var)
    learning.make((mind.trades, mind.services, mind.scams))
    record.do(teaching.trained, time.time())
    record.close()
    said = ", ".join(f"{len(pairs)} of kind {kind}" for kind, pairs in own.said.items())
    print(f"from the files{' and what staff said texts are: ' + said if said else ''};")
    print(f"learnt in {time.perf_counter() - started:.1f} s:")
    for path in sorted(given.var.glob("*.learnt")):
        print(f"  {path} {path.stat().st_size / 1e6:.1f} MB")
    print("on lines it has not learnt from (share, 95 % interval):")
    for name, engine in heldout.engines().items():
        for figure in heldout.figures(name, heldout.JUDGES[name](engine, heldout.lines(name))):
            print(f"  {figure}")
    return 0


def _labelled(file: Path) -> list[dict[str, object]]:
    try:
        return [_object(line, at) for at, line in enumerate(file.read_text("utf-8").splitlines(), 1) if line.strip()]
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from None


def unanswered_command(arguments: argparse.Namespace, given: Settings) -> int:
    from bot.service import prepare

    def texts(tx: Tx) -> list[str]:
        if arguments.export:
            return [json.dumps(line, ensure_ascii=False) for line in unanswered.export(tx, "house", arguments.kind)]
        lines = unanswered.listed(tx, kind=arguments.kind, done=False, limit=100)
        return [f"{line.id:6} {line.day} {line.kind:8} {line.language} {line.text}" for line in lines]

    for line in prepare(given).do(texts):
        print(line)
    return 0


def whatsapp_command(arguments: argparse.Namespace, given: Settings) -> int:
    from bot.channels.whatsapp_sync import sync
    from bot.service import channels, prepare

    record = prepare(given)
    whatsapp = channels(given, {}).get("whatsapp")
    if whatsapp is None:
        raise Refused("WhatsApp is not set up: TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, PUBLIC_BASE_URL and "
                      "TWILIO_WHATSAPP_FROM are needed")  # fmt: skip
    for line in asyncio.run(sync(whatsapp, record)):
        print(line)
    return 0


def locales_command(arguments: argparse.Namespace, given: Settings) -> int:
    from bot import catalogues

    if arguments.update:
        catalogues.update()
    for locale in catalogues.tongues():
        print(f"{locale}: {len(catalogues.missing(locale))} missing")
    return 0


def migrate_command(arguments: argparse.Namespace, given: Settings) -> int:
    from bot.service import opened, prepare

    if arguments.to is None:
        prepare(given).close()
        print("the database is up to date")
        return 0
    record, _first_time = opened(given)
    try:
        go_back(record.engine, arguments.to)
    except KeyError:
        raise Refused(f"--to takes one of this release's migrations, such as {newest()}") from None
    finally:
        record.close()
    print(f"the database is at {arguments.to}: install the release that knows it, and start that")
    return 0


if __name__ == "__main__":
    sys.exit(main())
