"""The blueprint, synthesized once per stage and session."""

import platform
from pathlib import Path

import pytest

from infra.bundle import function_names, this_processor, write_bundle
from infra.local_template import SNAPSHOT_CHOICES, synthesize
from infra.stage import PARAMETERS_DIGEST
from tests.infra.blueprint import Blueprint


@pytest.fixture(scope="session")
def blueprints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Blueprint]:
    """Synthesize all stages in one run, since to start the CDK costs more than a stage.

    The digest of the parameters is only for a stage with a deployment config, which is CHOSEN.
    """
    stages = {"production": SNAPSHOT_CHOICES, "rehearsal": "", "chosen": CHOSEN}
    templates = synthesize(
        stages, tmp_path_factory.mktemp("stages"), **{PARAMETERS_DIGEST: "012345"}
    )
    return {stage: Blueprint(template) for stage, template in templates.items()}


@pytest.fixture(scope="session")
def production(blueprints: dict[str, Blueprint]) -> Blueprint:
    return blueprints["production"]


@pytest.fixture(scope="session")
def rehearsal(blueprints: dict[str, Blueprint]) -> Blueprint:
    return blueprints["rehearsal"]


CHOSEN = """
account = "123456789012"
region = "eu-central-1"
qualifier = "mine"
permissions_boundary = "developers"
tags = { team = "data-platform" }
alarms = true
dashboard = true
deployment_config = "LambdaCanary10Percent5Minutes"
secrets_key_arn = "arn:aws:kms:eu-central-1:210987654321:key/01234567-89ab-cdef-0123-456789abcdef"
operators_topic_arn = "arn:aws:sns:eu-central-1:210987654321:on-call"
ca_bundle_arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/lakehook/ca-bundle"
producers = ["210987654321", "arn:aws:iam::123456789012:role/pipeline-service"]

[chosen.retention]
retry_schedule = "5,60"
events_days = 14
records_days = 20
logs_days = 30

[chosen.network]
subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
security_groups = ["sg-0123456789abcdef0"]
"""


@pytest.fixture(scope="session")
def chosen(blueprints: dict[str, Blueprint]) -> Blueprint:
    """A stage with a value for every setting."""
    return blueprints["chosen"]


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Build bundles as for Lambda, but for this machine's processor."""
    if platform.system() != "Linux":
        pytest.skip("the bundles hold wheels for Linux, and this machine has another system")
    out = tmp_path_factory.mktemp("bundles")
    paths = {name: out / name for name in function_names()}
    for name, path in paths.items():
        write_bundle(name, path, processor=this_processor())
    return paths
