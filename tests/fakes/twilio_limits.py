"""What Twilio and WhatsApp refuse, with Twilio's code for it: addresses, bodies, buttons, lists, templates.

Codes and words from Twilio's published list. Where the code is not published (a fourth button in session, a title
too long once its variables are filled in) 63013, "Channel policy violation", stands for it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .base import Option

WORDS = {
    20003: "Permission Denied", 20404: "Not Found", 20429: "Too Many Requests",
    20001: "Unknown parameters", 20009: "Cannot delete this message because it is not yet finished",
    21211: "Invalid 'To' Phone Number", 21602: "Message body is required",
    21603: "A 'From' or 'MessagingServiceSid' parameter is required to send a message",
    21604: "The destination 'To' phone number is required to send an SMS", 21609: "Invalid 'StatusCallback'",
    21610: "Attempt to send to unsubscribed recipient",
    21617: "The concatenated message body exceeds the 1600 character limit", 21620: "Invalid media URL(s)",
    21623: "Number of media files exceeds allowed limit", 21655: "The ContentSid is Invalid",
    21656: "The ContentVariables Parameter is invalid", 21705: "The Messaging Service is invalid",
    21910: "Invalid From and To pair. From and To should be of the same channel.", 30001: "Queue overflow",
    63003: "Channel could not find To address",
    63007: "Twilio could not find a Channel with the specified From address",
    63013: "Channel policy violation", 63015: "Channel Sandbox can only send messages to phone numbers that have "
    "joined the Sandbox", 63016: "Failed to send freeform message because you are outside the allowed window. "
    "If you are using WhatsApp, please use a Message Template.", 63018: "Rate limit exceeded for Channel",
    63024: "Invalid message recipient", 63031: "Channels message cannot have same From and To",
    63033: "Recipient blocked to receive message", 63049: "Meta chose not to deliver this WhatsApp marketing message",
}  # fmt: skip

BODY, RICH_BODY, TITLE, ITEM, ID, DESCRIPTION, OPENER = 1600, 1024, 20, 24, 200, 72, 20
SESSION_BUTTONS, BUTTONS, ROWS = 3, 10, 10
WINDOW = 24 * 3600.0

# A phone number in E.164, or a person who hides it: a business-scoped user id, without "+".
ADDRESS = re.compile(r"whatsapp:(\+[1-9]\d{6,14}|[A-Z]{2}\.[A-Za-z0-9]{1,128})")
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class Refused(Exception):
    """Twilio's no: `{"code", "message", "more_info", "status"}`."""

    def __init__(self, code: int, status: int = 400, words: str = "") -> None:
        self.code, self.status, self.words = code, status, words or WORDS.get(code, "Error")
        super().__init__(f"{code} {self.words}")


@dataclass(frozen=True)
class Shown:
    """A message as the phone shows it."""

    kind: str  # text, media, quick-reply, list-picker
    text: str
    options: tuple[Option, ...] = ()
    opener: str = ""


def check_send(form: dict[str, str], media: list[str]) -> None:
    """What can be said about a send from its own fields, in the order Twilio tells it."""
    if not form.get("To"):
        raise Refused(21604)
    if not form.get("From") and not form.get("MessagingServiceSid"):
        raise Refused(21603)
    if not form.get("Body") and not media and not form.get("ContentSid"):
        raise Refused(21602)
    if form.get("ContentSid") and (form.get("Body") or media):
        raise Refused(20001, words="ContentSid stands alone: no Body and no MediaUrl with it")
    if len(form.get("Body", "")) > BODY:
        raise Refused(21617)
    to, sender = form["To"], form.get("From", "whatsapp:")
    if len(to) > 140 or (to.startswith("whatsapp:") and not ADDRESS.fullmatch(to)):
        raise Refused(21211)
    if to.startswith("whatsapp:") != sender.startswith("whatsapp:"):
        raise Refused(21910)
    if not to.startswith("whatsapp:"):
        raise Refused(21211, words="this fake carries WhatsApp only")
    if to == sender:
        raise Refused(63031)
    if len(media) > 1:  # one file a WhatsApp message
        raise Refused(21623)
    if any(urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname for url in media):
        raise Refused(21620)
    check_callback(form.get("StatusCallback", ""))


def check_callback(url: str) -> None:
    """A StatusCallback host may hold no underscore."""
    if url:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or "_" in parts.hostname:
            raise Refused(21609)


def read_variables(raw: str) -> dict[str, str]:
    """ContentVariables: a JSON object whose values are all strings."""
    try:
        variables = json.loads(raw) if raw else {}
    except ValueError:
        raise Refused(21656) from None
    if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
        raise Refused(21656)
    return variables


