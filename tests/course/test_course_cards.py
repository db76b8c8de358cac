"""Cards and quizzes in a notebook: what they show, what their buttons do, and what is left of them without a kernel."""

import html.parser
import re

import pytest

from labsupport import lab as learner
from labsupport.course import engine, registry
from labsupport.course.card import Card
from labsupport.course.quiz import LETTERS
from labsupport.course.quizcard import QuizCard
from labsupport.panels.live import still


@pytest.fixture(autouse=True)
def _in_the_lab(lab, monkeypatch):
    monkeypatch.setenv("LAB_HOME", str(lab.folder))


@pytest.fixture
def card(lab):
    engine.begin(lab.folder, registry.chapter("tiny"), lab.url)
    lab.colour()
    return Card(lab.folder, "tiny.1")


class Reader(html.parser.HTMLParser):
    """What somebody reads, the buttons, and whether every element is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.buttons = [], [], []
        self.feed(text)
        assert self.open == [], "an element is not closed"

    def handle_starttag(self, tag, attributes):
        if tag not in ("input", "br", "hr"):
            self.open.append(tag)
        if tag == "button":
            self.buttons.append(dict(attributes)["data-do"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def words(view):
    return re.sub(r"\s+", " ", "".join(Reader(view.html).text))


def test_a_card_has_the_task_the_objectives_and_its_buttons(card):
    view = card._panel.view
    assert Reader(view.html).buttons == ["check", "hint", "solution", "reset"]
    assert "<code>blue</code>" in view.html
    assert "DVA-C02 1.1" in words(view)
    assert 'lab.check("tiny.1")' in repr(card)


def test_without_a_kernel_the_last_answer_stays_and_no_dead_button(card):
    view = card._pressed("check", {})
    kept = still(view.html)
    assert Reader(kept).buttons == []
    assert "There is no parameter of that name." in kept
    assert "Keep the value" in kept


def test_check_hint_and_solution_are_what_typing_them_gives(card, lab):
    before = engine.stand(lab.folder).of("tiny.1")
    said = words(card._pressed("check", {}))
    assert "Not yet." in said
    assert "aws ssm get-parameter --name /tiny/colour" in said
    assert "Hint 1 of 3 (a nudge)" in words(card._pressed("hint", {}))
    assert "Hint 2 of 3 (the concept)" in words(card._pressed("hint", {}))
    assert "A solution with the AWS CLI" in words(card._pressed("solution", {}))
    lab.colour("blue")
    view = card._pressed("check", {})
    assert "✔ Passed." in words(view)
    assert "✔ passed · DVA-C02 1.1" in words(view)
    assert "✔ the parameter" in view.text
    after = engine.stand(lab.folder).of("tiny.1")
    assert (after.tries - before.tries, after.hints, after.solutions) == (2, 2, 1)


def test_the_chapter_can_be_reset_from_a_card(card, lab):
    lab.colour("blue")
    assert "at its starting point again" in words(card._pressed("reset", {}))
    assert "Not yet." in words(card._pressed("check", {}))


def test_trouble_is_told_on_the_card(card, monkeypatch):
    def down(*_):
        raise engine.home.Unreachable("No cloud runs.")

    monkeypatch.setattr(engine.home, "running", down)
    assert "No cloud runs." in words(card._pressed("reset", {}))
    assert "The lab failed." in words(card._pressed("check", {}))


def test_only_known_buttons_do_something(card):
    with pytest.raises(ValueError, match="no button 'x'"):
        card._pressed("x", {})


def test_what_a_notebook_gets(card, lab):
    shown = learner.exercise("tiny.1")
    assert isinstance(shown, Card)
    assert engine.stand(lab.folder).of("tiny.1").first is not None
    assert isinstance(learner.quiz("tiny"), QuizCard)
    assert "There is no chapter" in learner.quiz("nope")


@pytest.fixture
def quiz(lab):
    return QuizCard(lab.folder, "tiny")


def at(question, text):
    """The number of an option: they stand in another order than the one they are written in."""
    asked = next(one for one in registry.chapter("tiny").questions if one.id == question)
    return str(next(number for number, one in enumerate(asked.options) if one.text == text))


@pytest.fixture
def right(lab):
    return at("tiny-q1", "`/tiny/a`")


@pytest.fixture
def wrong(lab):
    return at("tiny-q1", "`aws/a`")


def test_a_question_is_explained_only_after_it_was_answered(quiz, right, wrong):
    assert "A path is allowed." not in quiz._panel.view.html
    assert Reader(quiz._panel.view.html).buttons == ["answer", "answer"]
    view = quiz._pressed("answer", {"question": "tiny-q1", "one": wrong})
    assert "✘ Not right." in words(view)
    assert "✘ wrong, chosen: Names may not begin with aws." in words(view)
    assert "✔ right: A path is allowed." in words(view)
    assert Reader(view.html).buttons == ["show", "show", "answer", "answer"]
    assert f"{LETTERS[int(wrong)]}  ✘ wrong, and chosen" in view.text
    view = quiz._pressed("answer", {"question": "tiny-q1", "one": right})
    assert "✔ Right." in words(view)


def test_several_answers_are_counted_only_when_as_many_are_chosen(quiz, lab):
    plain, several = (f"box{at('tiny-q2', text)}" for text in ("String", "StringList"))
    before = engine.stand(lab.folder).answered("tiny-q2").times
    assert "You have chosen 1; nothing was counted." in words(
        quiz._pressed("answer", {"question": "tiny-q2", plain: "on"})
    )
    assert engine.stand(lab.folder).answered("tiny-q2").times == before
    said = words(quiz._pressed("answer", {"question": "tiny-q2", plain: "on", several: "on"}))
    assert "✔ Right." in said
    assert "nothing was counted" not in said
    assert engine.stand(lab.folder).answered("tiny-q2").right


def test_an_option_is_seen_at_work(quiz, right, wrong):
    quiz._pressed("answer", {"question": "tiny-q1", "one": right})
    said = words(quiz._pressed("show", {"question": "tiny-q1", "option": wrong}))
    assert "No access to reserved parameter name" in said
    assert "It was refused, as the explanation says." in said
    assert "It worked, as the explanation says." in words(
        quiz._pressed("show", {"question": "tiny-q1", "option": right})
    )
    assert "can't be run" in words(quiz._pressed("show", {"question": "tiny-q2", "option": "0"}))


def test_a_saved_quiz_has_no_dead_fields(quiz, right):
    view = quiz._pressed("answer", {"question": "tiny-q1", "one": right})
    kept = still(view.html)
    assert "<input" not in kept
    assert Reader(kept).buttons == []
    assert "A path is allowed." in kept
