"""The profile's questions, each with its reason: only what a programme may ask, never what a person must."""

import re
from collections.abc import Callable, Mapping

from flows import kinds
from flows.steps import Ask, Choice, Choose, Step
from flows.text import Text, _
from flows.understanding.normalise import MATCHED

Question = Callable[[str], Step]
"""Makes the step for one question, given where it leads; every question can be skipped."""


def age_band(said: str) -> str | None:
    """The band of an age typed in years ("34", "tengo 34 años"); None without exactly one number that can be one."""
    years = [int(figures) for figures in re.findall(r"\d+", said[:MATCHED]) if len(figures) <= 3]
    if len(years) != 1 or not 5 <= years[0] <= 115:
        return None
    return next(band for least, band in AGE_BANDS if years[0] >= least)


AGE_BANDS = ((65, "65_plus"), (60, "60_64"), (25, "25_59"), (18, "18_24"), (0, "under_18"))
"""The youngest of each band, in years, eldest band first."""


def _choose(
    text: Text,
    field: str,
    options: Mapping[str, tuple[Text, Text | None]],
    read: Callable[[str], str | None] | None = None,
) -> Question:
    def step(then: str) -> Choose:
        choices = {name: Choice(label, then, also=also) for name, (label, also) in options.items()}
        return Choose(text, choices | {"unsaid": Choice(_("Prefiero no decir"), then, also=UNSAID)}, field, read)

    return step


UNSAID = _("no quiero decir, prefiero no, paso, saltar, no sé")
YES = _("sí, si, claro, ajá, simón, yes")
NO = _("no, para nada, ninguno")


def _town(then: str) -> Ask:
    return Ask(
        _("¿En qué municipio está ahora? Lo preguntamos porque los servicios son locales."),
        save="town",
        kind=kinds.place,
        sorry=_("Escriba solo el nombre de su municipio, por ejemplo: Coatepeque."),
        then=then,
        skip=then,
    )


def trade(then: str, skip: str | None = None) -> Ask:
    """What they worked at; `skip` is where "Prefiero no decir" leads, when it is not the same."""
    return Ask(
        _("¿En qué ha trabajado? Cuéntelo con sus palabras. Sirve para buscarle empleo y certificar lo que sabe."),
        save="trade",
        kind=kinds.trade,
        sorry=_("Por ejemplo: hacía roofing, cocinaba, manejaba camión."),
        then=then,
        skip=skip or then,
    )


