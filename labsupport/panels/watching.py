"""Looking again and again while nobody has to wait for it: what keeps a panel up to date."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from labsupport import home
from labsupport.panels.live import Panel, View
from labsupport.panels.markup import Markup, tag

Seen = TypeVar("Seen")

# Seconds between looks, by how long ago (in seconds) something has changed. After the last of them nobody looks.
PACES = ((60.0, 0.25), (180.0, 0.5), (900.0, 2.0))
SILENCE = 5.0  # seconds without an answer after which nobody waits for one
IDLE = "Nothing has changed for a quarter of an hour, so nobody looks any more."
ELSEWHERE = "Another cell shows this live now; here is what was seen last."


@dataclass(frozen=True, slots=True)
class Note:
    """What a panel says beside what it shows: of the last press, and why nobody looks any more (else "")."""

    said: str = ""
    asleep: str = ""

    def button(self) -> Markup:
        """Why nobody looks any more, and the button that wakes it; for what is live in a panel."""
        if not self.asleep:
            return Markup("")
        return tag("p", f"{self.asleep} ", tag("button", "Look again", data_do="look"), data_key="asleep")


class Watch(Generic[Seen]):
    """A panel whose thread looks, shows what is new, and slows down the longer nothing is.

    `look` asks the cloud, `show` makes a view of the answer, `act` does what was pressed and tells it in words.
    Of the watches with one key only the newest looks; an older one is woken by its button. `least` are the seconds
    between two looks at least. A cell whose value it is shows it live; printed, it is its words.
    """

    def __init__(
        self,
        key: str,
        look: Callable[[], Seen],
        show: Callable[[Seen, Note], View],
        act: Callable[[str, dict[str, str]], str],
        least: float = 0.0,
    ) -> None:
        self._least = least
        self.key, self._look, self._show, self._act = key, look, show, act
        self._changes = threading.Condition()
        self._woken = threading.Event()
        self._running: object = None  # whose turn it is: each thread has a token of its own
        self._note = Note()
        self._unanswered, self._silent_since = "", 0.0  # what is said while the cloud does not answer, and since when
        self.seen = look()
        self.panel = Panel(show(self.seen, self._note), self._pressed)

    def begin(self) -> None:
        """Show the panel and look from now on."""
        self.panel.show()
        self._resume()

    _ipython_display_ = begin

    def __str__(self) -> str:
        return self.panel.view.text

    __repr__ = __str__

    def stop(self, why: str = "") -> None:
        """Look no more; the panel says why."""
        with self._changes:
            self._running = None
            self._note = Note(self._note.said, why)
            self._woken.set()
        self._draw()

    def until(self, enough: Callable[[Seen], bool], patience: float) -> bool:
        """Wait until what is seen is enough; False where patience ended first, or nobody looks any more.

        `home.Unreachable` where the cloud has not answered for some seconds: a cell shall not wait for it for minutes.
        """
        end = time.monotonic() + patience
        with self._changes:
            while not enough(self.seen):
                if self._silent_since and time.monotonic() - self._silent_since > SILENCE:
                    raise home.Unreachable(self._unanswered.removeprefix("✘ "))
                left = end - time.monotonic()
                if left <= 0 or self._running is None:
                    return False
                self._changes.wait(min(left, 0.2))
            return True

    def _resume(self) -> None:
        token = object()
        with _lock:
            earlier = _newest.get(self.key)
            _newest[self.key] = self
        if earlier is not None and earlier is not self:
            earlier.stop(ELSEWHERE)
        with self._changes:
            self._running, self._note = token, Note(self._note.said)
        threading.Thread(target=self._run, args=(token,), name=f"watch {self.key}", daemon=True).start()

    def _run(self, token: object) -> None:
        changed = time.monotonic()
        while self._running is token:
            if self._once():
                changed = time.monotonic()
            pause = pace(time.monotonic() - changed)
            if pause is None and self._running is token:
                self.stop(IDLE)
            if pause is None:
                return
            if self._woken.wait(max(pause, self._least)):
                self._woken.clear()
                changed = time.monotonic()

    def _once(self) -> bool:
        """One look; whether it changed what is shown."""
        try:
            seen = self._look()
        except Exception as error:
            self._unanswered = trouble(error)
            self._silent_since = self._silent_since or time.monotonic()
            self._say(self._unanswered)
            return False
        with self._changes:
            self.seen, self._silent_since = seen, 0.0
            if self._note.said == self._unanswered:
                self._note = Note("", self._note.asleep)
            self._changes.notify_all()
        before = self.panel.view
        self._draw()
        return self.panel.view != before

    def _pressed(self, what: str, fields: dict[str, str]) -> View | None:
        if what != "look":
            try:
                self._say(self._act(what, fields))
            except Exception as error:
                self._say(trouble(error))
        if self._running is None:
            self._resume()
        self._woken.set()
        return None

    def _say(self, words: str) -> None:
        with self._changes:
            self._note = Note(words, self._note.asleep)
        self._draw()

    def _draw(self) -> None:
        self.panel.update(self._show(self.seen, self._note))


_lock = threading.Lock()
_newest: dict[str, Watch] = {}  # one kernel, one learner: who looks at what in it


def pace(unchanged: float) -> float | None:
    """Seconds until the next look; None where it is not worth while any more."""
    return next((pause for upto, pause in PACES if unchanged < upto), None)


def trouble(error: Exception) -> str:
    """An error in words for people: AWS's code and sentence, or what kept the cloud from answering."""
    answer = getattr(error, "response", None)
    if isinstance(answer, dict) and "Error" in answer:
        code, message = answer["Error"].get("Code", ""), answer["Error"].get("Message", "")
        more = " lab.why() tells which policy." if code.startswith("AccessDenied") else ""
        return f"✘ {code}: {message}{more}"
    kind = type(error).__name__
    if kind in ("EndpointConnectionError", "ConnectionClosedError", "ReadTimeoutError", "Unreachable"):
        return "✘ The cloud does not answer: lab.start() starts it again; this panel goes on by itself then."
    return f"✘ {kind}: {error}"
