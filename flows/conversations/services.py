"""Services: by topic, or by a question in the person's own words, each answer with its source and date."""

from flows import kinds
from flows.effects import AnswerQuestion, FindServices, NoteUnanswered, ShowService, SuggestServices
from flows.steps import END, HOME, Ask, Call, Choice, Choose, Do, Flow, Lookup, Pick, Say
from flows.text import _

ABOUT_SERVICE = (
    _("{service.name}\n{service.institution}"),
    _("{service.confirm_first:if}Por confirmar: pregunte antes de ir."),
    _("{service.facts:lines}"),
    _("Para: {service.for_whom}"),
    _("Piden:\n{service.requirements:lines}"),
    _("Costo: {service.cost}"),
    _("Dónde:\n{service.where:lines}"),
    _("Horario: {service.hours}"),
    _("Teléfono: {service.phone}"),
    _("{service.phone_to_confirm:if}Teléfono: por confirmar."),
    _("Página: {service.url}"),
    _("Fuente: {service.source}, {service.source_date:day}. Consultada el {service.checked:day}."),
    _("Verificado por nuestro personal el {service.verified:day}."),
    _("{service.overdue:if}Este dato puede haber cambiado: confírmelo antes de viajar."),
)
"""One service as it is told: a line whose fact has no source is not said (facts: services, meta)."""

services = Flow(
    "services",
    start="topic",
    title=_("Servicios y trámites"),
    steps={
        "topic": Choose(
            _("¿Sobre qué tema?"),
            {
                "work": Choice(_("Trabajo y oficios"), "look", also=_("trabajo, empleo, oficio, negocio")),
                "documents": Choice(
                    _("Documentos"), "look", also=_("papeles, papelería, DPI, pasaporte, antecedentes, partida")
                ),
                "study": Choice(_("Estudio y cursos"), "look", also=_("estudio, estudiar, escuela, cursos, beca")),
                "health": Choice(_("Salud"), "look", also=_("médico, doctor, hospital, psicólogo, enfermo")),
                "living": Choice(_("Casa y comida"), "look", also=_("casa, vivienda, comida, albergue, bono")),
                "family": Choice(_("Niñez y familia"), "look", also=_("niños, hijos, familia, mujeres")),
                "safety": Choice(
                    _("Protección y derechos"), "look", also=_("protección, denuncia, derechos, violencia")
                ),
                "question": Choice(
                    _("Escribir mi pregunta"), "question", also=_("otra, otra cosa, pregunta, preguntar")
                ),
                "person": Choice(_("Hablar con una persona"), "person", also=_("persona, alguien")),
            },
            save="topic",
        ),
        "look": Lookup(FindServices, needs=("topic",), save="services", some="list", none="person"),
        "list": Pick(
            _("Esto encontré. ¿Cuál quiere ver?"),
            "services",
            save="service",
            then="show",
            options={"question": Choice(_("Escribir mi pregunta"), "question", also=_("otra, pregunta"))},
        ),
        "show": Lookup(ShowService, needs=("service",), save="service", first=True, some="tell", none="person"),
        "tell": Say(*ABOUT_SERVICE, then="next"),
        "next": Choose(
            _("¿Qué más necesita?"),
            {
                "again": Choice(_("Ver otro servicio"), "topic", also=_("otro, otra, más, servicios")),
                "person": Choice(_("Hablar con alguien"), "person", also=_("persona, hablar con una persona")),
                "menu": Choice(_("Menú"), HOME, also=_("nada, nada más, gracias, no")),
            },
        ),
        "question": Ask(
            _("Escriba su pregunta con sus palabras."),
            save="question",
            kind=kinds.question,
            sorry=_("Por ejemplo: ¿cómo saco mi DPI?"),
            then="answer",
        ),
        "answer": Call("answer", "next"),
        "person": Call("person", END),
    },
)

work_services = Flow(
    "work_services",
    start="look",
    title=_("Orientación y oficios"),
    steps={
        "look": Lookup(FindServices, given={"topic": "work"}, save="services", some="list", none="person"),
        "list": Pick(
            _("Esto le puede servir. ¿Cuál quiere ver?"),
            "services",
            save="service",
            then="show",
            options={"person": Choice(_("Hablar con una persona"), "person", also=_("persona, alguien"))},
        ),
        "show": Lookup(ShowService, needs=("service",), save="service", first=True, some="tell", none="person"),
        "tell": Say(*ABOUT_SERVICE, then="next"),
        "next": Choose(
            _("¿Qué más necesita?"),
            {
                "again": Choice(_("Ver otro"), "look", also=_("otro, otra, más")),
                "person": Choice(_("Hablar con alguien"), "person", also=_("persona, hablar con una persona")),
                "menu": Choice(_("Menú"), HOME, also=_("nada, nada más, gracias, no")),
            },
        ),
        "person": Call("person", END),
    },
)

answer = Flow(
    "answer",
    start="sure",
    title=_("Respuesta a una pregunta"),
    takes=("question",),
    steps={
        "sure": Lookup(AnswerQuestion, needs=("question",), save="service", first=True, some="tell", none="maybe"),
        "tell": Say(*ABOUT_SERVICE, then=END),
        "maybe": Lookup(SuggestServices, needs=("question",), save="suggested", some="which", none="note"),
        "which": Pick(
            _("¿Se refiere a alguno de estos?"),
            "suggested",
            save="service",
            then="show",
            options={"none": Choice(_("Ninguno de estos"), "note", also=_("ninguno, no, otra cosa"))},
        ),
        "show": Lookup(ShowService, needs=("service",), save="service", first=True, some="tell", none="note"),
        "note": Do(NoteUnanswered, needs=("question",), then="unknown"),
        "unknown": Choose(
            _("No tengo ese dato. ¿Quiere que le ayude una persona?"),
            {
                "yes": Choice(_("Sí, una persona"), "person", also=_("sí, si, claro, persona, por favor")),
                "no": Choice(_("No, gracias"), END, also=_("no, después")),
            },
        ),
        "person": Call("person", END),
    },
)

FLOWS = (services, work_services, answer)
