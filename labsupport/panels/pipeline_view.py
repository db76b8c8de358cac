"""A pipeline's panel: the picture, what stands out, and buttons for what can be done now."""

from labsupport.diagrams.dot import STATES
from labsupport.diagrams.pipeline import picture
from labsupport.panels.live import View, live
from labsupport.panels.markup import Markup, join, tag, void
from labsupport.panels.pipeline_acts import DEFAULT_REASON
from labsupport.panels.pipeline_seen import Approval, Failure, Log, Seen, Transition
from labsupport.panels.watching import Note

SHOWN = 8  # lines of a log where it is only text


def view(seen: Seen, note: Note) -> View:
    drawn = picture(seen.declared, seen.state)
    html = join(
        _head(seen),
        Markup(drawn._repr_html_()),
        tag("p", headline(seen), role="status", data_key="headline"),
        *[_approval(one) for one in seen.approvals],
        *[_failure(seen, one) for one in seen.failures],
        live(tag("p", note.said, role="status", data_key="said"), note.button(), _buttons(seen)),
        _log(seen.log) if seen.log else "",
        live(_transitions(seen.transitions)),
    )
    return View(html, _text(seen, str(drawn)))


def headline(seen: Seen) -> str:
    """The one thing to know now."""
    if seen.approvals:
        return f"☞ {' and '.join(one.action for one in seen.approvals)}: the pipeline waits for an answer."
    if seen.running:
        return f"● At work: {', '.join(seen.running)}."
    if seen.held:
        return "‖ The execution waits before a transition that is disabled."
    if not seen.status:
        return "· It has not run yet."
    return f"{STATES.get(seen.status, STATES[''])[0]} The newest execution: {seen.status}."


def _head(seen: Seen) -> Markup:
    run = f"execution {seen.execution[:8]}" if seen.execution else "no execution yet"
    what = f" · {seen.begun_by}" if seen.begun_by else ""
    quiet = tag("span", f" {run}{what}", class_="lab-quiet", style="font-weight: normal")
    return tag("h3", f"Pipeline {seen.declared['name']}", quiet)


def _approval(one: Approval) -> Markup:
    hidden = {"data_stage": one.stage, "data_action": one.action, "data_token": one.token}
    comment = f"comment-{one.token}"
    form = tag(
        "form",
        tag("label", "Comment ", void("input", id=comment, name="summary", size=32, maxlength=512)),
        tag("button", "✔ Approve", class_="lab-main", data_do="approve", type="submit", **hidden),
        tag("button", "✘ Reject", data_do="reject", type="button", **hidden),
        class_="lab-buttons",
        data_key=one.token,
    )
    asks = tag("p", tag("strong", f"{one.action} asks: "), one.asks or "May this go on?")
    return tag("div", asks, live(form), class_="lab-box lab-busy", data_key=f"approval {one.token}")


def _failure(seen: Seen, one: Failure) -> Markup:
    retry = tag(
        "button", f"↻ Retry stage {one.stage}", data_do="retry", data_stage=one.stage, data_execution=seen.execution
    )
    return tag(
        "div",
        tag("p", tag("strong", f"✘ {one.action} failed. "), one.message),
        live(tag("div", retry, class_="lab-buttons")),
        class_="lab-box lab-bad",
        data_key=f"failure {one.stage} {one.action}",
    )


def _log(log: Log) -> Markup:
    state = "at work" if log.running else f"{len(log.lines)} lines"
    lines = tag("pre", "\n".join(log.lines), class_="lab-log", tabindex=0, aria_label=f"Log of {log.action}")
    return tag("details", tag("summary", f"Log of {log.action} ({state})"), lines, data_key="log", open=log.running)


def _buttons(seen: Seen) -> Markup:
    stop = tag("button", "■ Stop the execution", data_do="stop", data_execution=seen.execution)
    begin = tag("button", "▶ Release change", data_do="start")
    return tag("div", begin, stop if seen.status == "InProgress" else "", class_="lab-buttons", data_key="buttons")


def _transitions(found: list[Transition]) -> Markup:
    shut = [one.stage for one in found if not one.enabled]
    words = f"Transitions (disabled into {', '.join(shut)})" if shut else "Transitions (all enabled)"
    rows = [_transition(one) for one in found]
    return tag("details", tag("summary", words), *rows, data_key="transitions") if found else Markup("")


def _transition(one: Transition) -> Markup:
    way = tag("span", f"{one.before} → {one.stage}: ", tag("strong", "✔ enabled" if one.enabled else "‖ disabled"))
    if one.enabled:
        reason = void("input", name="reason", size=24, maxlength=300, placeholder=DEFAULT_REASON)
        label = tag("label", "Reason ", reason)
        act = join(label, tag("button", f"Disable into {one.stage}", data_do="disable", data_stage=one.stage))
    else:
        act = join(
            tag("span", f"by {one.by}: {one.why}" if one.by else one.why, class_="lab-quiet"),
            tag("button", f"Enable into {one.stage}", data_do="enable", data_stage=one.stage),
        )
    return tag("form", way, act, class_="lab-buttons", data_key=f"into {one.stage}")


def _text(seen: Seen, drawn: str) -> str:
    lines = [drawn, headline(seen)]
    if seen.log and seen.log.lines:
        lines += [f"Log of {seen.log.action}:", *[f"    {line}" for line in seen.log.lines[-SHOWN:]]]
    return "\n".join(lines)
