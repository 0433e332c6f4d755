"""A bad message is parked whole, with the reason, and the rest of its pipeline goes on."""

import json

from local.receiver import Receiver
from tests.e2e.conftest import Say
from tests.e2e.evidence import Evidence, attributes_of
from tests.e2e.pipelines import a_life, heard
from tests.e2e.subscribers import Subscribers
from tests.integration.eventually import PATIENCE


def test_a_bad_message_is_parked_with_its_reason_and_its_pipeline_goes_on(
    subscribers: Subscribers, say: Say, evidence: Evidence
):
    bad = "{no JSON 坏"
    receiver = Receiver("undisturbed")
    subscribers.add(receiver)
    life = a_life()
    pipeline = life[0].pipeline_id

    created, *rest = [json.dumps(event.document) for event in life]
    for body in (created, bad, *rest):
        say(pipeline, body)

    parked = evidence.parked(pipeline)
    assert parked["Body"] == bad
    assert "not JSON" in attributes_of(parked)["reason"]
    assert receiver.wait_for(3, within=PATIENCE)
    assert heard(receiver, life) == [1, 2, 3]
