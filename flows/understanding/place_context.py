"""Which of the places in a sentence is where the person is now.

*Soy de Cantel pero vivo en Xela*, *me deportaron de Houston*, *mi mamá vive en Reu y yo en Salcajá*: the words before
a place say whether the person is there, comes from there, was there, or speaks of somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .normalise import words

NOW, HERE, PLAIN, ORIGIN, AIM, OTHERS, PAST, DENIED = 7, 6, 5, 4, 3, 2, 1, 0

_NOW = frozenset(words("ahorita ahora orita horita aorita aora haora actualmente hoy aqui aki aca currently now"))
_HERE = frozenset(
    words(
        "vivo bivo vibo bibo vivimos bivimos viviendo estoy estoi toy stoy estamos ando andamos resido radico"
        " radicado radicada encuentro encontramos quedo quede quedamos quedando ubico ubicado ubicada hospedo"
        " hospedado alojo alojado posando yo live living am im me mude mudamos instale direccion domicilio"
        " casa"
    )
) - {"me"}
_ORIGIN = frozenset(
    words("soy soi somos originario originaria naci nasi nacido nacida nacimos oriundo oriunda natal creci from")
)
_AIM = frozenset(
    words("voy vamos ir irme viajar quiero quisiera busco buscando buscar trabajo trabajar pienso mudarme iria")
)
_MOVE = frozenset(
    words(
        "vine vengo venimos viniendo regrese regresamos regreso volvi volvimos vuelvo llegue llegamos llego"
        " retorne retornamos retornado retornada deportaron deportado deportada deportados expulsaron sali"
        " salimos salir mandaron trajeron devolvieron bajaron pase pasamos deported returned came"
    )
)
_PAST = frozenset(
    words(
        "vivi vivia viviamos vivimos estuve estaba estabamos estuvimos trabaje trabajaba trabajabamos"
        " trabajamos antes anduve andaba era agarraron detuvieron agarro años anos lived worked was were used"
    )
) - {"vivimos"}
_OTHERS = frozenset(
    words(
        "vive viven bive biven trabaja trabajan estan nacio fue fueron esposo esposa marido mujer hermano"
        " hermana hermanos hijo hija hijos papa mama papas tio tia primo prima abuela abuelo familia pareja"
        " novia novio suegra suegros amigo amiga"
    )
)
_PEOPLE = _OTHERS - frozenset(words("vive viven bive biven trabaja trabajan estan nacio fue fueron"))
_TO = frozenset(words("a al para pa hasta hacia to in"))
_FROM = frozenset(words("de del desde from"))
_KINDS = frozenset(
    words("aldea municipio ciudad pueblo departamento frontera cabecera caserio zona cerca capital parte")
)
_WITH = frozenset(words("con donde with"))
_POSSESSIVE = frozenset(words("mi mis un una la el los las unos unas su sus"))

CUES = _NOW | _HERE | _ORIGIN | _AIM | _MOVE | _PAST | _OTHERS
"""Words that place a person; none of them is itself a place."""

LOCATIVES = frozenset(
    words(
        "en de del desde por a al para pa hasta hacia cerca in from at near municipio aldea ciudad pueblo"
        " departamento"
    )
)


class Role(NamedTuple):
    """How a place stands to the person (higher is nearer to *where I am now*), and which words said so."""

    rank: int
    cue: int
    """Position of the word that set the role; places under the same one belong together. -1 when there is none."""


def role(tokens: Sequence[str], start: int, end: int, covered: Sequence[bool]) -> Role:
    """The role of the place at `tokens[start:end]`; `covered` marks the words that belong to places."""
    for at in range(start - 1, -1, -1):
        if not covered[at] and (rank := _rank(tokens, at, start)) is not None:
            if rank == HERE and _NOW.intersection(tokens[max(0, at - 3) : at]):
                rank = NOW
            if rank >= ORIGIN and "no" in tokens[max(0, at - (1 if rank == ORIGIN else 2)) : at]:
                rank = DENIED
            return Role(_later(rank, tokens, end), at)
    return Role(_later(PLAIN, tokens, end), -1)


def _rank(tokens: Sequence[str], at: int, start: int) -> int | None:
    token = tokens[at]
    if token in _MOVE:
        return _moved(tokens, at, start)
    if token in _PEOPLE and not _accompanied(tokens, at):
        return OTHERS
    if token in _OTHERS - _PEOPLE:
        return OTHERS
    for group, rank in ((_PAST, PAST), (_NOW, NOW), (_HERE, HERE), (_ORIGIN, ORIGIN), (_AIM, AIM)):
        if token in group:
            return rank
    return None


def _moved(tokens: Sequence[str], at: int, start: int) -> int:
    """*Llegué a*, *vine de*: the nearest preposition decides; not the one in *a una aldea de*."""
    for i in range(start - 1, at, -1):
        if tokens[i] in _TO:
            return HERE
        if tokens[i] in _FROM and tokens[i - 1] not in _KINDS:
            return PAST
    return PLAIN


def _accompanied(tokens: Sequence[str], at: int) -> bool:
    """*Estoy con mi tía en …*: the person is there too."""
    before = tokens[max(0, at - 3) : at]
    return any(token in _WITH for token in before) or (bool(before) and before[-1] not in _POSSESSIVE)


def _later(rank: int, tokens: Sequence[str], end: int) -> int:
    """*Estoy en Reu ahorita*: the word may come after the place."""
    if rank in (HERE, PLAIN) and end < len(tokens) and tokens[end] in {"ahorita", "ahora", "orita", "actualmente"}:
        return NOW
    return rank
