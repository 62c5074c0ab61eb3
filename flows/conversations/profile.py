"""The profile: what helps to find services and work, asked once, skippable, and changed one answer at a time."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flows.conversations.questions import QUESTIONS, trade
from flows.effects import AboutMe, FindCertificate, MarkMinor, MyAnswers, MyProfile, ShowProfile
from flows.steps import END, HOME, Branch, Call, Choice, Choose, Do, Flow, Lookup, Pick, Say, Step
from flows.text import _

FIRST = ("town", "since", "need", "age", "trade")
REST = tuple(field for field in QUESTIONS if field not in FIRST)


def has(field: str, answers: Mapping[str, Any]) -> str:
    """Whether this answer is already there, from now or from an earlier day."""
    kept = answers.get("profile") or {}
    return "known" if field in answers or field in kept else "ask"


def consented(answers: Mapping[str, Any]) -> str:
    return "yes" if answers["me"]["profile"] else "no"


def grown_up(answers: Mapping[str, Any]) -> str:
    return "minor" if answers.get("age") == "under_18" else "adult"


def chosen(answers: Mapping[str, Any]) -> str:
    return str(answers["field"]["id"])


def _asking(fields: tuple[str, ...], then: str) -> dict[str, Step]:
    """For each field: ask it unless it is known, then the next one; a trade is followed by its certificate."""
    steps: dict[str, Step] = {}
    for field, following in zip(fields, (*fields[1:], None), strict=True):
        onward = then if following is None else f"has_{following}"
        decide: Callable[[Mapping[str, Any]], str] = partial(has, field)
        steps[f"has_{field}"] = Branch(decide, {"known": onward, "ask": field})
        steps[field] = QUESTIONS[field]("check_age" if field == "age" else onward)
        if field == "trade":
            steps |= _trade_and_certificate(onward)
    if "age" in fields:
        steps["check_age"] = Branch(grown_up, {"minor": "mark_minor", "adult": "has_trade"})
    return steps


def _trade_and_certificate(onward: str) -> dict[str, Step]:
    """The trade, and without a question more, where what the person knows can be certified."""
    return {
        "trade": trade("certificate", skip=onward),
        "certificate": Lookup(
            FindCertificate, needs=("trade",), save="certificate", first=True, some="certify", none=onward
        ),
        "certify": Say(CERTIFICATE, then=onward),
    }


CERTIFICATE = _(
    "Para certificar lo que sabe: {certificate.name}, {certificate.institution}. {certificate.fact} "
    "Fuente: {certificate.source}, {certificate.source_date:day}."
)
"""The certificate as one line, in the words of its record."""

profile = Flow(
    "profile",
    start="me",
    title=_("Mi perfil"),
    remembers=tuple(QUESTIONS),
    steps={
        "me": Lookup(AboutMe, save="me", first=True, some="may", none="consent"),
        "may": Branch(consented, {"yes": "known", "no": "consent"}),
        "consent": Call("consent", "me_again"),
        "me_again": Lookup(AboutMe, save="me", first=True, some="may_now", none="without"),
        "may_now": Branch(consented, {"yes": "known", "no": "without"}),
        "without": Choose(
            _("Sin su permiso no guardamos un perfil. Puede preguntar lo que necesite, o hablar con una persona."),
            {
                "person": Choice(_("Hablar con alguien"), "person", also=_("persona, hablar con una persona")),
                "menu": Choice(_("Menú"), HOME, also=_("no, volver")),
            },
        ),
        "known": Lookup(MyProfile, save="profile", first=True, some="intro", none="intro"),
        "intro": Say(_("Le haré unas preguntas cortas. Puede decir que prefiere no contestar."), then="has_town"),
        **_asking(FIRST, then="go_on"),
        "mark_minor": Do(MarkMinor, then="minors"),
        "minors": Call("minors", HOME),
        "go_on": Choose(
            _("Con eso ya podemos ayudarle. ¿Sigue con unas preguntas más, o lo deja para después?"),
            {
                "go_on": Choice(_("Seguir"), "has_learnt", also=_("sí, si, ok, dale, sigamos, continuar")),
                "later": Choice(_("Después"), "summary", also=_("no, más tarde, luego")),
            },
        ),
        **_asking(REST, then="summary"),
        "summary": Lookup(ShowProfile, save="shown", first=True, some="told", none="told"),
        "told": Say(_("Gracias. Esto es lo que nos contó:\n{shown.lines:lines}"), then="next"),
        "next": Choose(
            _("¿Qué quiere hacer ahora?"),
            {
                "vacancies": Choice(_("Ver empleos"), "vacancies", also=_("empleos, trabajo, vacantes")),
                "edit": Choice(_("Cambiar algo"), "edit", also=_("corregir, cambiar, editar")),
                "menu": Choice(_("Menú"), HOME, also=_("nada, listo, ya")),
            },
        ),
        "vacancies": Call("vacancies", END),
        "edit": Call("edit_profile", END),
        "person": Call("person", END),
    },
)

edit_profile = Flow(
    "edit_profile",
    start="look",
    title=_("Cambiar mi perfil"),
    remembers=tuple(QUESTIONS),
    steps={
        "look": Lookup(MyAnswers, save="fields", some="which", none="empty"),
        "empty": Say(_("Todavía no hay respuestas guardadas. Empecemos."), then="fill"),
        "fill": Call("profile", END),
        "which": Pick(
            _("¿Qué quiere cambiar?"),
            "fields",
            save="field",
            then="field",
            options={"menu": Choice(_("Menú"), HOME, also=_("nada, volver"))},
        ),
        "field": Branch(chosen, {field: field for field in QUESTIONS}),
        **{field: question("check" if field == "age" else "changed") for field, question in QUESTIONS.items()},
        **_trade_and_certificate("changed"),
        "check": Branch(grown_up, {"minor": "mark_minor", "adult": "changed"}),
        "mark_minor": Do(MarkMinor, then="minors"),
        "minors": Call("minors", HOME),
        "changed": Say(_("Listo, cambiado."), then=END),
    },
)

FLOWS = (profile, edit_profile)
