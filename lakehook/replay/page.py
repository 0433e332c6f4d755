"""A page of the past: as many of its pipelines are lined up as the rate and the time allow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from lakehook.domain.delivery import Lane
from lakehook.domain.errors import LaneMoved, OwnTrouble
from lakehook.domain.message import Resume
from lakehook.domain.replay import Replay
from lakehook.domain.subscription import Subscription
from lakehook.ports.clock import Clock
from lakehook.ports.history import Chronicle
from lakehook.ports.messages import Bell
from lakehook.ports.replay import Found
from lakehook.ports.telemetry import Telemetry
from lakehook.replay.choose import chosen
from lakehook.replay.line_up import LinedUp, LineUp

LANES_AT_A_TIME = 10


@dataclass(frozen=True)
class LineUpPage:
    chronicle: Chronicle
    line_up: LineUp
    bell: Bell
    clock: Clock
    telemetry: Telemetry

    def __call__(
        self,
        found: Sequence[Found],
        replay: Replay,
        subscription: Subscription,
        *,
        sends_at: float,
        ends_at: float,
    ) -> tuple[Replay, bool]:
        """The replay gone on, and whether that was the whole page."""
        lanes: list[Lane] = []
        is_whole = False
        for pipeline, some in groupby(found, key=_pipeline_of):
            if not replay.may_send(sends_at) or self.clock.now() >= ends_at:
                break
            try:
                replay, held = self._line_up(replay, pipeline, subscription)
            except LaneMoved:
                break  # the next tick finds it quieter
            lanes += held
            *_, last = some
            replay = replace(replay, cursor=last.cursor)
        else:
            is_whole = True
        self._ring(lanes)
        return replay, is_whole

    def _line_up(
        self, replay: Replay, pipeline: str, subscription: Subscription
    ) -> tuple[Replay, Sequence[Lane]]:
        """What nobody can read is left out, and told, so that it stops nothing else."""
        if pipeline == replay.pipeline:
            return replay, ()  # it goes on from the page before, and was lined up as a whole
        try:
            lined_up = self._all_of(pipeline, replay, subscription)
        except (LaneMoved, OwnTrouble):
            raise
        except Exception as error:  # noqa: BLE001  a record that no release can read
            self.telemetry.trouble(error, doing="replay")
            return replay.left_out(pipeline), ()
        held = [Lane(subscription.id, pipeline)] if lined_up.anew else []
        return replay.lined_up(pipeline, sent=lined_up.sent, waiting=lined_up.waiting), held

    def _all_of(self, pipeline: str, replay: Replay, subscription: Subscription) -> LinedUp:
        deliveries = chosen(self.chronicle.history(pipeline), replay.terms, subscription)
        if not deliveries:
            return LinedUp()
        return self.line_up(deliveries, replay, due_at=replay.next_at)

    def _ring(self, lanes: Sequence[Lane]) -> None:
        """A message that comes before its lane's time waits for it in the queue.

        So a tick's deliveries are spread over its minute. What gets lost here, the clock wakes.
        """
        token = round(self.clock.now() * 1000)
        for start in range(0, len(lanes), LANES_AT_A_TIME):
            some = lanes[start : start + LANES_AT_A_TIME]
            self.bell.ring([Resume(lane, token) for lane in some])


def _pipeline_of(found: Found) -> str:
    return found.accepted.numbered.event.pipeline_key
