"""The person's own data: seeing, correcting and erasing it, stopping notices, and hiding this chat at once."""

from collections.abc import Mapping
from typing import Any

from flows import kinds
from flows.effects import (
    AboutMe,
    EraseMe,
    KeepWord,
    Lock,
    MyData,
    MyProfile,
    ResumeNotices,
    RightWord,
    StopNotices,
    Unlock,
)
from flows.steps import END, HOME, Ask, Branch, Call, Choice, Choose, Do, Flow, Lookup, Say
from flows.text import _


def has_word(answers: Mapping[str, Any]) -> str:
    return "word" if answers["me"]["word"] else "none"


my_data = Flow(
    "my_data",
    start="look",
    title=_("Qué saben de mí"),
    steps={
        "look": Lookup(MyData, save="mine", first=True, some="tell", none="nothing"),
        "tell": Say(_("Esto es lo que guardamos de usted, con clave:\n{mine.lines:lines}"), then="next"),
        "nothing": Say(
            _("Guardamos estos mensajes, con clave, para poder contestarle. No hay un perfil suyo."), then="next"
        ),
        "next": Choose(
            _("¿Qué quiere hacer?"),
            {
                "edit": Choice(_("Corregir"), "edit", also=_("cambiar, editar")),
                "erase": Choice(_("Borrar todo"), "erase", also=_("borrar, eliminar")),
                "back": Choice(_("Nada, volver"), END, also=_("nada, volver, gracias, ok, no")),
            },
        ),
        "edit": Call("edit_profile", END),
        "erase": Call("erase", END),
    },
)

erase = Flow(
    "erase",
    start="sure",
    title=_("Borrar mis datos"),
    steps={
        "sure": Choose(
            _(
                "Se borrará todo lo que guardamos de usted: mensajes, perfil y caso. No se puede deshacer. "
                "Los mensajes que ve en su teléfono debe borrarlos usted. ¿Borramos?"
            ),
            {
                "yes": Choice(_("Sí, borrar todo"), "erase", also=_("sí, si, borrar, confirmo, bórrelo")),
                "no": Choice(_("No borrar"), END, also=_("no, cancelar, mejor no")),
            },
        ),
        "erase": Do(EraseMe, then="done"),
        "done": Say(
            _("Listo. Borramos sus mensajes, su perfil y su caso. Si vuelve a escribir, empezamos de nuevo."),
            then=END,
        ),
    },
)

stop_notices = Flow(
    "stop_notices",
    start="stop",
    title=_("Dejar de recibir avisos"),
    steps={
        "stop": Do(StopNotices, then="done"),
        "done": Say(
            _(
                "Listo. No le enviaremos más avisos. Este chat y su caso siguen igual. "
                "Para recibirlos otra vez escriba: ALTA."
            ),
            then=END,
        ),
    },
)

resume_notices = Flow(
    "resume_notices",
    start="resume",
    title=_("Volver a recibir avisos"),
    steps={
        "resume": Do(ResumeNotices, then="done"),
        "done": Say(_("Listo. Le avisaremos otra vez. Para dejar de recibir avisos escriba: BAJA."), then=END),
    },
)

hide = Flow(
    "hide",
    start="lock",
    title=_("Ocultar"),
    steps={
        "lock": Do(Lock, then="neutral"),
        "neutral": Ask(
            _("Hola. Escriba cuando guste."), save="after", kind=kinds.anything, sorry=_("Escriba menú."), then=HOME
        ),
    },
)

unlock = Flow(
    "unlock",
    start="me",
    title=_("Abrir lo guardado"),
    steps={
        "me": Lookup(AboutMe, save="me", first=True, some="which", none="closed"),
        "which": Branch(has_word, {"word": "ask", "none": "closed"}),
        "ask": Ask(
            _("Escriba su palabra clave."),
            save="word",
            kind=kinds.key,
            sorry=_("Son de 4 a 30 letras o números."),
            then="try",
            skip="closed",
        ),
        "try": Lookup(RightWord, needs=("word",), save="right", first=True, some="open", none="wrong"),
        "open": Do(Unlock, then=END),
        "wrong": Choose(
            _("No es esa palabra."),
            {
                "again": Choice(_("Probar otra vez"), "ask", also=_("otra vez, sí, si")),
                "person": Choice(_("Hablar con alguien"), "person", also=_("persona, hablar con una persona")),
                "menu": Choice(_("Menú"), HOME, also=_("no, volver")),
            },
        ),
        "closed": Choose(
            _("Por seguridad, en este chat no mostramos datos guardados. Una persona puede ayudarle."),
            {
                "person": Choice(_("Hablar con alguien"), "person", also=_("persona, sí, hablar con una persona")),
                "menu": Choice(_("Menú"), HOME, also=_("no, volver, ok")),
            },
        ),
        "person": Call("person", HOME),
    },
)

key_word = Flow(
    "key_word",
    start="open",
    title=_("Poner palabra clave"),
    steps={
        # A private query: on a locked phone the old word comes first, or anybody could set a new one.
        "open": Lookup(MyProfile, save="profile", first=True, some="ask", none="ask"),
        "ask": Ask(
            _(
                "Si otras personas usan este teléfono, una palabra clave protege lo guardado después de escribir "
                "OCULTAR. Escriba una que recuerde, de 4 a 30 letras o números. No use su contraseña."
            ),
            save="word",
            kind=kinds.key,
            sorry=_("Por ejemplo, el nombre de una flor."),
            then="keep",
            skip=END,
        ),
        "keep": Do(KeepWord, needs=("word",), then="done"),
        "done": Say(_("Listo, guardada. Le conviene borrar ese mensaje de su teléfono."), then=END),
    },
)

FLOWS = (my_data, erase, stop_notices, resume_notices, hide, unlock, key_word)
