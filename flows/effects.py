"""What a flow may want from the world: queries it waits for, and effects it leaves to be done.

Names and fields are stored (in the audit and in tests): changing one is a migration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar


class Query:
    """A question to the record, answered with rows. `private` ones say stored facts about the person."""

    __slots__ = ()
    private: ClassVar[bool] = False


class Effect:
    """Something to be done in the same transaction as the words that announce it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class AboutMe(Query):
    """What a flow must know to decide, never to say: consent, age band, notices, whether a key word is set."""


@dataclass(frozen=True, slots=True)
class MyData(Query):
    """Everything kept about the person, in lines they can read."""

    private: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class MyProfile(Query):
    """The person's profile answers, to ask only what is missing and to change one."""

    private: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class ShowProfile(Query):
    """One row with the profile in lines the person can read; shown right after they answered."""

    private: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class MyAnswers(Query):
    """One row a profile answer, to choose the one to change."""

    private: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class MyCase(Query):
    """The person's open case and how it goes."""

    private: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class RightWord(Query):
    """Whether the key word typed is the one the person chose; one row when it is."""

    word: str = ""


@dataclass(frozen=True, slots=True)
class FindServices(Query):
    """Services of one topic, those near the person's town first."""

    topic: str = ""
    town: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerQuestion(Query):
    """The one service that surely answers a question in the person's own words, with all that may be said."""

    question: str = ""


@dataclass(frozen=True, slots=True)
class SuggestServices(Query):
    """The few services a question may be about, when none is sure."""

    question: str = ""


@dataclass(frozen=True, slots=True)
class ShowService(Query):
    """One service with all that may be said of it, its source and date."""

    service: Any = None


@dataclass(frozen=True, slots=True)
class FindVacancies(Query):
    """Vacancies open now, nearest and closest to the person's trade first; never for a minor."""

    town: str | None = None
    trade: Any = None


@dataclass(frozen=True, slots=True)
class ShowVacancy(Query):
    """One vacancy with all that may be said of it."""

    vacancy: Any = None


@dataclass(frozen=True, slots=True)
class ShowFair(Query):
    """One job fair with all that may be said of it."""

    fair: Any = None


@dataclass(frozen=True, slots=True)
class FindFairs(Query):
    """Job fairs still to come, nearest first."""

    town: str | None = None


@dataclass(frozen=True, slots=True)
class JudgeOffer(Query):
    """One row: the label of a job offer somebody pasted, the reasons against it in words, and if it is abroad."""

    offer: str = ""


@dataclass(frozen=True, slots=True)
class FindCertificate(Query):
    """The certificate that fits a trade (an ISCO-08 code), as the directory tells of it; no row when none does."""

    trade: Any = None


@dataclass(frozen=True, slots=True)
class FindLines(Query):
    """One row: the emergency lines for a kind of danger, in the order they are to be shown."""

    danger: str = ""


@dataclass(frozen=True, slots=True)
class WhoAnswers(Query):
    """The office that would take this person's case, and when it answers."""

    town: str | None = None


@dataclass(frozen=True, slots=True)
class SetLanguage(Effect):
    """The language we write in; `spoken` is the one the person prefers where we have no words in it yet."""

    language: str
    spoken: str | None = None


@dataclass(frozen=True, slots=True)
class GiveConsent(Effect):
    """Yes to one purpose (profile, share, notices), with the version of the words that were shown."""

    purpose: str
    version: str


@dataclass(frozen=True, slots=True)
class WithdrawConsent(Effect):
    purpose: str


@dataclass(frozen=True, slots=True)
class Remember(Effect):
    """Keep one profile answer; without consent to a profile it is not kept."""

    field: str
    value: Any


@dataclass(frozen=True, slots=True)
class ForgetAnswer(Effect):
    """Take one profile answer out of the record."""

    field: str


@dataclass(frozen=True, slots=True)
class EraseMe(Effect):
    """Erase everything of ours about this person."""


@dataclass(frozen=True, slots=True)
class OpenCase(Effect):
    """Hand over to a person. Urgency R0–R3 (facts: case management, flags that trigger human handoff)."""

    reason: str
    urgency: str = "R3"
    topic: str | None = None
    town: str | None = None
    danger: str | None = None
    vacancy: str | None = None


@dataclass(frozen=True, slots=True)
class LeavePerson(Effect):
    """The person leaves the conversation with the case manager; the bot speaks again."""


@dataclass(frozen=True, slots=True)
class StopNotices(Effect):
    """No more notices. The case and the bot go on."""


@dataclass(frozen=True, slots=True)
class ResumeNotices(Effect):
    """Undo a stop; only where notices were consented to before."""


@dataclass(frozen=True, slots=True)
class FalseAlarm(Effect):
    """The person says it was no emergency; the case stays, staff see it."""


@dataclass(frozen=True, slots=True)
class Lock(Effect):
    """The panic word was said: what stands on the phone is taken back where the channel can."""


@dataclass(frozen=True, slots=True)
class Unlock(Effect):
    """The key word was right: stored facts may be said again."""


@dataclass(frozen=True, slots=True)
class KeepWord(Effect):
    """Set the key word that opens stored facts again."""

    word: str


@dataclass(frozen=True, slots=True)
class MarkMinor(Effect):
    """The person is, by what they said, under eighteen."""


@dataclass(frozen=True, slots=True)
class NoteUnanswered(Effect):
    """Words the bot could not make use of, for staff, without the person's identity.

    `kind` is what they should have been: service (a question), trade, place, or any message.
    """

    question: str
    kind: str = "service"
