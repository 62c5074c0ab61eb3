"""Talking with a person: asking for one, waiting, being with one, and how the case goes."""

from collections.abc import Mapping
from typing import Any

from flows import kinds
from flows.conversations.questions import UNSAID
from flows.effects import AboutMe, LeavePerson, MyCase, OpenCase, WhoAnswers
from flows.steps import END, HOME, Ask, Branch, Call, Choice, Choose, Do, Flow, Hold, Lookup, Say
from flows.text import _


def knows_town(answers: Mapping[str, Any]) -> str:
    return "known" if answers.get("town") or (answers["me"]["town"] and not answers["locked"]) else "ask"


def waiting(answers: Mapping[str, Any]) -> str:
    """Whether a case is already open and the person need not say it all again; on a locked phone nothing shows it."""
    return "open" if answers["me"]["case"] and not answers["locked"] else "none"


person = Flow(
    "person",
    start="me",
    title=_("Hablar con una persona"),
    steps={
        "me": Lookup(AboutMe, save="me", first=True, some="already", none="topic"),
        "already": Branch(waiting, {"open": "reopen", "none": "topic"}),
        "reopen": Do(OpenCase, given={"reason": "asked"}, then="desk"),
        "topic": Choose(
            _("¿Sobre qué quiere hablar? Sirve para que le atienda quien más sabe de eso."),
            {
                "work": Choice(_("Trabajo"), "where", also=_("empleo, oficio, negocio")),
                "documents": Choice(_("Documentos"), "where", also=_("papeles, DPI, pasaporte")),
                "study": Choice(_("Estudio"), "where", also=_("escuela, curso, certificado")),
                "health": Choice(_("Salud"), "where", also=_("médico, hospital, psicólogo")),
                "family": Choice(_("Familia"), "where", also=_("hijos, niños, pareja")),
                "safety": Choice(_("Mi seguridad"), "where", also=_("seguridad, miedo, protección")),
                "other": Choice(_("Otra cosa"), "where", also=_("otro, otra")),
                "unsaid": Choice(_("Prefiero no decir"), "where", also=UNSAID),
            },
            save="topic",
        ),
        "where": Lookup(AboutMe, save="me", first=True, some="placed", none="town"),
        "placed": Branch(knows_town, {"known": "open", "ask": "town"}),
        "town": Ask(
            _("¿En qué municipio está? Así le atiende la oficina más cercana."),
            save="town",
            kind=kinds.place,
            sorry=_("Escriba solo el nombre de su municipio, por ejemplo: Malacatán."),
            then="open",
            skip="open",
        ),
        "open": Do(OpenCase, needs=("topic", "town"), given={"reason": "asked"}, then="desk"),
        "desk": Lookup(WhoAnswers, needs=("town",), save="desk", first=True, some="opened", none="no_desk"),
        "opened": Ask(
            _(
                "Una persona le va a atender aquí mismo, en este chat. {desk.hours}\nSu caso es {desk.code}. "
                "Si quiere, escriba ya lo que necesita: lo leerá quien le atienda. O escriba MENÚ."
            ),
            save="told",
            kind=kinds.text,
            sorry=_("Por ejemplo: necesito ayuda para certificar mi oficio."),
            then="noted",
        ),
        "no_desk": Ask(
            _(
                "Abrimos su caso y una persona le va a atender aquí mismo, en este chat. No tengo su horario. "
                "Si quiere, escriba ya lo que necesita: lo leerá quien le atienda. O escriba MENÚ."
            ),
            save="told",
            kind=kinds.text,
            sorry=_("Por ejemplo: necesito ayuda para certificar mi oficio."),
            then="noted",
        ),
        "noted": Choose(
            _("Anotado. ¿Algo más?"),
            {
                "more": Choice(_("Contar algo más"), "tell", also=_("sí, si, más, otra cosa")),
                "menu": Choice(_("Menú"), HOME, also=_("no, nada, nada más, gracias, listo, es todo")),
            },
        ),
        "tell": Ask(
            _("Le leo. Escriba lo que quiera agregar."),
            save="told",
            kind=kinds.text,
            sorry=_("Por ejemplo: también me falta el DPI."),
            then="noted",
        ),
    },
)

held = Flow(
    "held",
    start="hold",
    title=_("Atiende una persona"),
    takes=("held",),
    steps={"hold": Hold()},
)

leave_person = Flow(
    "leave_person",
    start="leave",
    title=_("Salir de la conversación con la persona"),
    steps={"leave": Do(LeavePerson, then=END)},
)

case_status = Flow(
    "case_status",
    start="look",
    title=_("¿Cómo va mi caso?"),
    steps={
        "look": Lookup(MyCase, save="case", first=True, some="tell", none="nothing"),
        "tell": Say(
            _("{case.new:if}Su caso {case.code} está abierto. Todavía no lo toma una persona."),
            _("{case.claimed:if}Su caso {case.code} lo atiende una persona. Le escribe aquí mismo."),
            _("{case.closed:if}Su caso {case.code} está cerrado. Si necesita algo más, escriba PERSONA."),
            _("Oficina: {case.office}. {case.hours}"),
            then=END,
        ),
        "nothing": Choose(
            _("No veo un caso abierto. ¿Quiere hablar con una persona?"),
            {
                "yes": Choice(_("Sí, una persona"), "person", also=_("sí, si, claro, por favor")),
                "no": Choice(_("No, gracias"), END, also=_("no, después")),
            },
        ),
        "person": Call("person", END),
    },
)

FLOWS = (person, held, leave_person, case_status)
