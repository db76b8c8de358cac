"""How parts make an outcome, how exceptions become findings, and what a message says."""

import time

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from labsupport.course import html
from labsupport.course.declare import Expectation, Finding, Outcome, holds, not_right, not_yet, raised
from labsupport.course.looking import looked
from labsupport.course.mishaps import finding_of
from labsupport.course.verdict import Part, Verdict, combined, words
from labsupport.course.world import GitRefused, NoClone, NotReadOnly
from labsupport.home import Unreachable

OK, GIVEN = Part("a", holds("x")), Part("b", holds("x"), given=True)
YET, WRONG = Part("c", not_yet("nothing", "make it")), Part("d", not_right("red", "look"))
RAISED, FAILED = Part("e", raised("boom", "mend")), Part("f", Finding(Outcome.LAB_FAILED, "down"))
YET_GIVEN = Part("g", not_yet("gone", "bring it back"), given=True)


@pytest.mark.parametrize(
    ("parts", "outcome"),
    [
        ([OK, OK], Outcome.PASSED),
        ([OK, GIVEN], Outcome.PASSED),
        ([YET, YET], Outcome.NOT_YET),
        ([GIVEN, YET], Outcome.NOT_YET),
        ([OK, YET], Outcome.NOT_RIGHT),
        ([OK, YET_GIVEN], Outcome.NOT_RIGHT),
        ([YET, WRONG], Outcome.NOT_RIGHT),
        ([OK, WRONG, RAISED], Outcome.RAISED),
        ([OK, WRONG, RAISED, FAILED], Outcome.LAB_FAILED),
        ([FAILED, OK], Outcome.LAB_FAILED),
    ],
)
def test_parts_make_one_outcome(parts, outcome):
    assert combined(parts) is outcome


def answered(code, message="", status=400):
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Get"
    )


@pytest.mark.parametrize(
    ("error", "outcome", "says"),
    [
        (answered("InternalFailure", "oops", 500), Outcome.LAB_FAILED, "The cloud failed at Get"),
        (answered("NotSimulated", "Get exists at AWS", 501), Outcome.LAB_FAILED, "Get exists at AWS"),
        (answered("AccessDenied", "learner is not authorized", 403), Outcome.NOT_RIGHT, "lab why"),
        (answered("InvalidClientTokenId", "no such key", 403), Outcome.LAB_FAILED, "list-access-keys"),
        (answered("RepositoryDoesNotExistException", "shop does not exist"), Outcome.NOT_YET, "shop does not exist"),
        (answered("NoSuchBucket", "The bucket does not exist", 404), Outcome.NOT_YET, "make it"),
        (answered("ValidationError", "Stack with id x does not exist"), Outcome.NOT_YET, "Stack with id x"),
        (answered("ValidationException", "bad"), Outcome.LAB_FAILED, "went wrong"),
        (EndpointConnectionError(endpoint_url="http://x"), Outcome.LAB_FAILED, "lab.start()"),
        (ReadTimeoutError(endpoint_url="http://x"), Outcome.LAB_FAILED, "lab.start()"),
        (Unreachable("No cloud runs on x."), Outcome.LAB_FAILED, "No cloud runs on x."),
        (NoClone("There is no clone of shop."), Outcome.NOT_YET, "There is no clone of shop."),
        (GitRefused("git log: no commits"), Outcome.NOT_YET, "no commits"),
        (NotReadOnly("s3:PutObject"), Outcome.LAB_FAILED, "s3:PutObject"),
        (KeyError("x"), Outcome.LAB_FAILED, "KeyError"),
        (ZeroDivisionError("division by zero"), Outcome.LAB_FAILED, "division by zero"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_exception_is_told_as_a_finding(error, outcome, says):
    found = finding_of(error)
    assert found.outcome is outcome
    assert says in f"{found.found} {found.next}"
    assert "Traceback" not in found.found
    if outcome is Outcome.LAB_FAILED:
        assert found.next


def test_the_words_name_what_was_expected_and_found_and_what_to_try():
    found = words(Verdict("x.1", "A thing", Outcome.NOT_RIGHT, (OK, WRONG, YET), "The disk is full."))
    assert found.splitlines() == [
        "✘ x.1 A thing: not right. 1 of 3 expectations hold.",
        "  ✔ a (x)",
        "  ✘ not right: d",
        "      found: red",
        "      next:  look",
        "  · not yet: c",
        "      found: nothing",
        "      next:  make it",
        "The disk is full.",
    ]


def test_html_says_the_same_and_obeys_nothing_in_it():
    part = Part("the `name` is <b>", not_right("<script>", "`aws x`"))
    shown = html.verdict(Verdict("x.1", "A thing", Outcome.NOT_RIGHT, (OK, part)))
    assert "<script>" not in shown
    assert "<code>name</code> is &lt;b&gt;" in shown
    assert "<code>aws x</code>" in shown
    assert "✘ Not right." in shown
    assert 'role="status"' in shown
    assert "<b>x</b>" not in html.markdown("<b>x</b>")


def look(function):
    return Expectation("it holds", function)


def test_a_look_that_hangs_ends_the_check_in_time():
    began = time.monotonic()
    release = __import__("threading").Event()
    parts = looked(
        [look(lambda _: holds("x")), look(lambda _: release.wait(30)), look(lambda _: holds("y"))], None, 0.2
    )
    release.set()
    assert time.monotonic() - began < 5
    assert [part.finding.outcome for part in parts] == [Outcome.PASSED, Outcome.LAB_FAILED, Outcome.LAB_FAILED]
    assert "0 seconds" in parts[1].finding.found


def test_a_look_that_gives_no_finding_is_the_labs_failure():
    (part,) = looked([look(lambda _: None)], None, 5)
    assert part.finding.outcome is Outcome.LAB_FAILED
    assert "gave NoneType" in part.finding.found
