"""Undoes what thumbs, phones and hurry do to a word, so that words written alike for the ear are one word.

Guatemalans write as they speak: *kiero*, *golpiar*, *enpujo*, *ace* for *hace*, *xq*, *pa*; some hide a word
(*m4tar*, *m a t a r*) because somebody reads over their shoulder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from flows.understanding.normalise import MATCHED, fold

SHORT = {
    "q": "que",
    "k": "que",
    "qe": "que",
    "ke": "que",
    "xq": "porque",
    "pq": "porque",
    "porq": "porque",
    "xke": "porque",
    "x": "por",
    "d": "de",
    "m": "me",
    "t": "te",
    "s": "se",
    "pa": "para",
    "pal": "para el",
    "toy": "estoy",
    "tamos": "estamos",
    "ta": "esta",
    "tan": "estan",
    "tas": "estas",
    "stoy": "estoy",
    "sta": "esta",
    "stan": "estan",
    "n": "en",
    "nmms": "",
    "tmb": "tambien",
    "tb": "tambien",
    "tbn": "tambien",
    "bn": "bien",
    "cn": "con",
    "cm": "como",
    "dnd": "donde",
    "nd": "nada",
    "ps": "pues",
    "pos": "pues",
    "msj": "mensaje",
    "bb": "bebe",
    "bbs": "bebes",
    "xfa": "por favor",
    "porfa": "por favor",
    "plis": "por favor",
    "pls": "por favor",
    "plz": "por favor",
    "u": "you",
    "ur": "your",
    "r": "are",
    "rn": "right now",
    "im": "i'm",
    "ive": "i've",
    "cant": "can't",
    "dont": "don't",
    "wont": "won't",
    "didnt": "didn't",
    "doesnt": "doesn't",
    "isnt": "isn't",
    "hes": "he's",
    "shes": "she's",
    "theyre": "they're",
    "thats": "that's",
    "wanna": "want to",
    "gonna": "going to",
    "gotta": "have to",
    "lemme": "let me",
    "bf": "boyfriend",
    "gf": "girlfriend",
    "ntnc": "entonces",
    "dsd": "desde",
    "tngo": "tengo",
    "qiero": "quiero",
    "quero": "quiero",
    "kero": "quiero",
    "keren": "quieren",
    "queren": "quieren",
    "quere": "quiere",
    "aki": "aqui",
    "alla": "alla",
    "tons": "entonces",
    "idk": "i don't know",
    "bc": "because",
    "cuz": "because",
    "tho": "though",
    "rlly": "really",
    "ex": "expareja",
    "ice": "migra",
    "hit": "punch",
    "hits": "punches",
    "they'd": "they would",
    "they'll": "they will",
    "he'd": "he would",
    "he'll": "he will",
    "she'd": "she would",
    "she'll": "she will",
    "theyll": "they will",
    "yano": "ya no",
    "iwas": "i was",
    "pay": "paying",
    "pays": "paying",
}
"""What chat shorthand stands for. Words that only *sound* like another (*boy*, *ay*, *oy*) meet in their `key`; where
that meeting would be a mistake (*ex* and *es*, *ice* and *hice*, *hit* and *it*) the rarer is written otherwise."""

_LEET = str.maketrans("013457@$€", "oieastase")
_FIGURES = re.compile(r"[0-9@$€]")
_HIDDEN = re.compile(r"[a-zñ0-9@$€]+")
_UNITS = ("ano", "año", "mes", "dia", "sem", "hij", "hor", "mil", "year")
_NUMBER_GLUED = re.compile(r"^(\d+)([a-zñ]{3,})$")
_REPEATED = re.compile(r"(.)\1+")
_SOUNDS = (
    ("ch", "C"), ("sh", "C"), ("ph", "f"), ("h", ""), ("'", ""), ("ll", "y"),
    ("que", "ke"), ("qui", "ki"), ("ck", "k"), ("q", "k"), ("ce", "se"), ("ci", "si"), ("c", "k"),
    ("gue", "Ge"), ("gui", "Gi"), ("ge", "je"), ("gi", "ji"), ("G", "g"), ("z", "s"), ("x", "s"), ("v", "b"),
    ("nb", "mb"), ("np", "mp"), ("y", "i"),
)  # fmt: skip
"""Letters that sound alike, in the order they are written as one (plain replacing is ten times as fast as patterns)."""

_ENDED = (("ea", "ia"), ("eo", "io"), ("w", "u"))


@lru_cache(maxsize=16384)
def key(word: str) -> str:
    """The sound of one folded word as Guatemalans hear it: *golpeó*, *golpio* and *gólpió* are one key."""
    for letters, sound in _SOUNDS:
        word = word.replace(letters, sound)
    if word.endswith("ao"):
        word = f"{word[:-1]}do"
    for letters, sound in _ENDED:
        word = word.replace(letters, sound)
    return _REPEATED.sub(r"\1", word)


def spelled(text: str) -> list[str]:
    """The folded words of a text with shorthand written out, hidden letters shown, and s p a c e d letters joined."""
    text = text[:MATCHED].lower()
    if _FIGURES.search(text):
        text = _HIDDEN.sub(_shown, text)
    found = fold(text).split()
    if sum(len(word) == 1 for word in found) > 2:
        found = list(_joined(found))
    out: list[str] = []
    for word in found:
        if word in SHORT:
            out += SHORT[word].split()
        else:
            out.append(word)
    return out


def _shown(match: re.Match[str]) -> str:
    """A word with figures for letters, written with letters; a number with its unit glued on, apart."""
    word = match.group()
    if word.isalpha() or not _FIGURES.search(word) or not any(c.isalpha() for c in word):
        return word
    glued = _NUMBER_GLUED.match(word)
    if glued and (len(glued[1]) > 1 or glued[2].startswith(_UNITS)):
        return f"{glued[1]} {glued[2]}"
    if sum(c.isdigit() for c in word) > sum(c.isalpha() for c in word) + 1:
        return word
    return word.translate(_LEET)


def _joined(found: Iterable[str]) -> Iterable[str]:
    """Runs of three or more single letters as one word: how people hide a word, or a keyboard stutters."""
    run: list[str] = []
    for word in [*found, "  "]:
        if len(word) == 1:
            run.append(word)
            continue
        if len(run) > 2:
            yield "".join(run)
        else:
            yield from run
        run = []
        if word != "  ":
            yield word
