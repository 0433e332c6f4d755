"""One ministack for all tests here, to which both stages are deployed."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.witness.cloud import serving
from tests.witness.environments import is_furnished
from tests.witness.house import STAGE, House

STACK = f"Lakehook-{STAGE}"


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    if hasattr(request.config, "workerinput"):
        pytest.skip("one process deploys the stack: make witness")
    if not is_furnished("ministack"):
        pytest.skip("`make witness` makes its environment, where there is the functions' Python")
    return tmp_path_factory.mktemp("witness")


@pytest.fixture(scope="session")
def house(folder: Path) -> Iterator[House]:
    """In an account that has been made ready, once."""
    with serving(folder) as access:
        house = House(folder, access)
        house.bootstrap()
        yield house


@pytest.fixture(scope="session")
def outputs(house: House) -> Mapping[str, str]:
    return house.deploy(AllowedNetworks="127.0.0.0/8")


@pytest.fixture(autouse=True)
def _the_witness_is_aws(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in house.access.items():
        monkeypatch.setenv(name, value)
