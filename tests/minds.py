"""Stand-ins for the engines that understand people: a few phrases each, so chats stay when engines are tuned."""

from __future__ import annotations

import re
from typing import ClassVar, NamedTuple

from flows.mind import Mind
from flows.understanding.normalise import fold


class Heard(NamedTuple):
    kind: str
    level: str


class Place(NamedTuple):
    decision: str
    codes: tuple[str, ...] = ()
    abroad: bool = False


class Trade(NamedTuple):
    code: str


class About(NamedTuple):
    decision: str
    ids: tuple[str, ...] = ()
    score: float = 1.0


class Dangers:
    """Danger wherever one of these stands in a text."""

    phrases: ClassVar = {
        "me quiero morir": Heard("suicide_selfharm", "R0"),
        "want to die": Heard("suicide_selfharm", "R0"),
        "me esta pegando": Heard("partner_or_family_violence", "R0"),
        "he is hitting me": Heard("partner_or_family_violence", "R0"),
        "me quieren matar": Heard("immediate_danger", "R0"),
        "me estan extorsionando": Heard("extortion_or_threats", "R1"),
        "no tengo donde dormir": Heard("no_shelter_tonight", "R2"),
    }

    def hear(self, text: str, /) -> Heard | None:
        return next((heard for phrase, heard in self.phrases.items() if phrase in fold(text)), None)


class Commands:
    """A command is the whole message."""

    phrases: ClassVar = {
        "ocultar": "panic", "hide": "panic",
        "borrar mis datos": "erase_data", "borra mis datos porfa": "erase_data", "delete my data": "erase_data",
        "mis datos": "my_data", "que saben de mi": "my_data",
        "baja": "stop_notices", "stop": "stop_notices", "alta": "resume_notices",
        "persona": "person", "quiero hablar con una persona": "person", "person": "person",
        "idioma": "language", "language": "language", "ayuda": "help", "help": "help",
        "mi caso": "case_status", "quien sos": "who_are_you", "sos un robot": "who_are_you",
        "no me estaran estafando": "trust_question",
        "menu": "menu", "atras": "back", "back": "back", "cancelar": "cancel", "salir": "leave", "repetir": "repeat",
        "que dijo": "repeat",
        "hola": "greeting", "buenos dias": "greeting", "gracias": "thanks", "muchas gracias": "thanks",
    }  # fmt: skip

    def hear(self, text: str, /) -> str | None:
        return self.phrases.get(fold(text))


class Places:
    """A few towns; "San José" is the name of several."""

    titles: ClassVar = {
        "0901": "Quetzaltenango", "1217": "Ayutla (Tecún Umán)", "1215": "Malacatán", "0101": "Guatemala",
        "1705": "San José, Petén", "0509": "San José, Escuintla",
    }  # fmt: skip
    names: ClassVar = {
        "xela": ("0901",), "xelita": ("0901",), "quetzaltenango": ("0901",), "tecun": ("1217",),
        "malacatan": ("1215",),
        "la capital": ("0101",), "san jose": ("1705", "0509"),
    }  # fmt: skip

    def find(self, text: str, /) -> Place:
        said = f" {fold(text)} "
        for name, codes in self.names.items():
            if f" {name} " in said:
                return Place("place" if len(codes) == 1 else "ask", codes)
        return Place("unknown")

    def name(self, code: str, /) -> str:
        return self.titles[code].split(",")[0]

    def full_name(self, code: str, /) -> str:
        return self.titles[code]


class Trades:
    """Trades by a word that stands in the text; the titles are ISCO-08's own, shortened."""

    words: ClassVar = {
        "rufing": ("7121", "7115"),
        "roofing": ("7121", "7115"),
        "cocinaba": ("5120",),
        "cooked": ("5120",),
    }
    titles: ClassVar = {
        "7121": {"es": "Techadores", "en": "Roofers"},
        "7115": {"es": "Carpinteros de armar", "en": "Carpenters"},
        "5120": {"es": "Cocineros", "en": "Cooks"},
    }

    def find(self, text: str, /) -> list[Trade]:
        said = fold(text).split()
        return [Trade(code) for word, codes in self.words.items() if word in said for code in codes]

    def title(self, code: str, locale: str, /) -> str:
        return self.titles[code][locale]


class Services:
    """What a question is about: surely, perhaps, or not known."""

    sure: ClassVar = {"dpi": "renap-dpi", "certificar": "intecap-certificacion", "certified": "intecap-certificacion"}
    unsure: ClassVar = {
        "papeles": ("renap-dpi", "renap-certificaciones"),
        "papers": ("renap-dpi", "renap-certificaciones"),
    }

    def find(self, text: str, /) -> About:
        said = fold(text).split()
        for word, id in self.sure.items():
            if word in said:
                return About("answer", (id,))
        return next((About("menu", ids) for word, ids in self.unsure.items() if word in said), About("unknown"))


class Verdict(NamedTuple):
    label: str
    reasons: tuple[str, ...] = ()


class Scams:
    """A scam by one word; an offer begins like an advertisement."""

    found: ClassVar = {
        "deposite": Verdict("red", ("fee", "sure_visa")),
        "deposit": Verdict("red", ("fee",)),
        "registro": Verdict("yellow", ("unregistered_recruiter",)),
        "urgente": Verdict("yellow", ("pressure",)),
    }

    def judge(self, text: str, /) -> Verdict:
        said = fold(text).split()
        return next((verdict for word, verdict in self.found.items() if word in said), Verdict("green"))

    def offered(self, text: str, /, surely: bool = False) -> bool:
        return fold(text).startswith(("se busca gente para", "now hiring people for"))


def declared_age(text: str) -> int | None:
    """An age somebody says is theirs."""
    found = re.search(r"\b(?:tengo|i m|i am) (\d{1,2})(?: anos| years old)?$", fold(text).replace("'", " "))
    return int(found.group(1)) if found else None


MIND = Mind(Dangers(), Commands(), Places(), Trades(), Services(), Scams(), declared_age)
