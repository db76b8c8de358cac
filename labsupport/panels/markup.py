"""HTML for panels, written safely: what comes from the cloud or from a person is always escaped."""

from html import escape
from typing import Any


class Markup(str):
    """Text that is HTML already, and is not escaped again."""


def tag(element: str, /, *children: Any, **attributes: Any) -> Markup:
    """An element: `tag("button", "Approve", data_do="approve")`.

    An attribute that is None or False is left out, one that is True stands without a value; `_` is written `-`, and
    a trailing one is dropped (`class_`). Children that are no `Markup` are text.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    return Markup(f"<{element}{written}>{join(*children)}</{element}>")


def join(*children: Any) -> Markup:
    """Elements and text side by side; None and "" are left out."""
    return Markup("".join(one if isinstance(one, Markup) else escape(str(one)) for one in children if one))


def void(element: str, /, **attributes: Any) -> Markup:
    """An element without an end, as `input`."""
    return Markup(f"<{element}{''.join(_attribute(key, value) for key, value in attributes.items())}>")


def _attribute(key: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value), quote=True)}"'
