"""Hears the age a person gives for themselves, because a child who writes alone is met differently."""

from __future__ import annotations

import re

from flows.understanding.typed import key, spelled

_NUMBERS = {
    "ocho": 8,
    "nueve": 9,
    "diez": 10,
    "once": 11,
    "doce": 12,
    "trece": 13,
    "catorce": 14,
    "quince": 15,
    "dieciseis": 16,
    "diesiseis": 16,
    "diecisiete": 17,
    "diesisiete": 17,
    "dieciocho": 18,
    "diecinueve": 19,
    "veinte": 20,
    "siete": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
    "twenty": 20,
}
NUMBERS = {key(word): number for word, number in _NUMBERS.items()}

_MAYBE = re.compile(
    r"\d|oc[ho]|once|doc[eh]|nueve|siete|quinc|kinc|cator|trec|die[sczt]|seis|teen|eleven|twelve|eight|nine|ten\b"
    r"|menor|minor|under ?age|under 18|niñ|ni[nñ][oa]|\bkid|cumpl",
    re.IGNORECASE,
)
"""What a text that declares an age must contain; most messages hold none of it and need no closer look."""

_YEARS = {"anos", "anitos", "ano", "years", "year", "yrs", "yo", "y"}
_HAVE = {"tengo", "tngo", "teno", "cumpli", "ajuste", "cumplo"}
_SOON = {"cumplir", "ajustar"}
_I_AM = {"i'm", "im", "am", "turned"}
_NOT_AGE_AFTER = {
    "de",
    "en",
    "trabajando",
    "viviendo",
    "como",
    "siendo",
    "manejando",
    "con",
    "sin",
    "hijos",
    "hijo",
    "hijas",
    "meses",
    "dias",
    "semanas",
    "horas",
    "of",
    "in",
    "working",
    "experience",
    "kids",
    "months",
    "days",
    "weeks",
    "hours",
    "minutos",
    "minutes",
    "mil",
    "quetzales",
    "dolares",
    "ninos",
    "hermanos",
    "personas",
    "percent",
    "usd",
    "km",
    "anos",
    "ago",
    "haciendo",
    "al",
    "fuera",
    "cursos",
    "certificados",
    "hectareas",
    "cuerdas",
    "vacas",
    "children",
    "miles",
    "out",
}
_AGE_AFTER_DE = {"edad", "edat", "nacido"}
_I_BE = {"soy", "siendo", "como", "i'm", "am", "soi"}
_MINOR = (
    "menor de edad",
    "soy menor",
    "soy un menor",
    "soy una menor",
    "soy nino",
    "soy nina",
    "soy un nino",
    "soy una nina",
    "i'm a minor",
    "i am a minor",
    "i'm underage",
    "i am underage",
    "no he cumplido 18",
    "no he cumplido los 18",
    "no cumplo 18",
    "no cumplo los 18",
    "no cumplo dieciocho",
    "i'm a kid",
    "i am a kid",
    "i'm under 18",
    "i am under 18",
    "no tengo 18",
)
_OF_SOMEBODY_ELSE = {
    "mi",
    "hijo",
    "hija",
    "hijos",
    "hijas",
    "my",
    "son",
    "daughter",
    "sobrino",
    "sobrina",
    "hermano",
    "hermana",
    "su",
    "permiso",
    "para",
    "trabajo",
    "salida",
    "ya",
    "for",
}


def declared_age(text: str) -> int | None:
    """The age in years (5 to 99) a person says they have: "tengo 15", "i'm 16", "voy a cumplir 17" (so 16).

    Years of experience, children's ages and amounts are not the writer's age.
    """
    if not _MAYBE.search(text):
        return None
    words = spelled(text)
    for at, word in enumerate(words):
        age, width = _number(words, at)
        if age is None:
            continue
        before = words[max(0, at - 3) : at]
        after = words[at + width : at + width + 3]
        if _own(before, after) and not (word == "yo" and at == 0):
            return age - 1 if _SOON & set(before) or "cumplo" in before else age
    return None


def is_minor(text: str) -> bool:
    """Whether the person says they are under 18, by number or in words ("soy menor de edad")."""
    if not _MAYBE.search(text):
        return False
    age = declared_age(text)
    if age is not None:
        return age < 18
    words = spelled(text)
    line = f" {' '.join(word for word in words if word not in ('todavia', 'aun'))} "
    for phrase in _MINOR:
        at = line.find(f" {phrase} ")
        if at < 0:
            continue
        if phrase != "menor de edad":
            return True
        before = set(line[:at].split()[-4:])
        if not _OF_SOMEBODY_ELSE & before and (not before or _I_BE & before):
            return True
    return False


def _number(words: list[str], at: int) -> tuple[int | None, int]:
    """An age written at a place, and how many words it takes ("diez y seis" takes three)."""
    word = words[at]
    if word.isdecimal() and len(word) <= 2:
        return (int(word), 1) if int(word) >= 5 else (None, 0)
    number = NUMBERS.get(key(word))
    if number == 10 and at + 2 < len(words) and words[at + 1] in ("y", "i"):
        unit = {"seis": 16, "siete": 17, "ocho": 18, "nueve": 19}.get(words[at + 2])
        if unit:
            return unit, 3
    return (number, 1) if number else (None, 0)


def _own(before: list[str], after: list[str]) -> bool:
    """Whether the words around a number make it the writer's age."""
    if not before:
        return after[:1] in (["anos"], ["years"], ["yrs"]) and after[1:2] in ([], ["old"], ["tengo"])
    follows = after[0] if after else ""
    years = follows in _YEARS
    next_ = (after[1] if len(after) > 1 else "") if years else follows
    if before[-1] in ("los", "casi", "apenas", "solo", "solamente", "como", "ya", "only", "just", "still", "a"):
        before = before[:-1]
    if not before:
        return False
    said = before[-1]
    if said in ("tiene", "tener") and "yo" in before:
        said = "tengo"
    if next_ == "de" and len(after) > 1 + years and after[1 + years] in _AGE_AFTER_DE:
        return said in _HAVE
    if said in _HAVE or (said in _SOON and before[:1] != ["mi"]):
        return next_ not in _NOT_AGE_AFTER and not (said != "tengo" and {"hijo", "hija", "el", "ella"} & set(before))
    if said == "de" and "soy" in before:
        return years or not follows
    if said in _I_AM and (said != "am" or "i" in before):
        return next_ not in _NOT_AGE_AFTER and follows not in ("th", "percent")
    return False
