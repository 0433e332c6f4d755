"""The blueprint, synthesized once per stage and session."""

import pytest

from infra.snapshot import synthesize
from tests.infra.blueprint import Blueprint


@pytest.fixture(scope="session")
def production(tmp_path_factory: pytest.TempPathFactory) -> Blueprint:
    return Blueprint(synthesize("production", tmp_path_factory.mktemp("production")))


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Blueprint:
    return Blueprint(synthesize("rehearsal", tmp_path_factory.mktemp("rehearsal")))
