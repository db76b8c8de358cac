"""Text for people: a notebook shows it as it is, a terminal prints it."""

from html import escape


class Words(str):
    """Text that a notebook shows as it is, without quotes, its long lines broken between words."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        style = "margin: 0; font-size: 90%; white-space: pre-wrap; word-break: normal; overflow-wrap: anywhere"
        return f'<pre style="{style}">{escape(self)}</pre>'


def counted(number: int, one: str, many: str) -> str:
    """`1 try`, `2 tries`."""
    return f"{number} {one if number == 1 else many}"
