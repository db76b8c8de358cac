"""The chapter `guard`: who may do what, with which key, and why a call is refused."""

from labsupport.course.chapters.guard import boundary, deputy, keys, least, mfa, partner, people, refused, sealing
from labsupport.course.chapters.guard.beginning import begin
from labsupport.course.chapters.guard.ending import forget
from labsupport.course.chapters.guard.questions_access import QUESTIONS as ACCESS
from labsupport.course.chapters.guard.questions_keys import QUESTIONS as KEYS
from labsupport.course.declare import Chapter

CHAPTER = Chapter(
    id="guard",
    title="Who may do what, and with which key",
    notebook="07-guard.ipynb",
    begin=begin,
    forget=forget,
    clones=(),
    exercises=(
        people.JOIN,
        people.PROTECT,
        boundary.EXERCISE,
        mfa.EXERCISE,
        partner.EXERCISE,
        sealing.SECRET,
        sealing.ENVELOPE,
        keys.GRANT,
        keys.DISABLED,
        least.EXERCISE,
        deputy.EXERCISE,
        refused.EXERCISE,
    ),
    questions=ACCESS + KEYS,
)
