"""The words of a trade cut to their stem, so that *pegaba block*, *pegué block* and *pegador de block* are one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from .normalise import words
from .phonetic import sound

_FUNCTION_WORDS = frozenset(
    words(
        "a ahi ahorita al algo all alla an and anos antes aqui at aun buenas buenos by casi como con cuando"
        " day de del desde despues dia dias did donde down durante e el ella ellas ellos en entre era eramos"
        " es esa esas ese eso esos esta estaba estabamos estado estan estar estas este estos estoy estuve"
        " favor for from fue fui gracias gringo gringos ha habia had han hasta have hay he her his hola i in"
        " la las le les lo los mas me meses mi mis mucho muy my nada ni no nos nosotros o of ok on our out"
        " pa para pero por porque pues q que se ser she si sin sobre solo soy su sus tambien tan te tengo"
        " tenia that the their them they to u un una uno unos up usa was we were with x y ya years yo"
    )
)
_ARTICLES = frozenset(words("un una el la los las unos"))
_IRREGULAR = {
    form: verb
    for verb, forms in {
        "limpiar": "limpieza limpiesa",
        "paredes": "pared",
        "drive": "drove driving driven",
        "sell": "sold",
        "make": "made",
        "build": "built",
        "feed": "fed",
        "dig": "dug",
        "lay": "laid",
        "hang": "hung",
        "take": "took taken",
        "run": "ran",
        "teach": "taught",
        "grow": "grew grown",
        "weave": "wove woven",
        "sew": "sewn",
        "asar": "asaba asabamos asando ase asamos asado",
        "hacer": "hice hizo hicimos hicieron hago hacia haciamos hacian haciendo hacen hace hacemos hecho asia ice",
        "poner": "puse puso pusimos pusieron pongo ponia poniamos ponian poniendo pone",
        "sembrar": "siembro siembra siembran sembre siembra siembras",
        "colgar": "cuelgo cuelga cuelgan",
        "mover": "muevo mueve mueven",
        "servir": "sirvo sirve sirven sirviendo sirvio",
        "cocer": "cuezo cuece",
        "freir": "freia freiamos friendo frito frei",
        "vestir": "visto viste",
        "conducir": "conduje condujo conduzco",
        "traer": "traje trajo traia traigo",
        "apretar": "aprieto aprieta",
        "regar": "riego riega",
        "moler": "muelo muele molia",
        "fundir": "fundia fundimos fundi",
        "teñir": "tiño tiñe teñia",
        "oir": "oia oi",
        "coser": "cosi cosia cosiamos cosian cosiendo coso cose costurar",
    }.items()
    for form in words(forms)
}

_ENDINGS = sorted(
    words(
        "ariamos abamos ied ed iamos ieron iendo yendo aramos ando aron aste iste aban abas aba amos emos"
        " imos ian ias ia aciones acion adores adoras ador adora edores edor edora idores idor idora aduras"
        " adura ados adas ado ada idos idas ido ida arlos arlas arles arlo arla arle erlo erla irlo irla ar er"
        " ir ing ings ers or ora ores oras es as os is s a e o i io"
    ),
    key=len,
    reverse=True,
)
_SHORTEST_STEM = 3
_MAKERS = ("eros", "eras", "istas", "ero", "era", "ista", "eador")


_NAILS = re.compile(r"\bu[ñÑ]as\b")
"""Without its tilde the word is an article (*unas*)."""


class Word(NamedTuple):
    """A word as it sounds, its stem, and whether it only says where (*en un hotel*)."""

    sound: str
    stem: str
    setting: bool


def read(text: str) -> list[Word]:
    """The words of a text that can say something about a trade, in order."""
    found = []
    setting = False
    for word in words(_NAILS.sub("unias", text)):
        if word in _FUNCTION_WORDS:
            setting = word == "en" or (setting and word in _ARTICLES)
            continue
        found.append(Word(*_heard(word), setting))
        setting = False
    return found


@lru_cache(maxsize=20_000)
def _heard(folded: str) -> tuple[str, str]:
    heard = sound(_IRREGULAR.get(folded, folded))
    return heard, stem(heard)


def stem(heard: str) -> str:
    """The word without its endings: tense, person, gender, number, *-ador*, *-ing*; at least three letters stay."""
    for ending in _ENDINGS:
        if heard.endswith(ending) and len(heard) - len(ending) >= _SHORTEST_STEM:
            heard = heard[: -len(ending)]
            break
    if len(heard) > _SHORTEST_STEM + 1 and heard[-1] in "eiu":
        heard = heard[:-1]
    return heard


def made_from(heard: str) -> str | None:
    """The word a new one was made from: *mudancero* from *mudanza*, *trailerista* from *trailer*. None if neither."""
    for ending in _MAKERS:
        if heard.endswith(ending) and len(heard) - len(ending) >= _SHORTEST_STEM + 1:
            return heard[: -len(ending)]
    return None
