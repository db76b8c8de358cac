"""Schedule expressions: when a rule's next event is due."""

from datetime import UTC, datetime

import pytest

from labsupport.cloud.services.events.schedule import next_time

START = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)  # a Saturday


def after(expression: str, start: datetime = START) -> str | None:
    found = next_time(expression, start.timestamp())
    return None if found is None else datetime.fromtimestamp(found, UTC).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("rate(1 minute)", "2026-03-14 09:27:53"),
        ("rate(5 minutes)", "2026-03-14 09:31:53"),
        ("rate(1 hour)", "2026-03-14 10:26:53"),
        ("rate(7 days)", "2026-03-21 09:26:53"),
        ("rate( 2  days )", "2026-03-16 09:26:53"),
        ("cron(0 10 * * ? *)", "2026-03-14 10:00:00"),
        ("cron(0 9 * * ? *)", "2026-03-15 09:00:00"),
        ("cron(15 12 * * ? *)", "2026-03-14 12:15:00"),
        ("cron(0 18 ? * MON-FRI *)", "2026-03-16 18:00:00"),
        ("cron(0 8 1 * ? *)", "2026-04-01 08:00:00"),
        ("cron(0/15 * * * ? *)", "2026-03-14 09:30:00"),
        ("cron(0/10 * ? * MON-FRI *)", "2026-03-16 00:00:00"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-03-16 08:00:00"),
        ("cron(27,40 9 * * ? *)", "2026-03-14 09:27:00"),
        ("cron(26 9 * * ? *)", "2026-03-15 09:26:00"),
        ("cron(*/20 * * * ? *)", "2026-03-14 09:40:00"),
        ("cron(0 0 L * ? *)", "2026-03-31 00:00:00"),
        ("cron(0 0 15W * ? *)", "2026-03-16 00:00:00"),
        ("cron(0 0 14W * ? *)", "2026-04-14 00:00:00"),
        ("cron(0 0 1W 8 ? 2026)", "2026-08-03 00:00:00"),
        ("cron(0 0 31W * ? *)", "2026-03-31 00:00:00"),
        ("cron(0 0 31W 5 ? 2026)", "2026-05-29 00:00:00"),
        ("cron(0 0 LW 5 ? 2026)", "2026-05-29 00:00:00"),
        ("cron(0 0 ? * 1 *)", "2026-03-15 00:00:00"),
        ("cron(0 0 ? * sun *)", "2026-03-15 00:00:00"),
        ("cron(0 0 ? * L *)", "2026-03-21 00:00:00"),
        ("cron(0 0 ? * 6L *)", "2026-03-27 00:00:00"),
        ("cron(0 0 ? * FRIL *)", "2026-03-27 00:00:00"),
        ("cron(0 0 ? * 3#2 *)", "2026-04-14 00:00:00"),
        ("cron(0 0 ? * TUE#4 *)", "2026-03-24 00:00:00"),
        ("cron(0 0 ? * FRI-MON *)", "2026-03-15 00:00:00"),
        ("cron(0 0 1 JAN ? *)", "2027-01-01 00:00:00"),
        ("cron(0 0 1 NOV-FEB ? *)", "2026-11-01 00:00:00"),
        ("cron(0 0 29 2 ? *)", "2028-02-29 00:00:00"),
        ("cron(0 0 1 1 ? 2028-2030)", "2028-01-01 00:00:00"),
        ("cron(0 0 1 1 ? 2026)", None),
        ("cron(0 0 31 2 ? *)", None),
    ],
)
def test_the_next_time(expression: str, due: str | None) -> None:
    assert after(expression) == due


def test_a_time_that_is_now_is_over() -> None:
    noon = datetime(2026, 3, 14, 12, tzinfo=UTC)
    assert after("cron(0 12 * * ? *)", noon) == "2026-03-15 12:00:00"


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "rate()",
        "rate(0 minutes)",
        "rate(1 minutes)",
        "rate(2 minute)",
        "rate(1 week)",
        "rate(-1 minutes)",
        "rate(1.5 hours)",
        "rate(٣ minutes)",
        "Rate(5 minutes)",
        "every(5 minutes)",
        "at(2026-01-01T00:00:00)",
        "cron()",
        "cron(* * * * *)",
        "cron(0 12 * * * *)",
        "cron(0 12 ? * ? *)",
        "cron(60 12 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 12 0 * ? *)",
        "cron(0 12 32 * ? *)",
        "cron(0 12 * 13 ? *)",
        "cron(0 12 * FOO ? *)",
        "cron(0 12 ? * 8 *)",
        "cron(0 12 ? * 2#6 *)",
        "cron(0 12 ? * MONFRI *)",
        "cron(0 12 * * ? 1969)",
        "cron(0 12 * * ? 2200)",
        "cron(0 12-10 * * ? *)",
        "cron(0/0 12 * * ? *)",
        "cron(a 12 * * ? *)",
        "cron(0 12 W * ? *)",
        "cron(0, 12 * * ? *)",
        "cron(1-2-3 12 * * ? *)",
    ],
)
def test_what_is_no_schedule(expression: str) -> None:
    with pytest.raises(ValueError):
        next_time(expression, START.timestamp())
