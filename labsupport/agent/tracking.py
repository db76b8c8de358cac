"""Which commands are being worked on, in files: an agent that finds some at its start has been interrupted."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

_STALE = 86_400  # seconds after which nobody waits for an answer any more


@dataclass(frozen=True)
class Tracking:
    folder: Path

    def begin(self, deployment: str, command: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / f".{deployment}.new"
        fresh.write_text(command)
        fresh.replace(self.folder / deployment)

    def end(self, deployment: str) -> None:
        with contextlib.suppress(OSError):
            (self.folder / deployment).unlink()

    def interrupted(self) -> list[tuple[str, str]]:
        """Deployments with the identifiers of the commands that were never answered; stale ones are forgotten."""
        found = []
        for path in sorted(self.folder.iterdir()) if self.folder.is_dir() else []:
            if path.name.startswith(".") or time.time() - path.stat().st_mtime > _STALE:
                path.unlink()
            else:
                found.append((path.name, path.read_text()))
        return found
