"""The place everybody comes back to: what the bot can do, in a few words."""

from flows.steps import END, HOME, Call, Choice, Choose, Flow
from flows.text import _

menu = Flow(
    "menu",
    start="ask",
    title=_("Menú"),
    keeps=("language", "spoken"),
    steps={
        "ask": Choose(
            _("¿En qué le puedo ayudar? Toque una opción o escriba su pregunta con sus palabras."),
            {
                "work": Choice(
                    _("Trabajo"), "work", also=_("empleo, chamba, busco trabajo, quiero trabajar, job, work")
                ),
                "services": Choice(
                    _("Servicios y trámites"),
                    "services",
                    hint=_("Documentos, estudio, salud, familia, protección"),
                    also=_("servicios, trámites, documentos, papeles, estudio, salud, ayudas"),
                ),
                "profile": Choice(
                    _("Mi perfil"),
                    "profile",
                    hint=_("Su municipio, oficio y metas, para buscarle opciones"),
                    also=_("perfil, mis respuestas, llenar perfil"),
                ),
                "person": Choice(
                    _("Hablar con una persona"), "person", also=_("persona, humano, alguien, asesor, gestor")
                ),
                "more": Choice(
                    _("Otra cosa"),
                    "more",
                    hint=_("Mi caso, mis datos, ¿es estafa?, idioma"),
                    also=_("otro, otra, más, otras opciones, configuración"),
                ),
            },
        ),
        "work": Call("work", "ask"),
        "services": Call("services", "ask"),
        "profile": Call("profile", "ask"),
        "person": Call("person", "ask"),
        "more": Call("more", "ask"),
    },
)

work = Flow(
    "work",
    start="ask",
    title=_("Trabajo"),
    steps={
        "ask": Choose(
            _("¿Qué busca sobre trabajo?"),
            {
                "vacancies": Choice(
                    _("Empleos disponibles"), "vacancies", also=_("vacantes, plazas, empleos, ofertas")
                ),
                "fairs": Choice(_("Ferias de empleo"), "fairs", also=_("feria, ferias")),
                "help": Choice(
                    _("Orientación y oficios"),
                    "help",
                    hint=_("Bolsas de empleo, cursos, certificar su oficio"),
                    also=_("orientación, cursos, certificar, capacitación, asesoría"),
                ),
                "scam": Choice(
                    _("¿Es estafa?"),
                    "scam",
                    hint=_("Pegue una oferta y le digo qué averiguar"),
                    also=_("estafa, fraude, es verdad, oferta falsa, revisar una oferta"),
                ),
                "person": Choice(_("Hablar con una persona"), "person", also=_("persona, alguien, asesor")),
            },
        ),
        "vacancies": Call("vacancies", END),
        "fairs": Call("fairs", END),
        "help": Call("work_services", END),
        "scam": Call("scam", END),
        "person": Call("person", END),
    },
)

more = Flow(
    "more",
    start="ask",
    title=_("Otra cosa"),
    steps={
        "ask": Choose(
            _("¿Qué necesita?"),
            {
                "case": Choice(_("¿Cómo va mi caso?"), "case", also=_("mi caso, caso")),
                "data": Choice(_("Qué saben de mí"), "data", also=_("mis datos, datos")),
                "scam": Choice(
                    _("¿Es estafa?"),
                    "scam",
                    hint=_("Pegue una oferta y le digo qué averiguar"),
                    also=_("estafa, fraude, es verdad, oferta falsa, revisar una oferta"),
                ),
                "edit": Choice(_("Cambiar mi perfil"), "edit", also=_("corregir, cambiar, editar")),
                "notices": Choice(_("Dejar de recibir avisos"), "notices", also=_("avisos, no avisar")),
                "word": Choice(_("Poner palabra clave"), "word", also=_("clave, contraseña, palabra")),
                "language": Choice(_("Cambiar idioma"), "language", also=_("idioma, language, inglés")),
                "who": Choice(_("Quién es usted"), "who", also=_("quién, qué es esto")),
                "menu": Choice(_("Menú"), HOME, also=_("volver, regresar")),
            },
        ),
        "case": Call("case_status", END),
        "data": Call("my_data", END),
        "scam": Call("scam", END),
        "edit": Call("edit_profile", END),
        "notices": Call("stop_notices", END),
        "word": Call("key_word", END),
        "language": Call("language", END),
        "who": Call("who", END),
    },
)

FLOWS = (menu, work, more)
