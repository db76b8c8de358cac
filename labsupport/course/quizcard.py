"""A chapter's questions in a notebook: choose, submit, read why, and see an option at work."""

from html import escape
from pathlib import Path

from labsupport import home
from labsupport.course import html, quiz, registry
from labsupport.course.declare import Option, Question
from labsupport.course.quiz import LETTERS, Demonstration, Marked
from labsupport.panels.live import Panel, View, live
from labsupport.panels.markup import Markup, join, tag, void

Fields = dict[str, str]


class QuizCard:
    """What `lab.quiz` gives. It remembers what was answered in this place; the score is kept in the progress."""

    def __init__(self, folder: Path, chapter: str) -> None:
        self.folder, self.chapter = folder, registry.chapter(chapter)
        self.answers: dict[str, Marked] = {}
        self.told: dict[str, str | Demonstration] = {}
        self._panel = Panel(self.view(), self._pressed)

    def _ipython_display_(self) -> None:
        self._panel.show()

    def __repr__(self) -> str:
        return self._panel.view.text

    def _pressed(self, what: str, fields: Fields) -> View:
        question = next(one for one in self.chapter.questions if one.id == fields["question"])
        try:
            (self._answer if what == "answer" else self._show)(question, fields)
        except home.Trouble as problem:
            self.told[question.id] = str(problem)
        return self.view()

    def _answer(self, question: Question, fields: Fields) -> None:
        chosen = chosen_in(question, fields)
        wanted = len(quiz.right(question))
        if len(chosen) != wanted:
            self.told[question.id] = f"{quiz.how_many(question)} You have chosen {len(chosen)}; nothing was counted."
            return
        self.told.pop(question.id, None)
        self.answers[question.id] = quiz.marked(self.folder, question, chosen)

    def _show(self, question: Question, fields: Fields) -> None:
        self.told[question.id] = quiz.shown(self.folder, question, int(fields["option"]))

    def view(self) -> View:
        """All questions as they are now."""
        asked, score = self.chapter.questions, quiz.score(self.folder, self.chapter.questions)
        forms = [self._question(one, f"Question {number} of {len(asked)}") for number, one in enumerate(asked, 1)]
        head = join(tag("h3", f"Questions on {self.chapter.title}"), tag("p", score, role="status"))
        texts = [self._words(one, number) for number, one in enumerate(asked, 1)]
        typed = f"In a terminal: lab quiz {self.chapter.id}"
        return View(join(head, *forms), "\n\n".join([f"{self.chapter.title}: {score}", *texts, typed]))

    def _words(self, question: Question, number: int) -> str:
        words = quiz.question_words(question, number, len(self.chapter.questions))
        found = self.answers.get(question.id)
        return f"{words}\n{quiz.explained(found)}" if found else words

    def _question(self, question: Question, title: str) -> Markup:
        found = self.answers.get(question.id)
        rows = [_option(question, number, found) for number in range(len(question.options))]
        submit = tag("button", "Submit", data_do="answer", data_question=question.id, class_="lab-main", type="button")
        return tag(
            "form",
            tag("h4", title),
            Markup(html.markdown(question.text)),
            tag("p", quiz.how_many(question), class_="lab-quiet"),
            *rows,
            live(tag("div", submit, class_="lab-buttons")),
            tag("div", _told(found, self.told.get(question.id)), role="status"),
            class_="lab-box",
            data_key=question.id,
            aria_label=title,
        )


def chosen_in(question: Question, fields: Fields) -> set[int]:
    """The options that a form's fields name: a radio button's one, or each ticked box."""
    return {
        number
        for number in range(len(question.options))
        if fields.get("one") == str(number) or f"box{number}" in fields
    }


def _option(question: Question, number: int, found: Marked | None) -> Markup:
    option = question.options[number]
    single = len(quiz.right(question)) == 1
    named = {"name": "one", "value": str(number)} if single else {"name": f"box{number}"}
    letter = f"{LETTERS[number]} "
    box = live(void("input", type="radio" if single else "checkbox", **named), " ")
    why = join(_why(option, number, found), _show_me(question, number)) if found else ""
    return tag(
        "div", tag("label", box, tag("strong", letter), Markup(html.inline(option.text))), why, class_="lab-option",
        data_key=f"o{number}",
    )  # fmt: skip


def _why(option: Option, number: int, found: Marked) -> Markup:
    mark = "✔ right" if option.right else "✘ wrong"
    chosen = ", chosen" if number in found.chosen else ""
    state = "lab-good" if option.right else "lab-bad"
    return tag("div", tag("strong", f"{mark}{chosen}: "), Markup(html.inline(option.why)), class_=f"lab-box {state}")


def _show_me(question: Question, number: int) -> Markup:
    if question.options[number].proof is None:
        return Markup()
    words = f"Show me {LETTERS[number]}"
    return live(tag("button", words, data_do="show", data_question=question.id, data_option=str(number), type="button"))


def _told(found: Marked | None, more: str | Demonstration | None) -> Markup:
    """What came of the newest press."""
    first = tag("p", tag("strong", "✔ Right." if found.right else "✘ Not right."), f" {found.note}") if found else ""
    if isinstance(more, Demonstration):
        output = more.output.strip() or "(no output)"
        ran = Markup(f"<pre>{escape(more.code.strip())}</pre><pre class='lab-log'>{escape(output)}</pre>")
        return join(first, ran, tag("p", more.sentence()))
    return join(first, tag("p", more) if more else "")
