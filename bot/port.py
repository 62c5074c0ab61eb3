"""The port we answer on, or in words why it cannot be had."""

from __future__ import annotations

import errno
import socket

from bot.settings import Settings, Unusable


def listen(given: Settings) -> socket.socket:
    """The socket we answer on. Raises `Unusable` in words when the port is taken."""
    family = socket.AF_INET6 if ":" in given.host else socket.AF_INET
    # the protocol is named so that asyncio knows it is TCP and sends small answers at once
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((given.host, given.port))
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise Unusable(
                f"port {given.port} is taken on {given.host}: something else (perhaps another Puente) listens there. "
                f"Stop it, or choose another port: PORT={given.port + 1} puente"
            ) from None
        if error.errno == errno.EACCES:
            raise Unusable(
                f"this user may not use port {given.port}; choose one above 1023, such as PORT=8000"
            ) from None
        raise Unusable(f"cannot listen on HOST={given.host}: {error.strerror or error}") from None
    listening.listen(2048)
    return listening
