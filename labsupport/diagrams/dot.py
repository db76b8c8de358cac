"""DOT, written safely."""

from collections.abc import Iterable

# Colours that are legible on a light and on a dark ground; each has a mark beside it, so that nothing rests on colour.
STATES = {
    "Succeeded": ("✔", "#2e9e5b"),
    "Failed": ("✘", "#d64545"),
    "InProgress": ("●", "#d19a1d"),
    "Stopped": ("■", "#8a8a8a"),
    "Abandoned": ("■", "#8a8a8a"),
    "Superseded": ("»", "#8a8a8a"),
    "Cancelled": ("■", "#8a8a8a"),
    "": ("·", "#8a8a8a"),
}
TRUTH = {True: "Succeeded", False: ""}
_GRAPH = 'rankdir=LR bgcolor=transparent pad=0.2 nodesep=0.25 ranksep=0.45 fontname="Helvetica"'
_NODE = 'shape=box style=rounded fontname="Helvetica" fontsize=12 penwidth=1.6 margin="0.16,0.08"'
_EDGE = 'fontname="Helvetica" fontsize=10 arrowsize=0.7'


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def graph(lines: Iterable[str]) -> str:
    inside = "\n  ".join(lines)
    return f"digraph {{\n  graph [{_GRAPH}]\n  node [{_NODE}]\n  edge [{_EDGE}]\n  {inside}\n}}\n"


def node(name: str, label: str, state: str = "") -> str:
    """A box with its state's mark and colour."""
    mark, colour = STATES.get(state, STATES[""])
    return f"{quoted(name)} [label={quoted(f'{mark} {label}')} color={quoted(colour)}]"


def edge(start: str, end: str, label: str = "") -> str:
    return f"{quoted(start)} -> {quoted(end)}" + (f" [label={quoted(label)}]" if label else "")


def cluster(name: str, label: str, lines: Iterable[str], state: str = "") -> list[str]:
    """A frame with its own lines inside."""
    mark, colour = STATES.get(state, STATES[""])
    head = f"label={quoted(f'{mark} {label}')} color={quoted(colour)} style=rounded fontname=Helvetica fontsize=13"
    return [f"subgraph {quoted('cluster ' + name)} {{ {head}", *lines, "}"]
