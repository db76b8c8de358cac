"""Schedule expressions: rate(…) and cron(…) (EventBridge User Guide: "Setting a schedule pattern"). Pure."""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

_RATE = re.compile(r"rate\(\s*([0-9]{1,9})\s+(minute|hour|day)(s?)\s*\)")
_CRON = re.compile(r"cron\(\s*(.+?)\s*\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]
_FARTHEST = 366 * 8  # days ahead that a next time is looked for: a leap day is at most eight years away

OnDay = Callable[[date], bool]


class Cron(NamedTuple):
    minutes: list[int]
    hours: list[int]
    on_day: OnDay


def next_time(expression: str, after: float) -> float | None:
    """The first time of the schedule that is later than `after` (both in epoch seconds); `None`: there is none.

    `ValueError`: this is no schedule expression.
    """
    rate = _RATE.fullmatch(expression)
    if rate:
        return after + _interval(int(rate[1]), rate[2], bool(rate[3]))
    cron = _CRON.fullmatch(expression)
    if cron is None:
        raise ValueError(expression)
    return _next_of(_parsed(cron[1].split()), datetime.fromtimestamp(after, UTC))


def _interval(number: int, unit: str, plural: bool) -> int:
    if number < 1 or (number == 1) == plural:
        raise ValueError(f"{number} {unit}")
    return number * _SECONDS[unit]


def _next_of(cron: Cron, after: datetime) -> float | None:
    for ahead in range(_FARTHEST):
        day = after.date() + timedelta(days=ahead)
        if not cron.on_day(day):
            continue
        for hour in cron.hours:
            for minute in cron.minutes:
                moment = datetime.combine(day, time(hour, minute), UTC)
                if moment > after:
                    return moment.timestamp()
    return None


def _parsed(fields: list[str]) -> Cron:
    minute, hour, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise ValueError("one of day-of-month and day-of-week has to be ?")
    months, years = _numbers(month, 1, 12, _MONTHS), _numbers(year, 1970, 2199)
    wanted = _day_of_month(day) if weekday == "?" else _day_of_week(weekday)

    def on_day(one: date) -> bool:
        return one.year in years and one.month in months and wanted(one)

    return Cron(sorted(_numbers(minute, 0, 59)), sorted(_numbers(hour, 0, 23)), on_day)


def _numbers(field: str, low: int, high: int, names: list[str] | None = None) -> set[int]:
    """`*`, `7`, `1-5`, `MON-FRI`, `0/15`, `1,15`."""
    found: set[int] = set()
    for part in field.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        start = low if span == "*" else _number(first, low, high, names)
        end = high if span == "*" or (slash and not dash) else _number(last if dash else first, low, high, names)
        if end < start and names is None:
            raise ValueError(part)
        stretch = range(start, end + 1) if start <= end else [*range(start, high + 1), *range(low, end + 1)]
        found.update(stretch[:: _number(step, 1, high) if slash else 1])
    return found


def _number(text: str, low: int, high: int, names: list[str] | None = None) -> int:
    if names and text.upper() in names:
        return names.index(text.upper()) + low
    if not re.fullmatch(r"[0-9]{1,4}", text) or not low <= int(text) <= high:
        raise ValueError(text)
    return int(text)


def _day_of_month(field: str) -> OnDay:
    """Days of the month; `L` is its last, `15W` the weekday nearest to the 15th."""
    if field == "L":
        return lambda day: day.day == _last(day)
    if field.endswith("W"):
        wanted = 0 if field == "LW" else _number(field[:-1], 1, 31)
        return lambda day: day.day == _nearest_weekday(day, wanted or _last(day))
    days = _numbers(field, 1, 31)
    return lambda day: day.day in days


def _last(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> int:
    """The working day of this month that is nearest to `wanted`; 0 where the month has no such day."""
    last = _last(day)
    if wanted > last:
        return 0
    weekday = day.replace(day=wanted).weekday()
    if weekday == 5:
        return wanted - 1 if wanted > 1 else wanted + 2
    if weekday == 6:
        return wanted + 1 if wanted < last else wanted - 2
    return wanted


def _day_of_week(field: str) -> OnDay:
    """Days of the week from 1 (Sunday); `L` is Saturday, `6L` the month's last Friday, `3#2` its second Tuesday."""
    if field == "L":
        return lambda day: _weekday(day) == 7
    if field.endswith("L"):
        last = _number(field[:-1], 1, 7, _DAYS)
        return lambda day: _weekday(day) == last and day.day + 7 > _last(day)
    if "#" in field:
        name, _, count = field.partition("#")
        wanted, number = _number(name, 1, 7, _DAYS), _number(count, 1, 5)
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == number
    days = _numbers(field, 1, 7, _DAYS)
    return lambda day: _weekday(day) in days


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1