def check_content(content: dict[str, Any]) -> None:
    """A Content resource as it is made. Limits hold for literals here and for filled-in values when it is sent."""
    types = content.get("types")
    if not isinstance(content.get("language"), str) or not isinstance(types, dict) or not types:
        raise Refused(20001, words="language and types are required")
    samples = content.get("variables") or {}
    if not isinstance(samples, dict) or not all(isinstance(v, str) for v in samples.values()):
        raise Refused(20001, words="variables must map names to strings")
    for name, body in types.items():
        if name == "twilio/quick-reply":
            _needs(body, {"body", "actions"}, {"body", "actions"})
            for action in body["actions"]:
                _needs(action, {"title"}, {"title", "id", "type"})
                if action.get("type", "QUICK_REPLY") != "QUICK_REPLY":
                    raise Refused(20001, words="a quick reply's type is QUICK_REPLY")
        elif name == "twilio/list-picker":
            _needs(body, {"body", "button", "items"}, {"body", "button", "items"})
            for item in body["items"]:
                _needs(item, {"id", "item"}, {"id", "item", "description"})
        elif name == "twilio/text":
            _needs(body, {"body"}, {"body"})
        else:
            raise Refused(20001, words=f"this fake shows no {name}")
    if wrong := too_much(show(types, {}), approved=True):
        raise Refused(20001, words=wrong)


def _needs(body: Any, needed: set[str], known: set[str]) -> None:
    """The vendor's schemas allow no other names."""
    if not isinstance(body, dict) or not needed <= body.keys() <= known:
        raise Refused(20001, words=f"expected {sorted(needed)} and nothing unknown")
    for name in ("actions", "items"):
        if name in body and (not isinstance(body[name], list) or not body[name]):
            raise Refused(20001, words=f"{name} must be a list with something in it")


def show(types: dict[str, Any], variables: dict[str, str]) -> Shown:
    """The content with its variables filled in; a variable without a value stays as it was written."""

    def fill(text: Any) -> str:
        return VARIABLE.sub(lambda m: variables.get(m[1], m[0]), str(text or ""))

    if quick := types.get("twilio/quick-reply"):
        buttons = [Option(fill(a["title"]), fill(a.get("id") or a["title"]), "button") for a in quick["actions"]]
        return Shown("quick-reply", fill(quick["body"]), tuple(buttons))
    if picker := types.get("twilio/list-picker"):
        rows = [Option(fill(row["item"]), fill(row["id"]), "row") for row in picker["items"]]
        notes = [fill(row.get("description")) for row in picker["items"]]
        if any(len(note) > DESCRIPTION for note in notes):
            return Shown("too-long", "description")
        return Shown("list-picker", fill(picker["body"]), tuple(rows), fill(picker["button"]))
    return Shown("text", fill(types["twilio/text"]["body"]))


def too_much(shown: Shown, approved: bool) -> str:
    """Why WhatsApp would not show this, or "". Unfilled variables count as one character."""
    if shown.kind == "too-long":
        return f"a description is over {DESCRIPTION}"
    size = {option: _size(option.label) for option in shown.options}
    if not _size(shown.text):
        return "the body is empty"
    if _size(shown.text) > (BODY if shown.kind == "text" else RICH_BODY):
        return "the body is too long"
    if shown.kind == "quick-reply" and len(shown.options) > (BUTTONS if approved else SESSION_BUTTONS):
        return "too many buttons"
    if shown.kind == "list-picker" and (len(shown.options) > ROWS or not 1 <= _size(shown.opener) <= OPENER):
        return "more than ten items, or an opener that is not 1-20"
    if any(not 1 <= n <= (TITLE if shown.kind == "quick-reply" else ITEM) for n in size.values()):
        return "an option's words are empty or too long"
    if any(not 1 <= _size(option.data) <= ID for option in shown.options):
        return "an option's id is empty or too long"
    for names in ([o.label for o in shown.options], [o.data for o in shown.options]):
        literal = [name for name in names if not VARIABLE.search(name)]
        if len(set(literal)) < len(literal):
            return "two options with the same words or the same id"
    return ""


def _size(text: str) -> int:
    return len(VARIABLE.sub("x", text))


def check_template(content: dict[str, Any], name: str, category: str) -> str:
    """Why WhatsApp would not approve this content as a template, or ""."""
    types = content["types"]
    if not re.fullmatch(r"[a-z0-9_]{1,512}", name):
        return "the name may hold only lower-case letters, digits and underscores"
    if category not in ("UTILITY", "MARKETING", "AUTHENTICATION"):
        return "unknown category"
    if "twilio/list-picker" in types:
        return "a list-picker works in session only and cannot be approved"
    text = next(iter(types.values()))["body"].strip()
    if re.match(VARIABLE, text) or re.search(VARIABLE.pattern + r"\Z", text):
        return "the body begins or ends with a variable"
    if re.search(VARIABLE.pattern + r"\s*" + VARIABLE.pattern, text):
        return "two variables stand next to each other"
    if {m[1] for m in VARIABLE.finditer(json.dumps(types))} - (content.get("variables") or {}).keys():
        return "a variable has no sample"
    return ""
