"""A pretend web-chat server for the page's own tests: it keeps the page's contract, and can be told to fail.

It answers like the product does on `/`, `/chat/…`, `/flows` and `/static/…`, with the same content security policy,
but holds one conversation in memory and says whatever a test puts in its mouth.
"""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

STATIC = Path(__file__).parents[2] / "api" / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
FLOWS_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
KINDS = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css"}


class ChatServer:
    """One conversation; `answer` is called with the words of each new message and may say things."""

    def __init__(self) -> None:
        self.log: list[dict[str, Any]] = []
        self.flows: list[dict[str, str]] = []
        self.answer: Callable[[str], None] = lambda words: None
        self.streams = True  # False: the stream is refused, as some networks do
        self.lose_answers = False  # True: the message is taken, the connection dies before the answer
        self.status = 0  # another status for every message sent
        self.known: dict[str, int] = {}
        self.started_anew = 0
        self.changed = threading.Condition()

    def say(self, who: str, text: str, *options: str, id: str | None = None) -> int:
        """Adds a message to the conversation and tells the open pages; returns its number."""
        with self.changed:
            message = {
                "seq": len(self.log) + 1,
                "from": who,
                "text": text,
                "at": "2026-11-21T15:04:05Z",
                "options": [{"id": label.lower(), "label": label, "hint": None} for label in options],
                "layout": "buttons",
                "id": id,
            }
            self.log.append(message)
            self.changed.notify_all()
        return len(self.log)

    def said(self) -> list[str]:
        """What the person said, as the server has it."""
        return [message["text"] for message in self.log if message["from"] == "me"]

    def take(self, letter: dict[str, Any]) -> int:
        with self.changed:
            new = letter["id"] not in self.known
            if new:
                words = letter.get("text") or next(
                    (o["label"] for m in self.log for o in m["options"] if o["id"] == letter.get("option")), ""
                )
                self.known[letter["id"]] = self.say("me", words, id=letter["id"])
        if new:
            self.answer(words)
        return self.known[letter["id"]]

    def start_anew(self) -> None:
        with self.changed:
            self.log.clear()
            self.known.clear()
            self.started_anew += 1


@contextmanager
def serving(chat: ChatServer) -> Iterator[str]:
    """Serves on a free port of this machine; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def reply(self, status: int, body: object, kind: str = "application/json", policy: str = POLICY) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Content-Security-Policy", policy)
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            after = int(parse_qs(urlsplit(self.path).query).get("after", ["0"])[0])
            file = STATIC / {"/": "chat.html", "/flows": "flows.html"}.get(path, path.removeprefix("/static/"))
            if path == "/chat/messages":
                messages = [message for message in chat.log if message["seq"] > after]
                self.reply(200, {"messages": messages, "language": "es", "typing": False})
            elif path == "/chat/stream" and chat.streams:
                self.stream(after)
            elif path == "/flows.json":
                self.reply(200, chat.flows)
            elif file.is_file():
                policy = FLOWS_POLICY if path == "/flows" else POLICY
                self.reply(200, file.read_bytes(), KINDS.get(file.suffix, "text/plain"), policy)
            else:
                self.reply(404, {"title": "Not found", "status": 404})

        def stream(self, after: int) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            while chat.streams:
                with chat.changed:
                    chat.changed.wait(0.2)
                    fresh = [message for message in chat.log if message["seq"] > after]
                for message in fresh:
                    after = message["seq"]
                    self.wfile.write(f"event: message\nid: {after}\ndata: {json.dumps(message)}\n\n".encode())
                self.wfile.write(b": still here\n\n")

        def do_POST(self) -> None:
            letter = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path == "/chat/new":
                chat.start_anew()
                self.reply(200, {})
            elif chat.status:
                self.reply(chat.status, {"title": "No", "status": chat.status})
            else:
                seq = chat.take(letter)
                if chat.lose_answers:
                    self.close_connection = True
                else:
                    self.reply(202, {"seq": seq})

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A page that went away in the middle of a stream is nothing to tell."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        chat.streams = False
        server.shutdown()
        thread.join()
        server.server_close()
