"""Vacancies near the person, as staff entered them; nobody may charge for them, and minors see none."""

from collections.abc import Mapping
from typing import Any

from flows import kinds
from flows.effects import AboutMe, FindVacancies, MyProfile, OpenCase, ShowVacancy
from flows.steps import END, HOME, Ask, Branch, Call, Choice, Choose, Do, Flow, Lookup, Pick, Say
from flows.text import _


def who_asks(answers: Mapping[str, Any]) -> str:
    """A minor, somebody on a locked phone (whose stored town must not show), or anybody else."""
    if answers["me"]["minor"]:
        return "minor"
    return "locked" if answers["locked"] else "adult"


def knows_town(answers: Mapping[str, Any]) -> str:
    """Whether the town was said before, in this conversation or in the profile."""
    return "known" if (answers.get("profile") or {}).get("town") else "ask"


vacancies = Flow(
    "vacancies",
    start="me",
    title=_("Empleos disponibles"),
    steps={
        "me": Lookup(AboutMe, save="me", first=True, some="age", none="town"),
        "age": Branch(who_asks, {"minor": "minors", "locked": "town", "adult": "profile"}),
        "minors": Call("minors", HOME),
        "profile": Lookup(MyProfile, save="profile", first=True, some="where", none="town"),
        "where": Branch(knows_town, {"known": "near", "ask": "town"}),
        "near": Lookup(FindVacancies, save="vacancies", some="list", none="nothing"),
        "town": Ask(
            _("¿En qué municipio busca trabajo?"),
            save="town",
            kind=kinds.place,
            sorry=_("Escriba solo el nombre del municipio, por ejemplo: Mazatenango."),
            then="there",
            skip="there",
        ),
        "there": Lookup(FindVacancies, needs=("town",), save="vacancies", some="list", none="nothing"),
        "list": Pick(
            _("Estos empleos están abiertos, los más cercanos primero. ¿Cuál quiere ver?"),
            "vacancies",
            save="vacancy",
            then="show",
            options={"menu": Choice(_("Menú"), HOME, also=_("ninguno, volver"))},
        ),
        "show": Lookup(ShowVacancy, needs=("vacancy",), save="vacancy", first=True, some="tell", none="gone"),
        "tell": Say(
            _("{vacancy.title}\n{vacancy.employer}"),
            _("{vacancy.demo:if}EJEMPLO: este empleo no es real."),
            _("Lugar: {vacancy.place}"),
            _("Pago: {vacancy.pay}"),
            _("Horario: {vacancy.schedule}"),
            _("Piden: {vacancy.requirements:list}"),
            _("Papeles: {vacancy.documents:list}"),
            _("Fuente: {vacancy.source}. Disponible hasta el {vacancy.expires:day}."),
            _("Nadie puede cobrarle por este empleo ni quitarle sus documentos."),
            then="next",
        ),
        "next": Choose(
            _("¿Qué quiere hacer?"),
            {
                "apply": Choice(_("Me interesa"), "apply", also=_("aplicar, quiero, sí, me gusta, interesa")),
                "again": Choice(_("Ver otro empleo"), "again", also=_("otro, otra, más, no")),
                "menu": Choice(_("Menú"), HOME, also=_("nada, volver")),
            },
        ),
        "again": Lookup(FindVacancies, needs=("town",), save="vacancies", some="list", none="nothing"),
        "gone": Say(_("Ese empleo ya no está disponible."), then="again"),
        "nothing": Choose(
            _("Ahora no hay empleos abiertos que mostrarle. Una persona puede buscar con usted."),
            {
                "person": Choice(
                    _("Hablar con alguien"), "person", also=_("persona, sí, si, hablar con una persona")
                ),
                "menu": Choice(_("Menú"), HOME, also=_("no, volver")),
            },
        ),
        "apply": Do(OpenCase, needs=("vacancy",), given={"reason": "vacancy", "topic": "work"}, then="person"),
        "person": Call("person", END),
    },
)

FLOWS = (vacancies,)