QUESTIONS: Mapping[str, Question] = {
    "town": _town,
    "since": _choose(
        _("¿Hace cuánto regresó? Hay ayudas distintas para los primeros días y para después."),
        "since",
        {
            "days": (_("Hace unos días"), _("días, ayer, hoy, esta semana, ahorita")),
            "weeks": (_("Hace unas semanas"), _("semanas, este mes")),
            "months": (_("Hace unos meses"), _("meses")),
            "years": (_("Hace un año o más"), _("año, años, un año")),
        },
    ),
    "need": _choose(
        _("¿Qué necesita más en este momento? Así le mostramos eso primero."),
        "need",
        {
            "work": (_("Trabajo"), _("empleo, chamba, trabajar")),
            "documents": (_("Documentos"), _("papeles, DPI")),
            "study": (_("Estudio"), _("estudiar, escuela, curso")),
            "health": (_("Salud"), _("médico, doctor, hospital")),
            "housing": (_("Casa y comida"), _("vivienda, casa, comida, techo")),
            "family": (_("Familia"), _("hijos, niños")),
            "safety": (_("Seguridad"), _("protección")),
        },
    ),
    "age": _choose(
        _("¿Qué edad tiene, más o menos? Algunos programas son por edad."),
        "age",
        {
            "under_18": (_("Menos de 18 años"), _("menor de edad, menor")),
            "18_24": (_("De 18 a 24 años"), None),
            "25_59": (_("De 25 a 59 años"), None),
            "60_64": (_("De 60 a 64 años"), None),
            "65_plus": (_("65 años o más"), None),
        },
        read=age_band,
    ),
    "trade": trade,
    "learnt": _choose(
        _("¿Dónde aprendió ese trabajo? Sirve para saber cómo certificarlo."),
        "learnt",
        {
            "guatemala": (_("En Guatemala"), _("aquí, guate, guatemala")),
            "us": (_("En Estados Unidos"), _("estados unidos, usa, eeuu, el norte, allá")),
            "mexico": (_("En México"), _("méxico, mexico")),
            "elsewhere": (_("En otro lugar"), _("otro")),
        },
    ),
    "english": _choose(
        _("¿Habla inglés? Hay empleos y certificados para quien lo habla."),
        "english",
        {
            "none": (_("No"), _("nada, no hablo")),
            "some": (_("Un poco"), _("poco, algo, más o menos, masomenos")),
            "good": (_("Sí, bien"), _("sí, si, bien, fluido, perfecto")),
        },
    ),
    "schooling": _choose(
        _("¿Hasta qué grado estudió? Hay opciones para cada nivel, y para seguir."),
        "schooling",
        {
            "none": (_("No fui a la escuela"), _("nada, ninguno, no estudié")),
            "some_primary": (_("Parte de primaria"), _("primero, segundo, tercero, cuarto, quinto")),
            "primary": (_("Primaria completa"), _("primaria, sexto")),
            "basic": (_("Básicos"), _("básico, tercero básico, secundaria")),
            "upper": (_("Diversificado"), _("bachillerato, perito, high school, maestro, prepa")),
            "university": (_("Universidad"), _("universitario, licenciatura, college")),
        },
    ),
    "school_country": _choose(
        _("¿En qué país estudió? Los estudios de otro país se pueden reconocer aquí."),
        "school_country",
        {
            "guatemala": (_("Guatemala"), _("aquí, guate")),
            "us": (_("Estados Unidos"), _("usa, eeuu, el norte")),
            "mexico": (_("México"), _("mexico")),
            "elsewhere": (_("Otro país"), _("otro")),
        },
    ),
    "aim": _choose(
        _("¿Qué le gustaría hacer? Con eso una persona puede hacer un plan con usted."),
        "aim",
        {
            "job": (_("Encontrar empleo"), _("empleo, trabajo, trabajar")),
            "business": (_("Poner un negocio"), _("negocio, emprender, tienda")),
            "study": (_("Estudiar"), _("curso, escuela, certificarme")),
            "abroad": (_("Trabajar en otro país"), _("visa, trabajo temporal, extranjero, canadá")),
        },
    ),
    "dpi": _choose(
        _("¿Tiene DPI? No le pedimos el número. Muchos trámites lo piden y hay forma de reponerlo."),
        "dpi",
        {
            "yes": (_("Sí, vigente"), _("sí, si, tengo")),
            "expired": (_("Sí, pero vencido"), _("vencido, venció")),
            "no": (_("No tengo"), _("no, perdido, me lo robaron, robaron, perdí, se me perdió, nunca")),
        },
    ),
    "children": _choose(
        _("¿Tiene niñas o niños que inscribir en la escuela? Hay apoyo para su familia."),
        "children",
        {"yes": (_("Sí"), YES), "no": (_("No"), NO)},
    ),
    "support": _choose(
        _("¿Necesita algún apoyo para usar esto? Por ejemplo, que una persona le lea o le llame."),
        "support",
        {"yes": (_("Sí"), YES), "no": (_("No"), NO)},
    ),
}
"""Every field a programme may ask (facts: case management, profile fields), in the order they are asked."""

LABELS: Mapping[str, Text] = {
    "town": _("Municipio"),
    "since": _("Tiempo desde el regreso"),
    "need": _("Lo que más necesita"),
    "age": _("Edad"),
    "trade": _("Oficio"),
    "learnt": _("Dónde lo aprendió"),
    "english": _("Inglés"),
    "schooling": _("Estudios"),
    "school_country": _("País donde estudió"),
    "aim": _("Meta"),
    "dpi": _("DPI"),
    "children": _("Niñez por inscribir"),
    "support": _("Apoyo para usar esto"),
}


def meaning(field: str, value: object) -> object:
    """A stored answer as it reads: the label of the option, or the row's own label."""
    if isinstance(value, Mapping):
        return value.get("label")
    step = QUESTIONS[field]("")
    if isinstance(step, Choose) and str(value) in step.options:
        return step.options[str(value)].label
    return value
