"""Small things said on the way: greetings, help, and what happens when the bot does not understand."""

from collections.abc import Mapping
from typing import Any

from flows.steps import END, HOME, Branch, Call, Choice, Choose, Flow, Say
from flows.text import _


def what_came(answers: Mapping[str, Any]) -> str:
    return "place" if answers.get("media") == "place" else "file"


hello = Flow("hello", start="say", title=_("Saludo"), steps={"say": Say(_("Hola, con gusto le atiendo."), then=END)})

thanks = Flow("thanks", start="say", title=_("Gracias"), steps={"say": Say(_("Con mucho gusto."), then=END)})

help_words = Flow(
    "help",
    start="say",
    title=_("Ayuda"),
    steps={
        "say": Say(
            _("Puede escribir con sus palabras, tocar una opción o escribir su número. También puede escribir:"),
            _(
                "PERSONA para que le atienda alguien\nMENÚ para empezar de nuevo\nATRÁS para la pregunta anterior\n"
                "MI CASO para saber cómo va\nMIS DATOS para ver lo guardado\nBORRAR MIS DATOS\n"
                "BAJA para no recibir avisos\nOCULTAR para esconder este chat\nIDIOMA para cambiarlo"
            ),
            then=END,
        ),
    },
)

stuck = Flow(
    "stuck",
    start="offer",
    title=_("No se entendió"),
    steps={
        "offer": Choose(
            _("Disculpe, no le estoy entendiendo. ¿Quiere que le atienda una persona?"),
            {
                "person": Choice(_("Sí, una persona"), "person", also=_("sí, si, claro, persona, por favor")),
                "again": Choice(_("Intentar otra vez"), END, also=_("no, otra vez, intentar, seguir")),
                "menu": Choice(_("Menú"), HOME, also=_("volver")),
            },
        ),
        "person": Call("person", END),
    },
)

media = Flow(
    "media",
    start="what",
    title=_("Audio, foto u otro archivo"),
    takes=("media",),
    steps={
        "what": Branch(what_came, {"place": "place", "file": "offer"}),
        "place": Say(_("Recibí su ubicación, pero no la puedo leer. Escriba el nombre de su municipio."), then=END),
        "offer": Choose(
            _(
                "Lo recibí, pero no puedo escuchar audios ni ver fotos o archivos. Escríbalo con letras, "
                "o hable con una persona."
            ),
            {
                "write": Choice(_("Lo escribo"), END, also=_("escribir, ok, no, sigo")),
                "person": Choice(
                    _("Hablar con alguien"), "person", also=_("persona, sí, si, hablar con una persona")
                ),
            },
        ),
        "person": Call("person", END),
    },
)

FLOWS = (hello, thanks, help_words, stuck, media)
