"""Shared ministack for all tests here, to which both stages are deployed."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.witness.cloud import serving
from tests.witness.environments import is_installed
from tests.witness.make_recipes import STAGE, MakeRecipes

STACK = f"Lakehook-{STAGE}"


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if hasattr(request.config, "workerinput"):
        pytest.skip("one process deploys the stack: make witness")
    if not is_installed("ministack"):
        pytest.skip("`make witness` makes its environment, where there is the functions' Python")
    return tmp_path_factory.mktemp("witness")


@pytest.fixture(scope="session")
def recipes(folder: Path) -> Iterator[MakeRecipes]:
    """Recipes in an account that is bootstrapped once."""
    with serving(folder) as access:
        recipes = MakeRecipes(folder, access)
        recipes.bootstrap()
        yield recipes


@pytest.fixture(scope="session")
def outputs(recipes: MakeRecipes) -> Mapping[str, str]:
    return recipes.deploy(AllowedNetworks="127.0.0.0/8")


@pytest.fixture(autouse=True)
def _the_witness_is_aws(recipes: MakeRecipes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in recipes.access.items():
        monkeypatch.setenv(name, value)
