"""YAML (and so JSON) that somebody else wrote: read safely, with the place of every value kept.

Limits on size, depth and expanded nodes stop alias bombs; nothing but plain data is ever constructed.
PyYAML does the parsing (its C parser where it is there); the values are built here, because the
text of a value (`3.10`, `0755`) and the line of a key are wanted later.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from labsupport.files import scalars

Path = tuple[str | int, ...]
Tags = Mapping[str, Callable[[Any], Any]]
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STANDARD = "tag:yaml.org,2002:"
_TAB = "this is a tab; YAML is indented with spaces"


class DocumentError(Exception):
    """A file that cannot be read as what it should be: one sentence with the file's name, the place and the cause.

    `line` and `column` count from 1; 0 where the whole file is meant. `hint` may say what to do.
    """

    def __init__(self, name: str, line: int, column: int, cause: str, hint: str = "") -> None:
        self.name, self.line, self.column, self.cause, self.hint = name, line, column, cause, hint
        place = f", {self.place}" if line else ""
        super().__init__(f"{name}{place}: {cause}{f' ({hint})' if hint else ''}.")

    @property
    def place(self) -> str:
        return f"line {self.line}, column {self.column}" if self.line else ""


@dataclass(frozen=True)
class Limits:
    """How much one file may be: bytes as written, levels of nesting, and values once aliases are expanded."""

    size: int = 1 << 20
    depth: int = 64
    nodes: int = 50_000


@dataclass(frozen=True)
class Mark:
    line: int
    column: int


@dataclass
class Document:
    """A file's value, and per path (keys and indexes from the top) where it stands and how it was written.

    `duplicates` holds the places of keys that stand twice in one mapping: the last counts, as at AWS.
    """

    name: str
    value: Any = None
    marks: dict[Path, Mark] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    duplicates: list[tuple[Path, Mark]] = field(default_factory=list)

    def mark(self, path: Path = ()) -> Mark:
        """Where the key or item at `path` stands, or the nearest thing around it that the file has."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, Mark(1, 1))

    def text(self, path: Path) -> str | None:
        """A scalar as it was written (`3.10`, `yes`, `0755`), None for a list, a mapping or nothing."""
        return self.texts.get(path)

    def error(self, path: Path, cause: str, hint: str = "") -> DocumentError:
        mark = self.mark(path)
        return DocumentError(self.name, mark.line, mark.column, cause, hint)


@dataclass
class _Node:
    kind: str
    mark: Mark
    tag: str | None = None
    text: str = ""
    quoted: bool = False
    items: list["_Node"] = field(default_factory=list)


def load(text: bytes | str, name: str, tags: Tags | None = None, limits: Limits = Limits()) -> Any:
    """The value of a YAML file; see `read`."""
    return read(text, name, tags, limits).value


def read(text: bytes | str, name: str, tags: Tags | None = None, limits: Limits = Limits()) -> Document:
    """Reads one YAML document and keeps the place of everything in it.

    `tags` maps a tag with its mark (`!Ref`) to a function of the value beneath it (a text, list or mapping); a
    ValueError from it becomes a DocumentError at that place. Keys are always text, as written.
    Raises DocumentError.
    """
    source = _decoded(text, name, limits)
    try:
        root = _compose(source, name, limits)
    except yaml.YAMLError as error:
        raise _syntax_error(error, source, name) from None
    document = Document(name)
    document.value = _Builder(document, tags or {}, limits.nodes, limits.depth).build(root, ()) if root else None
    return document


def _decoded(text: bytes | str, name: str, limits: Limits) -> str:
    if len(text) > limits.size:
        raise DocumentError(name, 0, 0, f"the file is larger than the {limits.size:,} bytes that are read")
    if isinstance(text, str):
        surrogate = next((i for i, char in enumerate(text) if "\ud800" <= char <= "\udfff"), None)
        if surrogate is not None:
            raise DocumentError(name, text.count("\n", 0, surrogate) + 1, 1, "this is half a character, not text")
        return text
    encoding = "utf-16" if text[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise DocumentError(name, line, 1, "this is not text in UTF-8", "save the file as UTF-8") from None


def _syntax_error(error: yaml.YAMLError, source: str, name: str) -> DocumentError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if isinstance(error, yaml.reader.ReaderError):
        # The position is in characters or in bytes, by parser; the line is right either way for what is printable.
        line = source.encode()[: error.position].count(b"\n") + 1
        return DocumentError(name, line, 1, "control characters are not allowed")
    if not isinstance(error, yaml.MarkedYAMLError) or mark is None:
        return DocumentError(name, 0, 0, "the file is not well-formed YAML")
    lines = source.splitlines()
    written = lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""
    cause = error.problem or "the file is not well-formed YAML"
    return DocumentError(name, mark.line + 1, mark.column + 1, cause, _TAB if written == "\t" else "")


def _compose(source: str, name: str, limits: Limits) -> _Node | None:
    loader = _LOADER(source)
    try:
        loader.get_event()
        if loader.check_event(yaml.StreamEndEvent):
            return None
        loader.get_event()
        root = _Composer(loader, name, limits).node(0)
        loader.get_event()
        if not loader.check_event(yaml.StreamEndEvent):
            mark = _mark(loader.get_event())
            raise DocumentError(name, mark.line, mark.column, "a second document begins here, and only one is read")
        return root
    finally:
        loader.dispose()


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


@dataclass
class _Composer:
    """Turns the parser's events into nodes, with the depth held in check before Python's stack is."""

    loader: Any
    name: str
    limits: Limits
    anchors: dict[str | None, _Node | None] = field(default_factory=dict)
    count: int = 0

    def node(self, depth: int) -> _Node:
        event = self.loader.get_event()
        mark = _mark(event)
        self.count += 1
        if depth > self.limits.depth or self.count > self.limits.nodes:
            raise self.refusal(mark, "this goes deeper" if depth > self.limits.depth else "the file holds more values")
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event.anchor, mark)
        if event.anchor:
            self.anchors[event.anchor] = None
        found = self.fresh(event, mark, depth)
        if event.anchor:
            self.anchors[event.anchor] = found
        return found

    def alias(self, anchor: str | None, mark: Mark) -> _Node:
        found = self.anchors.get(anchor)
        if found is None:
            cause = "refers to itself" if anchor in self.anchors else "refers to an anchor that is not above it"
            raise DocumentError(self.name, mark.line, mark.column, f"the alias *{anchor} {cause}")
        return found

    def fresh(self, event: Any, mark: Mark, depth: int) -> _Node:
        if isinstance(event, yaml.ScalarEvent):
            # The second of `implicit` is for quoted text: a tag, if any, was written out.
            tag = None if event.implicit[0] or event.implicit[1] else event.tag
            return _Node("scalar", mark, tag, event.value, quoted=not event.implicit[0])
        kind, end = (
            ("list", yaml.SequenceEndEvent)
            if isinstance(event, yaml.SequenceStartEvent)
            else ("map", yaml.MappingEndEvent)
        )
        found = _Node(kind, mark, None if event.implicit else event.tag)
        while not self.loader.check_event(end):
            found.items.append(self.node(depth + 1))
        self.loader.get_event()
        return found

    def refusal(self, mark: Mark, what: str) -> DocumentError:
        return DocumentError(
            self.name,
            mark.line,
            mark.column,
            f"{what} than is read (limits: {self.limits.depth} levels, {self.limits.nodes:,} values)",
        )


