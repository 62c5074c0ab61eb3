"""Danger: the lines first, then a person, in words that cost nothing if it was a false alarm."""

from collections.abc import Mapping
from typing import Any

from flows import kinds
from flows.effects import FalseAlarm, FindLines, MarkMinor, OpenCase, WhoAnswers
from flows.steps import END, HOME, Ask, Branch, Call, Choice, Choose, Do, Flow, Lookup, Say
from flows.text import _


def who_is_it(answers: Mapping[str, Any]) -> str:
    return "minor" if answers.get("danger") == "minor_writing_alone" else "other"


def first_words(answers: Mapping[str, Any]) -> str:
    """How to begin: a thought of dying, a need for today, or any other danger."""
    match answers.get("danger"):
        case "suicide_selfharm":
            return "crisis"
        case "hunger_or_stranded" | "no_shelter_tonight":
            return "need"
        case _:
            return "danger"


def who_writes(answers: Mapping[str, Any]) -> str:
    return "person" if answers.get("held") else "bot"


TELL = _("sí, si, contar, ayuda, estoy en peligro, tengo miedo, no estoy bien, no aguanto, no puedo más, no sé")
FINE = _("estoy bien, fue un error, falsa alarma, no es emergencia, todo bien")
"""A bare "no" is not here: "ya no", "no sé" and "no puedo" begin a cry for help as well."""

danger = Flow(
    "danger",
    start="who_is_it",
    title=_("Peligro"),
    takes=("danger", "urgency"),
    steps={
        "who_is_it": Branch(who_is_it, {"minor": "mark_minor", "other": "lines"}),
        "lines": Lookup(FindLines, needs=("danger",), save="help", first=True, some="how", none="open"),
        "how": Branch(first_words, {"crisis": "crisis", "need": "need", "danger": "call"}),
        "mark_minor": Do(MarkMinor, then="minors"),
        "minors": Call("minors", HOME),
        "crisis": Say(
            _("Siento que esté pasando por esto. Su vida importa. No tiene que estar a solas con esto."),
            _("Si puede, llame ahora:\n{help.lines:lines}"),
            _("También puede ir a la emergencia del hospital más cercano o al centro de salud."),
            then="open",
        ),
        "need": Say(
            _("Siento que esté pasando por esto. Aquí pueden ayudarle:\n{help.services:lines}"),
            _("Si hay peligro, llame:\n{help.lines:lines}"),
            then="open",
        ),
        "call": Say(
            _("Siento que esté pasando por esto. Si puede hacerlo con seguridad, llame ahora:\n{help.lines:lines}"),
            _("También le puede ayudar:\n{help.services:lines}"),
            then="open",
        ),
        "open": Do(OpenCase, needs=("danger", "urgency"), given={"reason": "danger"}, then="who"),
        "who": Branch(who_writes, {"person": END, "bot": "desk"}),
        "desk": Lookup(WhoAnswers, save="desk", first=True, some="ask", none="ask_anyway"),
        "ask": Choose(
            _(
                "Abrimos un caso urgente. Una persona le va a escribir aquí lo antes posible. {desk.hours}\n"
                "No tiene que dar su nombre. ¿Qué quiere hacer?"
            ),
            {
                "tell": Choice(_("Quiero contar más"), "tell", also=TELL),
                "fine": Choice(_("No hay emergencia"), "calm", also=FINE),
                "menu": Choice(_("Menú"), HOME),
            },
        ),
        "ask_anyway": Choose(
            _(
                "Abrimos un caso urgente. Una persona le va a escribir aquí. No sé a qué hora: si hay peligro, "
                "llame a los números de arriba. No tiene que dar su nombre. ¿Qué quiere hacer?"
            ),
            {
                "tell": Choice(_("Quiero contar más"), "tell", also=TELL),
                "fine": Choice(_("No hay emergencia"), "calm", also=FINE),
                "menu": Choice(_("Menú"), HOME),
            },
        ),
        "tell": Ask(
            _("Escriba lo que quiera que sepa la persona que le va a atender."),
            save="told",
            kind=kinds.text,
            sorry=_("Puede escribir con sus palabras."),
            then="noted",
        ),
        "noted": Say(_("Gracias por contarlo. Lo leerá quien le atienda."), then=END),
        "calm": Do(FalseAlarm, then="calmed"),
        "calmed": Say(_("Qué bueno. Si algo cambia, escriba aquí a cualquier hora."), then=END),
    },
)

minors = Flow(
    "minors",
    start="lines",
    title=_("Menores de edad"),
    steps={
        "lines": Lookup(
            FindLines, given={"danger": "minor_writing_alone"}, save="help", first=True, some="hello", none="open"
        ),
        "hello": Say(
            _("Gracias por escribir. Para menores de 18 años hay personas que se dedican a cuidarles."),
            _("No tiene que contar nada aquí, ni dar su nombre."),
            _("Aquí pueden ayudarle:\n{help.services:lines}"),
            _("Si hay peligro, llame:\n{help.lines:lines}"),
            then="open",
        ),
        "open": Do(OpenCase, given={"reason": "minor", "urgency": "R1", "danger": "minor_writing_alone"}, then="who"),
        "who": Branch(who_writes, {"person": END, "bot": "next"}),
        "next": Choose(
            _("Una persona le va a atender aquí mismo, en este chat. ¿Qué quiere hacer mientras tanto?"),
            {
                "tell": Choice(_("Contar algo"), "tell", also=_("sí, si, contar, hablar")),
                "question": Choice(_("Hacer una pregunta"), "question", also=_("pregunta, preguntar")),
                "lines": Choice(_("Ver los números"), "again", also=_("números, teléfonos, llamar")),
            },
        ),
        "tell": Ask(
            _("Escriba lo que quiera que sepa la persona que le va a atender."),
            save="told",
            kind=kinds.text,
            sorry=_("Puede escribir con sus palabras."),
            then="noted",
        ),
        "noted": Say(_("Gracias por contarlo. Lo leerá quien le atienda."), then="next"),
        "question": Ask(
            _("Escriba su pregunta."),
            save="question",
            kind=kinds.question,
            sorry=_("Por ejemplo: ¿cómo sigo estudiando?"),
            then="answer",
        ),
        "answer": Call("answer", "next"),
        "again": Lookup(
            FindLines, given={"danger": "minor_writing_alone"}, save="help", first=True, some="numbers", none="next"
        ),
        "numbers": Say(
            _("Aquí pueden ayudarle:\n{help.services:lines}"),
            _("Si hay peligro, llame:\n{help.lines:lines}"),
            then="next",
        ),
    },
)

FLOWS = (danger, minors)
