"""The first minute: language, who the bot is and is not, and what may be kept."""

from collections.abc import Mapping
from typing import Any

from flows.conversations.services import ABOUT_SERVICE
from flows.effects import AboutMe, AnswerQuestion, GiveConsent, SetLanguage, WithdrawConsent
from flows.steps import END, HOME, Branch, Call, Choice, Choose, Do, Flow, Lookup, Say
from flows.text import _

CONSENT_VERSION = "2026-11"
"""Changes with every change to the words of the consent questions; stored with each yes."""


def asked_first(answers: Mapping[str, Any]) -> str:
    """Whether the first message already said what the person needs."""
    return "asked" if answers.get("question") else "silent"


def known(answers: Mapping[str, Any]) -> str:
    """Whether this person has already answered about keeping a profile."""
    return "answered" if answers["me"]["asked_profile"] else "new"


welcome = Flow(
    "welcome",
    start="language",
    title=_("Bienvenida"),
    takes=("question",),
    steps={
        "language": Call("language", "who"),
        "who": Call("who", "me"),
        "me": Lookup(AboutMe, save="me", first=True, some="known", none="first"),
        "known": Branch(known, {"answered": HOME, "new": "first"}),
        "first": Branch(asked_first, {"asked": "look", "silent": "consent"}),
        "look": Lookup(AnswerQuestion, needs=("question",), save="service", first=True, some="tell", none="consent"),
        "tell": Say(_("Sobre lo que preguntó:"), *ABOUT_SERVICE, then="consent"),
        "consent": Call("consent", HOME),
    },
)

language = Flow(
    "language",
    start="which",
    title=_("Idioma"),
    steps={
        "which": Choose(
            _("Hola. ¿En qué idioma prefiere hablar?\nHello. Which language do you prefer?"),
            {
                "es": Choice(_("Español"), "spanish", also=_("castellano, spanish, en español")),
                "en": Choice(_("English"), "english", also=_("inglés, ingles, in english, en inglés")),
                "other": Choice(_("Otro idioma / Other"), "other", also=_("idioma maya, lengua, otro, maya, other")),
            },
        ),
        "spanish": Do(SetLanguage, given={"language": "es"}, then=END),
        "english": Do(SetLanguage, given={"language": "en"}, then=END),
        "other": Choose(
            _("¿Cuál es su idioma?"),
            {
                "quc": Choice(_("K'iche'"), "no_words", also=_("quiche, kiche")),
                "kek": Choice(_("Q'eqchi'"), "no_words", also=_("qeqchi, kekchi, keqchi")),
                "cak": Choice(_("Kaqchikel"), "no_words", also=_("cakchiquel, kakchikel")),
                "mam": Choice(_("Mam"), "no_words"),
                "ixl": Choice(_("Ixil"), "no_words"),
                "kjb": Choice(_("Q'anjob'al"), "no_words", also=_("kanjobal, qanjobal")),
                "none": Choice(_("Otro idioma"), "no_words", also=_("otro")),
            },
            save="spoken",
        ),
        "no_words": Do(SetLanguage, needs=("spoken",), given={"language": "es"}, then="offer"),
        "offer": Choose(
            _("Todavía no tenemos este programa en su idioma. Podemos comunicarle con una persona."),
            {
                "person": Choice(_("Hablar con alguien"), "person", also=_("persona, hablar con una persona, sí")),
                "spanish": Choice(_("Seguir en español"), END, also=_("español, seguir, continuar, no")),
            },
        ),
        "person": Call("person", END),
    },
    keeps=("language", "spoken"),
)

who = Flow(
    "who",
    start="hello",
    title=_("Quién es este programa"),
    steps={
        "hello": Say(
            _(
                "Soy Puente, un programa que da información a personas que regresaron a Guatemala. "
                "No soy una persona. No soy Migración ni la policía."
            ),
            _("Usar este chat es gratis y voluntario. No tiene que dar su nombre ni su número de DPI."),
            _("En cualquier momento puede escribir PERSONA, MENÚ u OCULTAR."),
            then=END,
        ),
    },
)

trust = Flow(
    "trust",
    start="honest",
    title=_("¿Es de confianza?"),
    steps={
        "honest": Say(
            _("Es bueno preguntar. Soy un programa automático de información. No soy Migración ni la policía."),
            _(
                "Nadie le va a cobrar por usar este chat. Nunca le pediré dinero, su número de DPI, cuentas ni contraseñas."
            ),
            _(
                "Lo que usted escribe se guarda con clave. WhatsApp o Telegram también ven los mensajes. "
                "Puede escribir MIS DATOS para ver lo guardado, o BORRAR MIS DATOS."
            ),
            _("Si pregunta por una oferta de trabajo, péguela aquí y le digo qué averiguar."),
            then=END,
        ),
    },
)

consent = Flow(
    "consent",
    start="profile",
    title=_("Permiso para guardar datos"),
    steps={
        "profile": Choose(
            _(
                "¿Nos da permiso de guardar lo que nos cuente, como su municipio y su oficio? Sirve para buscarle "
                "servicios y trabajo, y para que una persona le pueda ayudar. Si dice que no, el chat funciona igual."
            ),
            {
                "yes": Choice(
                    _("Sí, guardar"), "yes", also=_("sí, si, claro, está bien, de acuerdo, ok, dale, guardar")
                ),
                "no": Choice(_("No guardar"), "no", also=_("no, ahorita no, mejor no, no quiero")),
            },
        ),
        "yes": Do(GiveConsent, given={"purpose": "profile", "version": CONSENT_VERSION}, then="kept"),
        "kept": Say(
            _("Gracias. Puede verlo, cambiarlo o borrarlo cuando quiera: escriba MIS DATOS."), then="notices"
        ),
        "notices": Choose(
            _("¿Quiere que le avisemos de empleos y ferias que le queden bien? Como máximo dos avisos por semana."),
            {
                "yes": Choice(_("Sí, avísenme"), "notify", also=_("sí, si, claro, ok, dale, avisar")),
                "no": Choice(_("No, gracias"), END, also=_("no, ahorita no, mejor no")),
            },
        ),
        "notify": Do(GiveConsent, given={"purpose": "notices", "version": CONSENT_VERSION}, then=END),
        "no": Do(WithdrawConsent, given={"purpose": "profile"}, then="respected"),
        "respected": Say(_("Está bien. No guardamos un perfil. Puede preguntar lo que necesite."), then=END),
    },
)

FLOWS = (welcome, language, who, trust, consent)
