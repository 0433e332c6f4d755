"""The state of the scheduled reconcile, and what it reads of the journal, by fake and adapter."""

from collections.abc import Callable
from dataclasses import replace

import boto3
import pytest

from lakehook.adapters.dynamodb.reconciliations import DynamoReconciliations
from lakehook.domain.devlake.reconciliation import Cursor, Reconciliation, UnreadPages
from lakehook.domain.pipeline import Pipeline, PipelineState
from lakehook.ports.stores import Reconciliations
from tests.fakes import NOON
from tests.fakes_reconcile import FakeReconciliations

FULL = Reconciliation(
    source="staging",
    started_at=NOON - 86_400.5,
    due_at=NOON + 300,
    watermark=NOON - 0.125,
    backlog=UnreadPages(since=NOON - 3600, page=11),
    bound_at=NOON - 0.125,
    cursor=Cursor(
        state=PipelineState.RUNNING, stalled=True, entered_at=NOON - 900.001, key="staging/39"
    ),
    published={"devlake:staging/39:PIPELINE_FAILED:2026-01-01T11:10:00Z": NOON - 60},
    succeeded_at=NOON - 300,
    failed_at=NOON,
    error="DevLake is unavailable: no connection",
    failures=2,
)


@pytest.fixture(params=["fake", "dynamodb"])
def reconciliations(request: pytest.FixtureRequest) -> Reconciliations:
    if request.param == "fake":
        return FakeReconciliations()
    table = request.getfixturevalue("deployment").pipelines_table
    return DynamoReconciliations(boto3.client("dynamodb"), table)


def test_no_reconciliation_is_known_before_the_first_run(reconciliations: Reconciliations):
    assert reconciliations.find(None) is None
    assert reconciliations.find("staging") is None


@pytest.mark.parametrize(
    "state", [FULL, Reconciliation.first(None, now=NOON)], ids=["full", "first"]
)
def test_a_saved_reconciliation_is_found_as_it_was(
    reconciliations: Reconciliations, state: Reconciliation
):
    saved = reconciliations.save(state)

    assert saved == replace(state, version=1)
    assert reconciliations.find(state.source) == saved


def test_each_source_has_its_own_reconciliation(reconciliations: Reconciliations):
    default = reconciliations.save(Reconciliation.first(None, now=NOON))
    staging = reconciliations.save(FULL)

    assert reconciliations.find(None) == default
    assert reconciliations.find("staging") == staging


def test_values_that_a_reconciliation_no_longer_has_are_gone(reconciliations: Reconciliations):
    saved = reconciliations.save(FULL)
    assert saved

    later = replace(saved, backlog=None, cursor=None, published={}, error=None)
    reconciliations.save(later)

    assert reconciliations.find("staging") == replace(later, version=2)


def test_a_write_on_an_older_state_is_refused(reconciliations: Reconciliations):
    first = reconciliations.save(FULL)
    assert first
    second = reconciliations.save(replace(first, failures=3))

    assert reconciliations.save(replace(first, failures=9)) is None
    assert reconciliations.save(FULL) is None
    assert reconciliations.find("staging") == second


Accept = Callable[..., Pipeline]