@dataclass
class _Builder:
    """Turns nodes into values. Aliases are walked anew each time, so that the budget counts what they expand to."""

    document: Document
    tags: Tags
    budget: int
    depth: int

    def build(self, node: _Node, path: Path) -> Any:
        self.document.marks.setdefault(path, node.mark)
        self.spend(node)
        if len(path) > self.depth:
            raise self.failed(node, f"the file goes deeper than the {self.depth} levels that are read")
        if node.tag is None or (node.kind, node.tag) in (("list", _STANDARD + "seq"), ("map", _STANDARD + "map")):
            return self.untagged(node, path)
        if node.tag in self.tags:
            value = node.text if node.kind == "scalar" else self.untagged(node, path)
            return self.called(self.tags[node.tag], value, node)
        if node.kind == "scalar" and node.tag.startswith(_STANDARD):
            self.document.texts[path] = node.text
            return self.called(
                lambda text: scalars.tagged(str(node.tag).removeprefix(_STANDARD), text), node.text, node
            )
        raise self.failed(node, self.unknown(node.tag))

    def called(self, function: Callable[[Any], Any], value: Any, node: _Node) -> Any:
        try:
            return function(value)
        except ValueError as error:
            raise self.failed(node, str(error)) from None
        except KeyError:
            raise self.failed(node, self.unknown(str(node.tag))) from None

    def untagged(self, node: _Node, path: Path) -> Any:
        if node.kind == "list":
            return [self.build(item, (*path, index)) for index, item in enumerate(node.items)]
        if node.kind == "map":
            return self.mapping(node, path)
        self.document.texts[path] = node.text
        return node.text if node.quoted else scalars.plain(node.text)

    def mapping(self, node: _Node, path: Path) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for text, (key, item) in self.pairs(node, path).items():
            spot = (*path, text)
            self.document.marks[spot] = key.mark
            value[text] = self.build(item, spot)
        return value

    def pairs(self, node: _Node, path: Path, merges: int = 0) -> dict[str, tuple[_Node, _Node]]:
        """The keys and values that count: a mapping's own (the last where one stands twice), then what `<<` brings."""
        if merges > self.depth:
            raise self.failed(node, "<< leads through too many mappings")
        own: dict[str, tuple[_Node, _Node]] = {}
        brought: dict[str, tuple[_Node, _Node]] = {}
        for key, item in zip(node.items[::2], node.items[1::2], strict=True):
            self.spend(key)
            if key.kind != "scalar":
                raise self.failed(
                    key, "a key must be a text, not a list or a mapping", "quote it if it begins with { or ["
                )
            if key.text == "<<" and not key.quoted:
                for source in item.items if item.kind == "list" else [item]:
                    brought = {**self.pairs(self.mergeable(source), path, merges + 1), **brought}
            else:
                if key.text in own:
                    self.document.duplicates.append(((*path, key.text), key.mark))
                own[key.text] = (key, item)
        return {**brought, **own}

    def mergeable(self, node: _Node) -> _Node:
        if node.kind != "map":
            raise self.failed(node, "<< takes a mapping or a list of mappings")
        return node

    def spend(self, node: _Node) -> None:
        self.budget -= 1
        if self.budget < 0:
            raise self.failed(node, "the file holds too many values once its aliases are expanded")

    def unknown(self, tag: str) -> str:
        return f"could not determine a constructor for the tag '{tag.replace(_STANDARD, '!!')}'"

    def failed(self, node: _Node, cause: str, hint: str = "") -> DocumentError:
        return DocumentError(self.document.name, node.mark.line, node.mark.column, cause, hint)
