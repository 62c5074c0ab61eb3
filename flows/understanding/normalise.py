"""What a person typed, made safe to keep and easy to compare.

Every text passes through `clean` once, when a channel reads it; what is stored, shown and matched is that.
The rest of `flows.understanding` compares folded text: lower case, no accents, no punctuation.
"""

from __future__ import annotations

import re
import unicodedata

KEPT = 4096
"""Characters of a message that are kept; the longest text Telegram can send (its Bot API, `Message.text`)."""

MATCHED = 1000
"""Characters the engines look at: what a person wants stands in the first lines, and matching stays fast."""

_INVISIBLE = {"Cf", "Cc", "Cs", "Co", "Cn"}
_APOSTROPHES = dict.fromkeys(map(ord, "ʼ’‘`´ʻ＇"), "'")
_SALTILLO = "ꞌꞋ"
_SPACE = re.compile(r"[^\S\n]+")
_LINES = re.compile(r"\n{3,}")
_NOT_WORD = re.compile(r"[^\w'ꞌ]+|_+")
_LOOSE_QUOTE = re.compile(r"(?<!\w)'+|'+(?!\w)")


def clean(raw: str) -> str:
    """The text as we keep it: NFKC, without invisible, control or surrogate characters (newlines stay).

    At most `KEPT` characters; the saltillo ꞌ of Mayan spelling is a letter and stays. Never raises.
    """
    text = unicodedata.normalize("NFKC", _visible(raw[: KEPT * 4]))
    text = _visible(text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _LINES.sub("\n\n", _SPACE.sub(" ", text)).strip()
    return text[:KEPT].rstrip()


def fold(text: str) -> str:
    """Lower case, accents off (ñ → n), punctuation to spaces, one space between words; for comparing."""
    if text.isascii():
        plain = text[:MATCHED].lower()
    else:
        shown = unicodedata.normalize("NFKD", text[:MATCHED].lower())
        plain = "".join(c for c in shown if not unicodedata.combining(c)).translate(_APOSTROPHES)
        plain = plain.replace(_SALTILLO[0], "'").replace(_SALTILLO[1], "'")
    plain = _NOT_WORD.sub(" ", plain)
    if "'" in plain:
        plain = _LOOSE_QUOTE.sub("", plain)
    return " ".join(plain.split())


def words(text: str) -> list[str]:
    """The folded words of a text."""
    return fold(text).split()


def _visible(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " " if c == "\t" else c for c in text if c in "\n\r\t" or unicodedata.category(c) not in _INVISIBLE
    )
