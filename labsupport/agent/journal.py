"""The agent's log file."""

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

_LARGEST = 4 << 20  # bytes; what is older goes to a second file


@dataclass
class Journal:
    path: Path
    lock: threading.Lock = field(default_factory=threading.Lock)

    def info(self, text: str) -> None:
        self.write("INFO", text)

    def warn(self, text: str) -> None:
        self.write("WARN", text)

    def error(self, text: str) -> None:
        self.write("ERROR", text)

    def write(self, severity: str, text: str) -> None:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        line = f"{moment} {severity:<5} [codedeploy-agent({os.getpid()})]: {text}\n"
        if not self.path.parent.is_dir():
            return  # the instance has been taken away: nothing of it may come to be again
        with self.lock:
            if self.path.exists() and self.path.stat().st_size > _LARGEST:
                self.path.replace(self.path.with_name(self.path.name + ".1"))
            with self.path.open("a") as file:
                file.write(line)
