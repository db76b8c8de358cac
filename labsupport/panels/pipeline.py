"""A pipeline watched: its picture, drawn anew whenever something in it has changed."""

import time
from typing import Any

from labsupport.diagrams.pipeline import of
from labsupport.diagrams.render import Picture

PAUSE = 0.2  # seconds between looks
SETTLING = 1.0  # seconds for a push or an approval to reach the pipeline, before "nothing goes on" counts
PATIENCE = 300.0  # seconds after which watching ends by itself
RUNNING = ("InProgress", "Stopping")


class Watched:
    """A pipeline by its name."""

    def __init__(self, codepipeline: Any, name: str) -> None:
        self.codepipeline = codepipeline
        self.name = name

    def picture(self) -> Picture:
        return of(self.codepipeline, self.name)

    def _repr_html_(self) -> str:
        return self.picture()._repr_html_()

    def __repr__(self) -> str:
        return str(self.picture())

    def watch(self, patience: float = PATIENCE) -> None:
        """Show the picture and keep it up to date until the newest execution ends or waits for an approval."""
        from IPython.display import display

        shown = self.picture()
        place = display(shown, display_id=True)
        begin = time.monotonic()
        while self._goes_on(time.monotonic() - begin, patience):
            time.sleep(PAUSE)
            shown = self._refresh(place, shown)
        self._refresh(place, shown)

    def _refresh(self, place: Any, shown: Picture) -> Picture:
        now = self.picture()
        if now != shown and place is not None:
            place.update(now)
        return now

    def _goes_on(self, passed: float, patience: float) -> bool:
        return passed < patience and (passed < SETTLING or self._runs())

    def _runs(self) -> bool:
        runs = self.codepipeline.list_pipeline_executions(pipelineName=self.name, maxResults=1)
        newest = runs["pipelineExecutionSummaries"]
        return bool(newest) and newest[0]["status"] in RUNNING and not self._waits()

    def _waits(self) -> bool:
        """Whether an approval is what it waits for."""
        state = self.codepipeline.get_pipeline_state(name=self.name)
        return any(
            action.get("latestExecution", {}).get("token")
            for stage in state["stageStates"]
            for action in stage["actionStates"]
        )
