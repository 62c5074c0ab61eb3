"""Ways a text gets changed between a frightened person and us: slips, habits, disguises, a quotation, two languages.

Every mutation keeps the sense, so what was danger stays danger. All are deterministic.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Iterator

from flows.understanding.normalise import clean

NEAR = {
    "a": "s",
    "e": "r",
    "i": "o",
    "o": "p",
    "n": "m",
    "s": "d",
    "r": "t",
    "t": "r",
    "m": "n",
    "l": "k",
    "c": "v",
    "d": "f",
}
CHAT = {
    "que": "q",
    "por": "x",
    "porque": "xq",
    "de": "d",
    "me": "m",
    "te": "t",
    "para": "pa",
    "con": "cn",
    "esta": "sta",
    "estoy": "toy",
    "también": "tmb",
    "bebé": "bb",
    "donde": "dnd",
    "dónde": "dnd",
}
ENGLISH = {
    "ayuda": "help",
    "casa": "house",
    "dinero": "money",
    "ahorita": "right now",
    "mi": "my",
    "hoy": "today",
    "hermano": "brother",
    "esposo": "husband",
    "hijo": "son",
    "hija": "daughter",
    "trabajo": "job",
}


def _long_words(text: str) -> list[tuple[int, str]]:
    return [(at, word) for at, word in enumerate(text.split(" ")) if len(word) > 5 and word.isalpha()]


def _one_word(text: str, change: Callable[[str, random.Random], str]) -> str:
    """The text with one long word changed; the same text always changes alike."""
    chance = random.Random(text)
    words = text.split(" ")
    long = _long_words(text)
    if long:
        at, word = chance.choice(long)
        words[at] = change(word, chance)
    return " ".join(words)


def no_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def dropped_letter(text: str) -> str:
    def drop(word: str, chance: random.Random) -> str:
        at = chance.randrange(2, len(word) - 1)
        return word[:at] + word[at + 1 :]

    return _one_word(text, drop)


def swapped_letters(text: str) -> str:
    def swap(word: str, chance: random.Random) -> str:
        at = chance.randrange(2, len(word) - 1)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    return _one_word(text, swap)


def neighbouring_key(text: str) -> str:
    def slip(word: str, chance: random.Random) -> str:
        at = chance.randrange(2, len(word))
        return word[:at] + NEAR.get(word[at], word[at]) + word[at + 1 :]

    return _one_word(text, slip)


def doubled_letter(text: str) -> str:
    def double(word: str, chance: random.Random) -> str:
        at = chance.randrange(1, len(word))
        return word[:at] + word[at - 1] + word[at:]

    return _one_word(text, double)


def stretched(text: str) -> str:
    return text + text[-1] * 4 if text[-1:].isalpha() else text


def shouted(text: str) -> str:
    return text.upper()


def capitalised(text: str) -> str:
    return text.title()


def chat_shorthand(text: str) -> str:
    return " ".join(CHAT.get(word, word) for word in text.split(" "))


def by_ear(text: str) -> str:
    """b for v, no h, k for qu, s for z and soft c: how it sounds."""
    text = no_accents(text.lower()).replace("ch", "\0").replace("sh", "\1").replace("h", "")
    text = text.replace("que", "ke").replace("qui", "ki").replace("z", "s").replace("ce", "se").replace("ci", "si")
    return text.replace("v", "b").replace("ll", "y").replace("\0", "ch").replace("\1", "sh")


def leet(text: str) -> str:
    return text.lower().translate(str.maketrans("aeio", "4310"))


def leet_one_word(text: str) -> str:
    return _one_word(text, lambda word, _: word.translate(str.maketrans("aeo", "@30")))


def spaced_word(text: str) -> str:
    return _one_word(text, lambda word, _: " ".join(word))


def spaced_out(text: str) -> str:
    return clean(" ".join(text))


def glued(text: str) -> str:
    words = text.split(" ")
    return " ".join([words[0] + words[1], *words[2:]]) if len(words) > 2 else text


def zero_width(text: str) -> str:
    return clean("\u200b".join(text))


def bidi_and_soft_hyphens(text: str) -> str:
    return clean("\u202e" + "\u00ad".join(text))


def full_width(text: str) -> str:
    return clean("".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text))


def quoted(text: str) -> str:
    return f"«{text}»"


def polite(text: str) -> str:
    return f"Buenas tardes, disculpe la molestia. {text}. Gracias, que Dios le bendiga."


def beside_a_question(text: str) -> str:
    return f"¿Qué requisitos piden para sacar el DPI? {text}"


def emoji(text: str) -> str:
    return f"😭😭 {text} 🙏🙏🙏"


def punctuated(text: str) -> str:
    return text.replace(" ", "... ") + "!!!"


def code_mixed(text: str) -> str:
    return " ".join(ENGLISH.get(word, word) for word in text.split(" "))


MUTATIONS: tuple[Callable[[str], str], ...] = (
    no_accents,
    dropped_letter,
    swapped_letters,
    neighbouring_key,
    doubled_letter,
    stretched,
    shouted,
    capitalised,
    chat_shorthand,
    by_ear,
    leet,
    leet_one_word,
    spaced_word,
    spaced_out,
    glued,
    zero_width,
    bidi_and_soft_hyphens,
    full_width,
    quoted,
    polite,
    beside_a_question,
    emoji,
    punctuated,
    code_mixed,
)


def mutated(text: str) -> Iterator[tuple[str, str]]:
    """(mutation's name, the text as it changes it), for every mutation."""
    for mutation in MUTATIONS:
        yield mutation.__name__, mutation(text)
