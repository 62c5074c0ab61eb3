"""How a word sounds in Guatemalan Spanish, so that *joyavaj* and *Joyabaj* are the same town."""

from __future__ import annotations

import re
from functools import lru_cache

_RULES = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"'", ""),
        (r"ch", "C"),  # kept apart from c and h until the end
        (r"[ts]h", "s"),
        (r"ph", "f"),
        (r"t[zs]", "s"),
        (r"ck", "k"),
        (r"qu(?=[ei])", "k"),
        (r"q", "k"),
        (r"c(?=[eiy])", "s"),
        (r"c", "k"),
        (r"[zx]", "s"),
        (r"g?hu(?=[aeio])|gu(?=[ao])|\bu(?=[aei])", "w"),
        (r"gu(?=[ei])", "G"),
        (r"g(?=[eiy])", "j"),
        (r"h", ""),
        (r"ll", "y"),
        (r"y(?![aeiou])", "i"),
        (r"v", "b"),
        (r"m\b|m(?=[pbf])", "n"),
        (r"(.)\1+", r"\1"),
        (r"C", "ch"),
        (r"G", "g"),
    )
)


def sound(folded: str) -> str:
    """The sound of folded text (see `normalise.fold`), word by word: b=v, s=c=z=x, k=qu, silent h, final m=n.

    Spaces stay, so a name can be compared word by word or with its words run together.
    """
    return " ".join(map(_sound, folded.split()))


@lru_cache(maxsize=30_000)
def _sound(word: str) -> str:
    for pattern, replacement in _RULES:
        word = pattern.sub(replacement, word)
    return word
