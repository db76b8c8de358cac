"""CloudTrail's event history as a panel: who called what, on what, and how it ended; with filters."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from labsupport.panels.live import View, live
from labsupport.panels.markup import Markup, join, tag, void
from labsupport.panels.watching import Note, Watch

LEAST = 2.0  # seconds between looks: AWS allows LookupEvents twice a second
PAGES = 4  # of 50 events each that are looked through
SHOWN = 25
OWN = "LookupEvents"  # each look of this panel is an event too, and would be all that is seen


@dataclass(frozen=True, slots=True)
class Filters:
    """What to show. `reads`: calls that change nothing too."""

    user: str = ""
    event: str = ""
    resource: str = ""
    errors: bool = False
    reads: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """An event of the history. `record` is CloudTrail's whole record."""

    id: str
    time: str
    user: str
    event: str
    resource: str
    error: str
    record: str


@dataclass(frozen=True, slots=True)
class Seen:
    filters: Filters
    rows: tuple[Row, ...]


def trail(client: Callable[[str], Any], filters: Filters) -> Watch[Seen]:
    """The newest events that pass the filters; the panel's form changes them."""
    now = [filters]

    def look() -> Seen:
        chosen = now[0]
        return Seen(chosen, tuple(rows(client("cloudtrail"), chosen)))

    def act(what: str, fields: dict[str, str]) -> str:
        now[0] = chosen(now[0], fields)
        return ""

    return Watch("trail", look, view, act, least=LEAST)


def chosen(before: Filters, fields: dict[str, str]) -> Filters:
    """A form tells a box that is not ticked by leaving it out."""
    text = {name: fields.get(name, "").strip() for name in ("user", "event", "resource")}
    return replace(before, **text, errors="errors" in fields, reads="reads" in fields)


def rows(cloudtrail: Any, filters: Filters) -> list[Row]:
    """LookupEvents takes one attribute: the rest is sifted here."""
    found: list[Row] = []
    more = _attribute(filters)
    for _ in range(PAGES):
        answer = cloudtrail.lookup_events(**more)
        found += [row for row in map(_row, answer["Events"]) if _passes(row, filters)]
        if len(found) >= SHOWN or not answer.get("NextToken"):
            break
        more = {**more, "NextToken": answer["NextToken"]}
    return found[:SHOWN]


def _attribute(filters: Filters) -> dict[str, Any]:
    wanted = (
        ("ResourceName", filters.resource),
        ("EventName", filters.event),
        ("Username", filters.user),
        ("ReadOnly", "" if filters.reads or filters.errors else "false"),
    )
    key, value = next(((key, value) for key, value in wanted if value), ("", ""))
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]} if key else {}


def _row(event: dict[str, Any]) -> Row:
    record = json.loads(event["CloudTrailEvent"])
    identity = record.get("userIdentity", {})
    return Row(
        event["EventId"],
        event["EventTime"].astimezone().strftime("%H:%M:%S"),
        event.get("Username") or identity.get("invokedBy") or identity.get("arn", ""),
        f"{event['EventSource'].partition('.')[0]}:{event['EventName']}",
        ", ".join(one["ResourceName"].split(":", 5)[-1] for one in event.get("Resources", [])),
        ": ".join(filter(None, [record.get("errorCode", ""), record.get("errorMessage", "")])),
        json.dumps(record, indent=2),
    )


def _passes(row: Row, filters: Filters) -> bool:
    """Calls that changed nothing are shown where they are asked for: as such, as errors, or by their name."""
    name = row.event.partition(":")[2]
    read = json.loads(row.record).get("readOnly", False)
    return (
        (name != OWN or filters.event == OWN)
        and filters.user in ("", row.user)
        and filters.event in ("", name)
        and (not filters.errors or bool(row.error))
        and (filters.reads or filters.errors or bool(filters.event) or not read)
    )


def view(seen: Seen, note: Note) -> View:
    head = tag("span", " who called what, newest first", class_="lab-quiet", style="font-weight: normal")
    html = join(
        tag("h3", "CloudTrail: event history", head),
        live(_form(seen.filters), tag("p", note.said, role="status", data_key="said"), note.button()),
        tag("p", _words(seen), class_="lab-quiet", role="status", data_key="count"),
        tag("div", _table(seen.rows), class_="lab-wide") if seen.rows else "",
    )
    return View(html, "\n".join([_words(seen), *map(_line, seen.rows)]))


def _form(filters: Filters) -> Markup:
    texts = [
        tag("label", label, void("input", name=name, value=getattr(filters, name), size=size))
        for name, label, size in (("user", "User ", 12), ("event", "Event name ", 20), ("resource", "Resource ", 20))
    ]
    boxes = [
        tag("label", void("input", type="checkbox", name=name, value="1", checked=getattr(filters, name)), label)
        for name, label in (("errors", "errors only"), ("reads", "reads too"))
    ]
    button = tag("button", "Look up", class_="lab-main", data_do="filter", type="submit")
    return tag("form", *texts, *boxes, button, class_="lab-buttons", data_key="filters")


def _words(seen: Seen) -> str:
    told = [f"{name}: {value}" for name, value in asdict(seen.filters).items() if value and value is not True]
    told += ["errors only"] * seen.filters.errors + ["reads too"] * seen.filters.reads
    count = f"{len(seen.rows)} event{'s' * (len(seen.rows) != 1)}"
    return f"{count} ({', '.join(told) or 'changes only'})"


def _table(found: tuple[Row, ...]) -> Markup:
    head = tag("tr", *[tag("th", one, scope="col") for one in ("Time", "User", "Event", "Resource", "Outcome")])
    return tag("table", head, *map(_shown, found), class_="lab-table")


def _shown(row: Row) -> Markup:
    outcome = f"✘ {row.error}" if row.error else "✔"
    record = tag("details", tag("summary", row.event), tag("pre", row.record, class_="lab-text", tabindex=0))
    cells = [row.time, row.user, record, row.resource, outcome]
    return tag("tr", *[tag("td", cell) for cell in cells], data_key=row.id)


def _line(row: Row) -> str:
    return f"{row.time}  {row.user:16} {row.event:36} {row.resource}  {f'✘ {row.error}' if row.error else '✔'}"
