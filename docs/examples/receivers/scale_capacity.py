"""Keeps as many workers as there are running pipelines to serve.

    lakehook subscriptions add --name scaler --url https://scaler.example/hook --ordering skip

Pipelines go on although one delivery died (``skip``); ``SCALER_URL`` is told the number of workers.
"""

import math
import os
from collections.abc import Mapping
from typing import Any

from receiver import serve
from telling import tell

PIPELINES_A_WORKER = 4
ENDED = {f"PIPELINE_{end}" for end in ("COMPLETED", "FAILED", "PARTIAL", "CANCELLED")}


class Scaler:
    def __init__(self) -> None:
        self._running: dict[str, int] = {}  # by pipeline, the sequence of its RUNNING
        self._ended: dict[str, int] = {}

    def recall(self, event: Mapping[str, Any]) -> None:
        """A late letter may come after its successors: the higher sequence is what is true."""
        known = self._ended if event["event_type"] in ENDED else self._running
        pipeline, sequence = str(event["pipeline_id"]), int(event["sequence"])
        if event["event_type"] in {"PIPELINE_RUNNING", *ENDED}:
            known[pipeline] = max(sequence, known.get(pipeline, 0))

    def react(self, _: str, event: Mapping[str, Any]) -> None:
        self.recall(event)
        tell(os.environ["SCALER_URL"], {"workers": self.workers()}, method="PUT")

    def workers(self) -> int:
        running = [p for p, began in self._running.items() if began > self._ended.get(p, 0)]
        return math.ceil(len(running) / PIPELINES_A_WORKER)


if __name__ == "__main__":
    scaler = Scaler()
    serve(scaler.react, recall=scaler.recall)
