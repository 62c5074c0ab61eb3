"""Job fairs still to come: when, where, who hires and what to bring."""

from flows.effects import FindFairs, ShowFair
from flows.steps import END, HOME, Call, Choice, Choose, Flow, Lookup, Pick, Say
from flows.text import _

fairs = Flow(
    "fairs",
    start="look",
    title=_("Ferias de empleo"),
    steps={
        "look": Lookup(FindFairs, save="fairs", some="list", none="nothing"),
        "list": Pick(
            _("Estas ferias vienen pronto. ¿Cuál quiere ver?"),
            "fairs",
            save="fair",
            then="show",
            options={"menu": Choice(_("Menú"), HOME, also=_("ninguna, volver"))},
        ),
        "show": Lookup(ShowFair, needs=("fair",), save="fair", first=True, some="tell", none="gone"),
        "tell": Say(
            _("{fair.name}"),
            _("{fair.demo:if}EJEMPLO: esta feria no es real."),
            _("Fecha: {fair.date:day}, {fair.hours}"),
            _("Lugar: {fair.place}"),
            _("Empresas: {fair.employers:list}"),
            _("Lleve: {fair.documents:list}"),
            _("Acceso: {fair.access}"),
            _("Nadie puede cobrarle por un empleo."),
            _("Fuente: {fair.source}."),
            then="next",
        ),
        "next": Choose(
            _("¿Qué quiere hacer?"),
            {
                "again": Choice(_("Ver otra feria"), "look", also=_("otra, otras, más")),
                "person": Choice(_("Hablar con alguien"), "person", also=_("persona, hablar con una persona")),
                "menu": Choice(_("Menú"), HOME, also=_("nada, volver, gracias")),
            },
        ),
        "gone": Say(_("Esa feria ya pasó o se canceló."), then="look"),
        "nothing": Choose(
            _("Ahora no hay ferias anunciadas. Nunca le diremos una fecha sin confirmar."),
            {
                "person": Choice(_("Hablar con alguien"), "person", also=_("persona, sí, hablar con una persona")),
                "menu": Choice(_("Menú"), HOME, also=_("no, volver, ok")),
            },
        ),
        "person": Call("person", END),
    },
)

FLOWS = (fairs,)
