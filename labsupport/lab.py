"""What a notebook imports: `from labsupport import lab`.

    lab.start("start")           begin here: the cloud, and the chapter's starting point
    lab.exercise("start.3")      the task as a card, with buttons
    lab.check("start.3")         is it done? what is missing?
    lab.hint("start.3")          one step further each time
    lab.solution("start.3")      shown and explained
    lab.reset("start")           the chapter from its starting point again
    lab.progress()               what you have done so far
    lab.quiz("start")            questions on the chapter
    lab.client("codecommit")     boto3's client
    lab.pipeline("shop")         a pipeline to watch
    lab.mailbox()                the mails that the cloud has sent
    lab.trail()                  who called what: CloudTrail's event history
    lab.why()                    the last refused call, explained
    lab.simulator()              who may do what, and why
    lab.map()                    the map of the course

`help(lab.check)` (in a notebook also `lab.check?`) tells more of each.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from labsupport import home
from labsupport.words import Words

# What takes long to import (boto3, IPython, ipywidgets, sqlite3) is imported by the function that needs it.


def start(chapter: str = "start") -> Any:
    """Begin a chapter: `lab.start("start")`. The first thing to run in a notebook, and always safe to run again.

    It attaches to the lab's cloud, or starts it; makes aws, git and boto3 in this notebook reach that cloud and nothing
    else (whatever AWS settings or real keys this machine has are left alone and unused); and brings the chapter's
    starting point about: what the exercises need is made if it is missing, and nothing that you made is undone.
    From then on commands run in the lab's folder `clones`.

    After a restart of the kernel, a crash of the cloud or a week away, run it again: everything is where it was.
    """
    from labsupport.course import starting

    return starting.started(home.folder(), chapter)


def exercise(name: str) -> Any:
    """The task of an exercise as a card: `lab.exercise("start.3")`.

    Its buttons do what `lab.check`, `lab.hint`, `lab.solution` and `lab.reset` do, and work while a cell is running.
    Where a notebook can't show buttons, the card says how to do the same by typing.
    """
    return _told(lambda: _card(name))


def _card(name: str) -> Any:
    from labsupport.course import engine
    from labsupport.course.card import Card

    made = Card(home.folder(), name)
    engine.note(home.folder(), "shown", name)
    return made


def check(name: str) -> Any:
    """Whether an exercise is done: `lab.check("start.3")`. In a terminal: `lab check start.3`.

    It looks at the cloud and at your clone, never at what you typed, so any way to the goal is right. It changes
    nothing. The answer is one of five: *passed*; *not yet* (nothing of it is there); *not right* (something is, and
    not as asked); *your code raised*; *the lab failed* (never counted against you). For each part it says what was
    expected, what was found, and what to try next.
    """
    from labsupport.course import engine

    return _told(lambda: engine.check(home.folder(), name))


def hint(name: str) -> Any:
    """The next hint of an exercise: `lab.hint("start.3")`. In a terminal: `lab hint start.3`.

    There are three, one step further each call: a nudge, the concept, almost there.
    """
    from labsupport.course import engine

    return _told(lambda: engine.hint(home.folder(), name).words())


def solution(name: str) -> Any:
    """The solutions of an exercise, each with why it is one: `lab.solution("start.3")`.

    It is never locked. That you looked is counted in your progress, for yourself: try it without later.
    """
    from labsupport.course import engine

    return _told(lambda: engine.solution(home.folder(), name))


def reset(chapter: str) -> Any:
    """A chapter from its starting point again: `lab.reset("start")`. In a terminal: `lab reset start`.

    What the chapter and its exercises made in the cloud goes; other chapters' work stays, and so does your progress.
    Your clones of it are moved aside, not deleted, and it says where they are.
    """
    from labsupport.course import starting

    return _told(lambda: starting.reset(home.folder(), chapter))


def progress() -> Any:
    """What you have done so far: the map of the course, and each exercise with its outcome, tries and hints.

    In a terminal: `lab progress`, and `lab progress export FILE` to hand it in or take it along.
    """
    from labsupport.course import overview

    return _told(lambda: overview.of(home.folder()))


def client(service: str, profile: str = home.PROFILE) -> Any:
    """boto3's client for a service, nothing else: `lab.client("codecommit").list_repositories()`.

    `profile` says as whom: `learner` (you), `root` (the account's root), `second` (a user of a second account), or one
    that you have added to the lab's own files with `aws configure --profile NAME`.
    """
    from labsupport.course.world import Here

    folder = home.folder()
    return Here(folder, home.running(folder).url).client(service, profile)


def clones(name: str) -> Path:
    """The folder of a clone of yours, kept beside the cloud's state and never touched by it."""
    folder = home.folder() / "clones" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def map(*done: str) -> Any:
    """The map of the course, with what you have seen at work marked; `done` marks other steps instead."""
    from labsupport.course import overview
    from labsupport.diagrams.course import course_map

    return course_map(done) if done else overview.drawn(home.folder())


def pipeline(name: str) -> Any:
    """A pipeline to look at: `.picture()` now, `.watch()` live, with buttons to start, approve and retry."""
    from labsupport.panels.pipeline import Watched

    return Watched(client, name)


def mailbox(to: str = "", about: str = "", newest: int | None = None) -> Any:
    """The mails that the cloud has sent, newest first: all, or those with `about` in the subject, or so many.

    In a notebook it stays up to date, and its buttons follow the links that confirm a subscription.
    """
    from labsupport import mailbox as messages
    from labsupport.panels.mailbox import mailbox as panel

    return panel(lambda: messages.messages(home.folder(), to), about, newest)


def trail(user: str = "", event: str = "", resource: str = "", errors: bool = False, reads: bool = False) -> Any:
    """CloudTrail's event history: who called what, on what, and how it ended. Calls that only read: `reads=True`."""
    from labsupport.panels.trail import Filters
    from labsupport.panels.trail import trail as panel

    return panel(client, Filters(user, event, resource, errors, reads))


def why() -> Any:
    """The last refused call: which policy, which statement, what would allow it."""
    from labsupport.panels.why import why as panel

    return panel(home.ask(home.folder(), "GET", "/_lab/why"))


def simulator(who: str = "") -> Any:
    """IAM's policy simulator: may a user or role do something, and why; and who else may.

    `lab.simulator("role/shop-build")` begins with that role. Choose an action and a resource, and press *May it?* for
    one or *Who may?* for all. Nothing is done: the question is only decided. What stands in the policies and has no
    effect (an action that AWS doesn't have, a resource that the action doesn't take) is shown beside.
    """
    from urllib.parse import quote

    from labsupport.panels.simulator import simulator as panel

    def warned(arn: str) -> Any:
        return home.ask(home.folder(), "GET", f"/_lab/warnings?arn={quote(arn, safe='')}")["warnings"]

    return panel(client, who, warned)


def quiz(chapter: str) -> Any:
    """The questions on a chapter: `lab.quiz("start")`. In a terminal: `lab quiz start`.

    Choose, then submit: every option is explained, right or wrong, and your score is kept. *Show me* runs an option
    against the cloud, so that you see it work or be refused.
    """
    from labsupport.course.quizcard import QuizCard

    return _told(lambda: QuizCard(home.folder(), chapter))


def _told(answer: Callable[[], Any]) -> Any:
    """The answer, or the sentence that says why there is none: a learner needs no traceback of ours."""
    try:
        return answer()
    except home.Trouble as problem:
        return Words(problem)
