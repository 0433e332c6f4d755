"""The laptop runs what is deployed."""

from infra.local_template import SNAPSHOT, as_snapshot
from tests.infra.blueprint import Blueprint


def test_the_committed_template_is_what_the_blueprint_says(production: Blueprint) -> None:
    committed = SNAPSHOT.read_text(encoding="utf-8")

    assert committed == as_snapshot(production.template), (
        f"{SNAPSHOT.name} is behind the blueprint; refresh it: python -m infra.local_template"
    )


def test_a_change_of_code_alone_leaves_the_snapshot_as_it_is(production: Blueprint) -> None:
    snapshot = as_snapshot(production.template)

    assert production.asset_keys
    assert not [key for key in production.asset_keys if key in snapshot]


def test_the_snapshot_has_nothing_that_the_cdk_adds_for_itself(production: Blueprint) -> None:
    assert "CheckBootstrapVersion" in str(production.template)

    assert "Bootstrap" not in as_snapshot(production.template)
