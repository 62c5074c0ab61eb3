"""`puente doctor`: looks at everything an installation needs, and says in words what to do about what is wrong."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from bot import catalogues, crypto, disk, layouts, outside, unreadable, watch
from bot.channels.hooks import Examined, Finding
from bot.models.migrate import newest
from bot.record import Record, Tx
from bot.settings import Settings


async def examine(given: Settings) -> list[Finding]:
    """Every finding, in the order in which things depend on one another. Changes nothing; never raises."""
    found = [*_settings(given), *_keys(given)]
    record = _opened(given, found)
    if record is None:
        return found
    try:
        found += record.do(_database, given)
        if any(finding.level == "bad" for finding in found):
            return [*found, *_languages()]
        if given.public_base_url is not None:
            found.append(await outside.reached(given.public_base_url))
        found += await _channels(given, record)
        found += record.do(_matters)
    except (DBAPIError, crypto.NoKeys) as error:
        found.append(_bad("database", f"La base de datos falla: {type(error).__name__}.",
                          f"The database fails: {type(error).__name__}."))  # fmt: skip
    finally:
        record.close()
    return [*found, *_languages()]


def _settings(given: Settings) -> Iterator[Finding]:
    yield _ok("settings", "Los ajustes se pueden usar.", "The settings can be used.")
    if given.public_base_url is not None and not given.public_base_url.startswith("https:"):
        yield _warn("https", "PUBLIC_BASE_URL no es https: Telegram y Twilio no llaman ahí.",
                    "PUBLIC_BASE_URL is not https: Telegram and Twilio do not call there.")  # fmt: skip
    if given.production and given.demo:
        yield _warn("demo", "PUENTE_DEMO carga oficinas de ejemplo en producción. Quítelo.",
                    "PUENTE_DEMO loads demo offices in production. Remove it.")  # fmt: skip
    if given.production and given.alert_mail_to is None:
        yield _warn("alerts", "Nadie recibe alarmas por correo. Ponga ALERT_MAIL_TO y SMTP_URL.",
                    "Nobody gets alarms by mail. Set ALERT_MAIL_TO and SMTP_URL.")  # fmt: skip


def _keys(given: Settings) -> Iterator[Finding]:
    path = given.puente_keys
    try:
        crypto.use(crypto.load(path))
        mode = stat.S_IMODE(path.stat().st_mode)
    except crypto.NoKeys as error:
        yield _bad("keys", f"No hay llaves que sirvan en {path}. Devuelva el archivo de su respaldo. ({error})",
                   f"There are no usable keys at {path}. Put the file back from your backup. ({error})")  # fmt: skip
        return
    if mode & 0o077:
        yield _bad("keys", f"Otros usuarios pueden leer {path}. Ejecute: chmod 400 {path}",
                   f"Other users can read {path}. Run: chmod 400 {path}")  # fmt: skip
    else:
        yield _ok("keys", f"Las llaves están en {path}. Respáldelas aparte de la base: sin ellas nada se lee.",
                  f"The keys are at {path}. Back them up apart from the database: they alone open it.")  # fmt: skip


def _opened(given: Settings, found: list[Finding]) -> Record | None:
    if given.on_sqlite and not given.sqlite_path.exists():
        found.append(_bad("database", f"No existe {given.sqlite_path}. Ejecute: puente migrate",
                          f"{given.sqlite_path} does not exist. Run: puente migrate"))  # fmt: skip
        return None
    record = Record(given.database_url)
    try:
        record.do(lambda tx: tx.one("SELECT 1 AS one"))
    except Exception as error:  # whatever a driver may say: here it becomes words
        record.close()
        name = type(error).__name__
        found.append(_bad("database", f"No se puede abrir la base de datos ({name}). Revise DATABASE_URL.",
                          f"The database cannot be opened ({name}). Check DATABASE_URL."))  # fmt: skip
        return None
    return record


def _database(tx: Tx, given: Settings) -> list[Finding]:
    found = [_migrations(tx)]
    if given.on_sqlite:
        broken = [str(row[0]) for row in tx.all("PRAGMA quick_check(5)") if row[0] != "ok"]
        found.append(
            _bad("integrity", "La base de datos está dañada. Deténgala y restaure el último respaldo.",
                 "The database is damaged. Stop and restore the last backup.")
            if broken else _ok("integrity", "La base de datos está íntegra.", "The database is whole.")
        )  # fmt: skip
        found.append(_disk(given.sqlite_path.parent, disk.left(given) or 0))
    return found


def _migrations(tx: Tx) -> Finding:
    try:
        row = tx.one("SELECT version_num FROM alembic_version")
    except Exception:  # no such table: never migrated
        row = None
    if row is not None and row["version_num"] == newest():
        return _ok("migrations", "Las tablas son las de esta versión.", "The tables are this release's.")
    return _bad("migrations", "Las tablas no son las de esta versión. Ejecute: puente migrate",
                "The tables are not this release's. Run: puente migrate")  # fmt: skip


def _disk(folder: Path, free: int) -> Finding:
    if free >= disk.FEW and os.access(folder, os.W_OK):
        return _ok("disk", f"Hay {free // 2**20} MB libres.", f"{free // 2**20} MB are free.")
    return _bad("disk", f"Quedan {free // 2**20} MB en {folder}, o no se puede escribir ahí. Haga lugar.",
                f"{free // 2**20} MB are left at {folder}, or it cannot be written to. Make room.")  # fmt: skip


async def _channels(given: Settings, record: Record) -> list[Finding]:
    from bot.service import channels  # the whole of Puente: only who runs the doctor pays for it

    found: list[Finding] = []
    for channel in channels(given, record.do(layouts.stored)).values():
        if isinstance(channel, Examined):
            found += await channel.examine()
        await channel.close()
    if not found:
        found.append(_ok("channels", "Solo el chat web: ni Telegram ni WhatsApp están configurados.",
                         "Web chat only: neither Telegram nor WhatsApp is set up."))  # fmt: skip
    return found


def _matters(tx: Tx) -> list[Finding]:
    """What the house already complains about."""
    now = time.time()
    found = [
        _warn(f"alert.{row['matter']}", f"Alarma: {row['detail']}", f"Alarm: {row['detail']}")
        for row in tx.all("SELECT matter, detail FROM alert WHERE over_at IS NULL ORDER BY matter")
    ]
    if dead := len(unreadable.kept_ones(tx)):
        found.append(_warn("dead", f"{dead} mensajes no se pudieron leer. Ejecute: puente dead --retry",
                           f"{dead} messages could not be read. Run: puente dead --retry"))  # fmt: skip
    old = tx.one(
        "SELECT COUNT(*) AS n FROM inbox WHERE done_at IS NULL AND contact_id IS NOT NULL AND received_at < :before",
        before=now - watch.OLD_INBOX,
    )
    if old["n"]:
        found.append(_bad("inbox", f"{old['n']} mensajes esperan hace más de un minuto. ¿Está en marcha Puente?",
                          f"{old['n']} messages have waited over a minute. Is Puente running?"))  # fmt: skip
    return found


def _languages() -> Iterator[Finding]:
    for locale in catalogues.tongues():
        if missing := len(catalogues.missing(locale)):
            yield _warn(f"language.{locale}", f"A {locale} le faltan {missing} textos: salen en español.",
                        f"{locale} lacks {missing} texts: they go out in Spanish.")  # fmt: skip


def _ok(name: str, es: str, en: str) -> Finding:
    return Finding("ok", name, es, en)


def _warn(name: str, es: str, en: str) -> Finding:
    return Finding("warn", name, es, en)


def _bad(name: str, es: str, en: str) -> Finding:
    return Finding("bad", name, es, en)
