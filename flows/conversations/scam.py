"""¿Es estafa? A person pastes a job offer and hears what to be careful of, how to report it, and who can help."""

from collections.abc import Mapping
from typing import Any

from flows import kinds
from flows.effects import JudgeOffer, ShowService
from flows.steps import END, Ask, Branch, Call, Choice, Flow, Lookup, Say
from flows.text import _


def given(answers: Mapping[str, Any]) -> str:
    """Whether the offer was pasted before anybody asked for it."""
    return "given" if answers.get("offer") else "ask"


def colour(answers: Mapping[str, Any]) -> str:
    return str(answers["verdict"]["label"])


def told(answers: Mapping[str, Any]) -> str:
    """Whether the person has already read how to report it."""
    return "told" if answers.get("report") else "new"


def where(answers: Mapping[str, Any]) -> str:
    return "abroad" if answers["verdict"]["abroad"] and not answers.get("registry") else "here"


scam = Flow(
    "scam",
    start="given",
    title=_("¿Es estafa?"),
    steps={
        "given": Branch(given, {"given": "judge", "ask": "offer"}),
        "offer": Ask(
            _("Pegue aquí la oferta, o cuente qué le ofrecen: quién, dónde, cuánto pagan y qué le piden."),
            save="offer",
            kind=kinds.offer,
            sorry=_("Por ejemplo: me ofrecen trabajo en Canadá y piden Q2,000 antes."),
            then="judge",
        ),
        "judge": Lookup(JudgeOffer, needs=("offer",), save="verdict", first=True, some="colour", none="person"),
        "colour": Branch(colour, {"red": "red", "yellow": "yellow", "green": "green"}),
        "red": Say(
            _("Rojo: veo señales de estafa.\n{verdict.reasons:lines}"),
            _("No pague, no entregue documentos y no viaje antes de averiguar. Usted decide."),
            then="known",
        ),
        "yellow": Say(
            _("Amarillo: averigüe antes de seguir.\n{verdict.reasons:lines}"),
            _("No pague ni entregue documentos originales mientras no sepa quién contrata. Usted decide."),
            then="known",
        ),
        "green": Say(
            _("Verde: en esas palabras no veo señales de estafa. No es garantía: no puedo saber quién las escribió."),
            _("Antes de aceptar, pregunte el nombre y la dirección de la empresa. Nadie puede cobrarle."),
            then="next",
        ),
        "known": Branch(told, {"new": "report", "told": "where"}),
        "report": Lookup(
            ShowService,
            given={"service": "denuncia-estafa-laboral"},
            save="report",
            first=True,
            some="how",
            none="where",
        ),
        "how": Say(
            _("Dónde denunciar:\n{report.facts:lines}"),
            _("Teléfono: {report.phone}"),
            _("{report.phone_to_confirm:if}Teléfono: por confirmar."),
            _("Fuente: {report.source}, {report.source_date:day}. Consultada el {report.checked:day}."),
            then="where",
        ),
        "where": Branch(where, {"abroad": "registry", "here": "next"}),
        "registry": Lookup(
            ShowService,
            given={"service": "registro-reclutadores"},
            save="registry",
            first=True,
            some="check",
            none="next",
        ),
        "check": Say(
            _("Si el trabajo es en otro país:\n{registry.facts:lines}"),
            _("Fuente: {registry.source}, {registry.source_date:day}. Consultada el {registry.checked:day}."),
            then="next",
        ),
        "next": Ask(
            _("Si la oferta sigue en otro mensaje, péguelo también. Si no, ¿qué quiere hacer?"),
            save="offer",
            kind=kinds.offer,
            sorry=_("Toque una opción, o pegue lo que falta de la oferta."),
            then="judge",
            adds=True,
            options={
                "another": Choice(_("Revisar otra oferta"), "offer", also=_("otra, otra oferta, revisar otra")),
                "person": Choice(_("Hablar con alguien"), "person", also=_("persona, hablar con una persona")),
                "done": Choice(_("Listo, seguir"), END, also=_("listo, seguir, nada, no, volver, ok, gracias")),
            },
        ),
        "person": Call("person", END),
    },
)

FLOWS = (scam,)
