"""Paths and query strings of the REST protocols: templates from the model, and taking them apart."""

import re
from urllib.parse import unquote_plus, unquote_to_bytes

from .values import Malformed

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")


def split(request_uri: str) -> tuple[str, dict[str, str]]:
    """A model's requestUri as its path template and the query parameters that it fixes (`?list-type=2`)."""
    path, _, query = request_uri.partition("?")
    return path, dict(parameters(query))


def compile_path(template: str) -> tuple[re.Pattern[str], list[str]]:
    """A pattern for raw paths, and the labels that its groups hold. A last slash more or less is the same."""
    pattern, end, labels = "", 0, []
    for found in _LABEL.finditer(template):
        pattern += re.escape(template[end : found.start()])
        pattern += "(.+)" if found[2] else "([^/]+)"
        labels.append(found[1])
        end = found.end()
    pattern += re.escape(template[end:].rstrip("/"))
    greedy = template.endswith("+}")
    return re.compile(pattern if greedy else pattern + "/?", re.DOTALL), labels


def literal_parts(template: str) -> int:
    """How many parts of the path are fixed: the more, the better the match."""
    return sum(1 for part in template.split("/") if part and not part.startswith("{"))


def label_text(raw: str) -> str:
    """A label as it was meant: percent-decoded once, `+` and repeated slashes kept."""
    if "%" not in raw:
        return raw
    try:
        return unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("Couldn't parse the specified URI.", "uri") from error


def parameters(query: str) -> list[tuple[str, str]]:
    """The parameters of a query string, decoded, in the order sent."""
    found = []
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")
        if name:
            found.append((_decoded(name), _decoded(value)))
    return found


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError as error:
        raise Malformed("Couldn't parse the specified URI.", "uri") from error
