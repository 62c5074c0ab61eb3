"""Mails to the supervisors about matters of the house; they name no person and no message."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import SplitResult, unquote, urlsplit

from bot import alerts
from bot.record import Record
from bot.settings import Settings

PATIENCE = 20.0
"""Seconds a mail server may take for each answer."""

PORTS = {"smtp": 587, "smtps": 465}


async def send_alerts(record: Record, settings: Settings, now: float) -> None:
    """A mail for every matter nobody was mailed about. Raises `OSError`, `SMTPException`."""
    for row in await record.run(alerts.to_mail, now):
        words = (
            f"Puente necesita atención / Puente needs attention\n\n{row['matter']}: {row['detail']}\n\n"
            "Hay un caso abierto en la consola; `puente doctor` dice qué revisar.\n"
            "There is an open case in the console; `puente doctor` says what to check.\n"
        )
        await asyncio.to_thread(send, settings, f"Puente: {row['matter']}", words)
        await record.run(alerts.mailed, row["matter"], now)


def send(settings: Settings, subject: str, words: str) -> None:
    """One mail to ALERT_MAIL_TO through SMTP_URL, encrypted wherever the server can."""
    assert settings.smtp_url is not None  # noqa: S101 - asked before
    where = urlsplit(settings.smtp_url.get_secret_value())
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, _sender(where), settings.alert_mail_to
    message.set_content(words)
    with _server(where) as server:
        _encrypt(server, where)
        if where.username:
            server.login(unquote(where.username), unquote(where.password or ""))
        server.send_message(message)


def _server(where: SplitResult) -> smtplib.SMTP:
    host, port = where.hostname or "localhost", where.port or PORTS[where.scheme]
    if where.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=PATIENCE, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=PATIENCE)


def _encrypt(server: smtplib.SMTP, where: SplitResult) -> None:
    """A password never goes over a line that is not encrypted: such a server raises `SMTPNotSupportedError`."""
    if where.scheme == "smtp":
        server.ehlo()
        if where.username or server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())


def _sender(where: SplitResult) -> str:
    name = unquote(where.username or "")
    return name if "@" in name else f"puente@{where.hostname}"
