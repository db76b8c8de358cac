"""DOT to SVG: by the system's `dot`, else by the graphviz-pure wheel; where neither is, there is no picture."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

PROGRAMS = ("dot", "graphviz-pure")
LEGIBLE = "42rem"  # the width below which words in a picture would be too small to read
# A shadow at an edge beyond which there is more: a scroll bar may be hidden. What scrolls along covers it at the end.
_GROUND = "var(--jp-layout-color0, var(--vscode-editor-background, transparent))"
_SHADOW = "color-mix(in srgb, currentColor 30%, transparent)"
_EDGES = (
    f"background: linear-gradient({_GROUND}, {_GROUND}) left top / 1rem calc(100% + 2px) no-repeat local, "
    f"linear-gradient({_GROUND}, {_GROUND}) right top / 1rem calc(100% + 2px) no-repeat local, "
    f"linear-gradient(to right, {_SHADOW}, transparent) left / .8rem 100% no-repeat scroll, "
    f"linear-gradient(to left, {_SHADOW}, transparent) right / .8rem 100% no-repeat scroll"
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and what it says in words. A notebook shows the SVG, a terminal or a reader aloud the text."""

    source: str  # DOT
    text: str

    def svg(self) -> str | None:
        found = _drawn(self.source)
        return None if found is None else _labelled(found, self.text)

    def _repr_html_(self) -> str:
        drawn = self.svg()
        return _scrolling(drawn) if drawn is not None else f"<pre>{escape(self.text)}</pre>"

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def program() -> str | None:
    """What draws: found on PATH, or beside this Python."""
    beside = Path(sys.executable).parent
    for name in PROGRAMS:
        own = beside / name
        found = shutil.which(name) or (str(own) if os.access(own, os.X_OK) else None)
        if found:
            return found
    return None


def _drawn(source: str) -> str | None:
    draws = program()
    return None if draws is None else _drawn_by(draws, source)


@lru_cache(maxsize=64)
def _drawn_by(draws: str, source: str) -> str | None:
    """Live views ask for the same picture again and again."""
    done = subprocess.run([draws, "-Tsvg"], input=source.encode(), capture_output=True, check=False, timeout=30)
    return done.stdout.decode() if done.returncode == 0 else None


def _labelled(svg: str, text: str) -> str:
    """The bare <svg> element, with its text for who cannot see it; black becomes the theme's own text colour.

    Words have no colour in DOT's output, so they take that of the whole.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<title>.*?</title>", "", svg, flags=re.DOTALL)
    label = escape(text, quote=True)
    svg = svg.replace("<svg ", f'<svg role="img" aria-label="{label}" fill="currentColor" ', 1)
    svg = svg.replace('fill="transparent"', 'fill="none"')
    return svg.replace('stroke="black"', 'stroke="currentColor"').replace('fill="black"', 'fill="currentColor"')


def _scrolling(svg: str) -> str:
    """In a narrow notebook a picture shrinks as far as it can be read, then it scrolls."""
    found = re.search(r'<svg [^>]*?\bwidth="([\d.]+)(pt|px)?"', svg)
    least = f"min({found[1]}{found[2] or 'px'}, {LEGIBLE})" if found else "0"
    style = f"display: block; min-width: {least}; max-width: 100%; height: auto"
    shrinking = svg.replace("<svg ", f'<svg style="{style}" ', 1)
    return f'<div style="overflow-x: auto; {_EDGES}">{shrinking}</div>'
