"""Simulated network: every request that leaves, as the receiver at its end sees it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakehook.domain.attempt import Outcome, Response
from lakehook.domain.delivery import Lane
from lakehook.domain.destination import Request
from lakehook.ports.outbound import NoResponse
from tests.simulation.faults import Gate, Killed, must_live
from tests.simulation.history import History, Post
from tests.simulation.receivers import SimulatedReceiver
from tests.simulation.rules import is_signed, pipeline_of
from tests.simulation.runs import Report
from tests.simulation.timeline import Timeline

TIMED_OUT = NoResponse(Outcome.TIMED_OUT, "no answer in time")


@dataclass
class Internet:
    """Simulated transport: a host's first label is the subscription's id."""

    receivers: Mapping[str, SimulatedReceiver]
    secret: bytes
    timeline: Timeline
    gate: Gate
    history: History

    def send(self, request: Request) -> Response | NoResponse:
        now, ends_at = self.timeline.now(), self.timeline.context.deadline
        if now >= ends_at:
            raise Killed  # Lambda does not thaw what it has given up; here only late writes go on
        assert now + request.deadline_seconds < ends_at, "an attempt may outlive its worker"
        body = json.loads(request.body.decode())
        lane = Lane(request.endpoint.host.partition(".")[0], pipeline_of(body))
        post: Post = self.gate.call(
            "receiver.post", lambda: self._exchange(request, body, lane, now), Killed, (lane,)
        )
        post.answered_at = self.timeline.now()
        assert post.answer
        return post.answer

    def _exchange(
        self, request: Request, body: Mapping[str, Any], lane: Lane, sent_at: float
    ) -> Post:
        subscription, pipeline = lane.subscription_id, lane.pipeline_key
        seconds, answer = self.receivers[subscription].react(self.timeline.now(), pipeline)
        if seconds > request.deadline_seconds:
            seconds, answer = request.deadline_seconds, TIMED_OUT
        post = Post(
            lane=f"{subscription}#{pipeline}",
            sequence=body["sequence"],
            id=request.headers["webhook-id"],
            late=body.get("late", False),
            replayed=body.get("replayed", False),
            body=request.body,
            event=Report(body["event_type"], "" if body.get("inferred") else body["event_id"]),
            sent_at=sent_at,
            is_signed=is_signed(request.headers, request.body, self.secret, at=sent_at),
        )
        self.history.began(post, at=self.timeline.now())
        self.timeline.sleep(seconds)
        self.history.ended(post, at=self.timeline.now(), answer=answer)
        must_live(self.timeline.context)
        return post
