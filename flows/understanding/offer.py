"""What a pasted job offer says: its words by their sound, what it pays, what it costs, and how to reach it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from flows.understanding import phonetic

FIRST, LAST = 700, 300
"""Characters of a long offer that are looked at: its price often stands at the end."""

HIGH, HUGE, GOOD = 12_000, 20_000, 7_000
"""Quetzales a month from which a wage is remarkable; most offers we have seen pay 3,000 to 6,500."""

USUAL = (1_700, 9_500)
"""Quetzales that, standing alone in an offer, are more likely its wage than a price."""

SENTENCE, COMMA = 4, 1
"""How many words a full stop and a comma count for, when a pattern asks how near two signs stand."""

READER_SIGNS = frozenset({
    "AMOUNT", "PLAIN", "NUMBER", "WAGE", "GOOD_WAGE", "HIGH_WAGE", "HUGE_WAGE", "YOUNG",
    "SHORT_LINK", "ODD_LINK", "CHAT_LINK", "FREE_MAIL", "HANDLE", "FOREIGN_PHONE",
})  # fmt: skip
"""Signs that are not words: what an amount, a pair of ages or a contact is."""

Signs = Mapping[str, Sequence[int]]
"""Where each sign of an offer stands, counted in words; `no:` before a sign that is denied."""

_QUETZALES = {"q": 1.0, "$": 7.7, "e": 8.5, "p": 0.42}
_MONTHS = {
    "hora": 100, "hour": 100, "hr": 100, "h": 100, "dia": 26, "dias": 26, "diario": 26, "diarios": 26, "diaria": 26,
    "diarias": 26, "day": 26, "daily": 26, "noche": 22, "night": 22, "turno": 20, "shift": 20, "semana": 4.3,
    "semanal": 4.3, "semanales": 4.3, "week": 4.3, "weekly": 4.3, "quincena": 2.2, "quincenal": 2.2, "mes": 1,
    "mensual": 1, "mensuales": 1, "month": 1, "monthly": 1, "mo": 1, "caja": 0, "libra": 0, "quintal": 0,
    "pieza": 0, "viaje": 0, "biaje": 0, "vuelta": 0, "trip": 0, "pasada": 0,
}  # fmt: skip
_EACH = {"el", "al", "por", "la", "a", "cada", "x", "per", "an", "each", "every", "the"}
_ADJECTIVE = {
    "diario", "diarios", "diaria", "diarias", "daily", "semanal", "semanales", "weekly", "quincenal",
    "mensual", "mensuales", "monthly",
}  # fmt: skip
_SPELT = {
    "cien": 100, "doscientos": 200, "trescientos": 300, "cuatrocientos": 400, "quinientos": 500,
    "seiscientos": 600, "setecientos": 700, "ochocientos": 800, "novecientos": 900, "dos": 2, "tres": 3,
    "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "doce": 12, "quince": 15,
    "veinte": 20, "treinta": 30, "cincuenta": 50, "ciento": 100, "mil": 1000,
}  # fmt: skip
_COUNTED = re.compile(
    r"(?:persona|plaza|vacante|ano|dia|hora|empresa|trabajador|operario|copia|agente|participante|minuto|km|cupo"
    r"|puesto|people|year|spot|job|hombre|mujer|metro|libra|am$|pm$|h$)"
)
_PLACED = {"zona", "km", "avenida", "calle", "av", "oficina", "renglon", "nivel", "tel", "telefono", "edificio",
           "torre"}  # fmt: skip
_TOKEN = re.compile(
    r"(?P<link>https?://\S+|www\.\S+|\b(?:wa|t)\.me/\S*"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|gt|vip|xyz|top|club|ly|me|io|site|online|shop|info|app)(?:/\S*)?\b(?!@))"
    r"|(?P<mail>[\w.+-]+@[\w-]+\.[\w.]+)"
    r"|(?P<handle>(?<!\w)@\w{3,})"
    r"|(?P<ages>\b(?P<young>1[2-9]|2[0-4])\s?(?:anos\s)?(?:a|-|–|y|to)\s?(?P<old>\d\d)\b(?!\s?(?:h\b|horas|hrs|:)))"
    r"|(?P<word>h-?2-?[ab]?\b|eb-?3\b|[^\W\d_]+(?:'[^\W\d_]+)?)"
    r"|(?P<phone>(?P<land>\+\d{1,3}[\s-]?)?\(?\b\d{3,4}\)?[\s-]\d{3,4}(?:[\s-]\d{3,4})?\b|\+\d{8,}|\b\d{8,}\b)"
    r"|(?P<money>(?P<sign>us\$|usd|gtq|q|\$|€)?\.?\s?(?<![\d:.,x-])(?P<number>\d{1,3}(?:[,.]\d{3})+|\d+)(?:\.\d{1,2})?"
    r"(?![\d:x-])\s?(?P<mil>mil\b|k\b)?\s?"
    r"(?P<unit>quetzales|quetzal|varas|bolas|q\b|dolares|dlls|usd|dollars|bucks|euros|pesos|usdt)?)"
    r"|(?P<stop>[.;:!?¡¿\n•|✅*]+)"
    r"|(?P<comma>,|/|-|–)"
)
_CURRENCY = {
    "q": "q", "gtq": "q", "quetzales": "q", "quetzal": "q", "varas": "q", "bolas": "q", "$": "$", "us$": "$",
    "usd": "$", "dolares": "$", "dlls": "$", "dollars": "$", "bucks": "$", "usdt": "$", "€": "e", "euros": "e",
    "pesos": "p",
}  # fmt: skip
_SHORT = re.compile(
    r"\b(?:bit\.ly|cutt\.ly|ow\.ly|rb\.gy|is\.gd|t\.ly|u\.to|v\.gd|n9\.cl|goo\.gl|tiny\.cc"
    r"|shorturl\.at|tinyurl\.com|rebrand\.ly|acortar\.link)/"
)
_ODD = re.compile(r"\.(?:vip|xyz|top|club|site|online|shop|info|app)\b")
_CHAT = re.compile(r"(?:wa\.me|t\.me|chat\.whatsapp|api\.whatsapp)")
_FREE = re.compile(r"@(?:gmail|hotmail|outlook|yahoo|proton)")

sound = lru_cache(maxsize=16384)(phonetic.sound)
"""The sound of one folded word: biza, visa and vissa are one, and so are cita and sita."""


class Token(NamedTuple):
    """One thing an offer says: a word, an amount, a contact; `at` counts words, with room at a full stop."""

    kind: str
    text: str
    at: int
    value: float = 0
    unit: str = ""


class Words:
    """The signs to look for, by sound: words, beginnings (`deposit*`) and phrases of up to five words."""

    def __init__(self, signs: Mapping[str, Iterable[object]]) -> None:
        self.exact: dict[str, list[str]] = {}
        self.stems: dict[str, list[str]] = {}
        self.phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for sign, entries in signs.items():
            for entry in dict.fromkeys(str(entry) for entry in entries):
                self._add(sign, entry)
        self.lengths = sorted({len(stem) for stem in self.stems})

    def _add(self, sign: str, entry: str) -> None:
        parts = tuple(sound(part) for part in entry.rstrip("*").split())
        if len(parts) > 1:
            self.phrases.setdefault(parts[0], []).append((parts, sign))
        else:
            (self.stems if entry.endswith("*") else self.exact).setdefault(parts[0], []).append(sign)

    def of(self, heard: str) -> list[str]:
        """The signs a single word stands for."""
        found = list(self.exact.get(heard, ()))
        for length in self.lengths:
            if length > len(heard):
                break
            found += self.stems.get(heard[:length], ())
        return found


def read(
    text: str, words: Words, denied: frozenset[str], turns: frozenset[str]
) -> tuple[list[str], dict[str, list[int]]]:
    """The words of an offer by sound, and every sign and where it stands; `text` as `clean` returns it.

    A word after "no", "sin", "nunca" … (`denied`) counts as `no:sign` for five words, or until the sentence
    ends or turns ("pero", "solo": `turns`). A phrase that begins with such a word is a sign of its own.
    """
    tokens = _tokens(text)
    heard = [sound(token.text) if token.kind == "word" else "" for token in tokens]
    signs: dict[str, list[int]] = {}
    reach, costs = -1, [""] * len(tokens)
    taken = -1
    for i, token in enumerate(tokens):
        if token.kind != "word":
            continue
        for parts, sign in words.phrases.get(heard[i], ()):
            last = i + len(parts) - 1
            if tuple(heard[i : last + 1]) == parts and tokens[last].at - token.at <= len(parts):
                signs.setdefault(sign, []).append(token.at)
                taken = max(taken, last)
                if token.text in denied:
                    reach = max(reach, tokens[last].at)
                costs[i] = costs[i] or _side(sign)
        if token.text in denied and i > taken:
            reach = token.at + 5
        elif token.text in turns or (i and token.at - tokens[i - 1].at > COMMA + 1):
            reach = reach if token.text in denied else -1
        for sign in words.of(heard[i]):
            costs[i] = costs[i] or _side(sign)
            name = f"no:{sign}" if token.at <= reach else sign
            if name not in signs or signs[name][-1] != token.at:
                signs.setdefault(name, []).append(token.at)
    for i, token in enumerate(tokens):
        sign = _amount(i, tokens, costs) if token.kind == "money" else token.kind
        for name in _named(sign):
            signs.setdefault(name, []).append(token.at)
    return [said or f"#{token.kind}" for said, token in zip(heard, tokens, strict=True)], signs


_WAGES = {
    "HUGE_WAGE": ("WAGE", "GOOD_WAGE", "HIGH_WAGE", "HUGE_WAGE"),
    "HIGH_WAGE": ("WAGE", "GOOD_WAGE", "HIGH_WAGE"),
    "GOOD_WAGE": ("WAGE", "GOOD_WAGE"),
}


def _named(sign: str) -> tuple[str, ...]:
    return _WAGES.get(sign, (sign,) if sign.isupper() else ())


def _side(sign: str) -> str:
    """Whether a word before an amount makes it a wage or a price."""
    if sign == "wage":
        return "wage"
    if sign == "fee_thing":
        return "thing"
    return "price" if sign in ("pay", "charge", "advance", "reserve", "buy", "gave") else ""


def _amount(i: int, tokens: Sequence[Token], costs: Sequence[str]) -> str:
    """What an amount is: a wage by its period or by the word before it, or the price of something."""
    token = tokens[i]
    later = _period(tokens[i : i + 5])
    side = ""
    for j in range(i - 1, max(-1, i - 7), -1):
        gap = token.at - tokens[j].at
        if gap > 8:
            break
        side = costs[j]
        if side == "thing":  # "inscripción Q450", but not "uniforme, Q4,500"
            side = "price" if gap == i - j else ""
        if side:
            break
    if side == "price":
        return "count" if later is not None else "AMOUNT" if token.unit else "NUMBER"
    side = side or (costs[i + 1] if i + 1 < len(tokens) else "")
    period = later if later is not None else _period(tokens[max(0, i - 2) : i])
    if period is None and side != "wage":
        plain = token.unit == "q" and USUAL[0] <= token.value <= USUAL[1]
        return "PLAIN" if plain else "AMOUNT" if token.unit else "NUMBER"
    month = token.value * _QUETZALES.get(token.unit or "q", 1.0) * (1 if period is None else period)
    if month >= HUGE:
        return "HUGE_WAGE"
    return "HIGH_WAGE" if month >= HIGH else "GOOD_WAGE" if month >= GOOD else "WAGE"


def _period(near: Sequence[Token]) -> float | None:
    """How many times a month: "diarios", "al mes", "$18/hora", but not "un día libre" or "medio día"."""
    for before, token in zip((None, *near), near, strict=False):
        if token.at - near[0].at > 4:
            return None
        led = before is not None and (before.kind == "money" or before.text in _EACH)
        if token.text in _MONTHS and (led or token.text in _ADJECTIVE):
            return _MONTHS[token.text]
    return None


def _plain(text: str) -> str:
    if len(text) > FIRST + LAST:
        text = f"{text[:FIRST]}\n{text[-LAST:]}"
    shown = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in shown if not unicodedata.combining(c))


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    for found in _TOKEN.finditer(_plain(text)):
        kind, said = found.lastgroup or "", found.group()
        if found["stop"] or found["comma"]:
            at += SENTENCE if found["stop"] else COMMA
            continue
        at += 1
        if found["word"]:
            tokens.append(Token("word", said.replace("-", ""), at))
        elif found["money"]:
            tokens.append(_money(found, at))
        elif found["link"]:
            kind = "SHORT_LINK" if _SHORT.search(said) else "CHAT_LINK" if _CHAT.search(said) else "link"
            tokens.append(Token("ODD_LINK" if _ODD.search(said) else kind, said, at))
        elif found["mail"]:
            tokens.append(Token("FREE_MAIL" if _FREE.search(said) else "mail", said, at))
        elif found["ages"]:
            tokens.append(Token("YOUNG" if int(found["old"]) <= 30 else "ages", said, at))
        elif found["phone"]:
            land = (found["land"] or said[:4] if said.startswith("+") else "+502").strip(" -")
            tokens.append(Token("phone" if land.startswith("+502") else "FOREIGN_PHONE", said, at))
        else:
            tokens.append(Token("HANDLE", said, at))
    return _spelt(_only_money(tokens))


def _money(found: re.Match[str], at: int) -> Token:
    value = float(re.sub(r"[,.]", "", found["number"])) * (1000 if found["mil"] else 1)
    return Token("money", found.group(), at, value, _CURRENCY.get(found["unit"] or found["sign"] or "", ""))


def _only_money(tokens: Sequence[Token]) -> list[Token]:
    """A bare number is money only from 50 on, and not when it counts people, years, streets or hours."""
    kept = []
    for i, token in enumerate(tokens):
        if token.kind == "money" and not token.unit:
            before = tokens[i - 1].text if i else ""
            after = tokens[i + 1].text if i + 1 < len(tokens) else ""
            year = 1990 <= token.value <= 2040
            if not 50 <= token.value < 1e6 or year or before in _PLACED or _COUNTED.match(after):
                token = token._replace(kind="count")
        kept.append(token)
    return kept


def _spelt(tokens: list[Token]) -> list[Token]:
    """Amounts in words ("tres mil quinientos quetzales") as one amount."""
    joined: list[Token] = []
    i = 0
    while i < len(tokens):
        run, value, part = i, 0.0, 0.0
        while run < len(tokens) and tokens[run].kind == "word" and tokens[run].text in _SPELT:
            number = _SPELT[tokens[run].text]
            value, part = (value + max(part, 1) * 1000, 0.0) if number == 1000 else (value, part + number)
            run += 1
        total = value + part
        if run == i or total < 50:
            joined.append(tokens[i])
            i += 1
            continue
        after = tokens[run].text if run < len(tokens) else ""
        kind = "count" if _COUNTED.match(after) else "money"
        joined.append(Token(kind, tokens[i].text, tokens[i].at, total, _CURRENCY.get(after, "")))
        i = run
    return joined
