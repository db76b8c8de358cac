"""Where revisions lie on an instance, which of them was installed last, and which are old enough to go."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from labsupport.agent.settings import Settings
from labsupport.agent.specification import Specification

KEPT = 5


@dataclass(frozen=True)
class Revisions:
    """The folders of one deployment group, as AWS's agent lays them out below /opt/codedeploy-agent."""

    settings: Settings
    spec: Specification

    @property
    def folder(self) -> Path:
        return self.settings.deployments / self.spec.group / self.spec.deployment

    @property
    def archive(self) -> Path:
        return self.folder / "deployment-archive"

    @property
    def bundle(self) -> Path:
        return self.folder / "bundle.tar"  # whatever its kind

    @property
    def instructions(self) -> Path:
        return self.settings.deployments / "deployment-instructions"

    @property
    def cleanup_file(self) -> Path:
        return self.instructions / f"{self.spec.group}-cleanup"

    @property
    def install_file(self) -> Path:
        return self.instructions / f"{self.spec.group}-install.json"

    def last_successful(self) -> Path | None:
        return self._noted("last_successful_install")

    def note_installed(self) -> None:
        self._note("last_successful_install")

    def note_downloaded(self) -> None:
        self._note("most_recent_install")

    def _noted(self, name: str) -> Path | None:
        path = self.instructions / f"{self.spec.group}_{name}"
        return self.settings.on_machine(path.read_text().strip()) if path.exists() else None

    def _note(self, name: str) -> None:
        """Paths are noted as the instance sees them: its root may have another place tomorrow."""
        self.instructions.mkdir(parents=True, exist_ok=True)
        path = self.instructions / f"{self.spec.group}_{name}"
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(self.settings.on_instance(self.folder) + "\n")
        fresh.replace(path)

    def forget_old(self) -> None:
        """Keep the newest revisions, and in any case the one that is installed."""
        others = [one for one in self.folder.parent.iterdir() if one.is_dir() and one != self.folder]
        extra = len(others) + 1 - KEPT
        removable = [one for one in others if one != self.last_successful()]
        for one in sorted(removable, key=lambda one: one.stat().st_mtime)[: max(extra, 0)]:
            shutil.rmtree(one, ignore_errors=True)
