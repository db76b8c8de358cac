"""The chapter `start`: one change goes all the way from a commit to an application that answers."""

from labsupport.course.chapters.start import (
    approval,
    broken,
    build,
    denied,
    deploy,
    mail,
    provision,
    push,
    repository,
    testing,
)
from labsupport.course.chapters.start.beginning import begin
from labsupport.course.chapters.start.ending import forget
from labsupport.course.chapters.start.questions import QUESTIONS
from labsupport.course.declare import Chapter

CHAPTER = Chapter(
    id="start",
    title="One push goes all the way",
    notebook="00-start.ipynb",
    begin=begin,
    forget=forget,
    clones=("shop", "stock"),
    exercises=(
        repository.EXERCISE,
        push.EXERCISE,
        build.EXERCISE,
        mail.EXERCISE,
        testing.EXERCISE,
        approval.EXERCISE,
        provision.EXERCISE,
        deploy.EXERCISE,
        denied.EXERCISE,
        broken.EXERCISE,
    ),
    questions=QUESTIONS,
)
