"""What ships: everything the functions import and nothing that the runtime brings."""

import re
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra.bundle import REQUIREMENTS, ROOT, write_bundle
from tests.infra.blueprint import Blueprint

BROUGHT_BY_THE_RUNTIME = {
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "s3transfer",
    "six.py",
}

FOR_OUR_PYTHON = (".cpython-313-aarch64-linux-gnu.so", ".abi3.so")
AARCH64 = (183).to_bytes(2, "little")  # e_machine in the ELF header

THIRTY_MEGABYTES = 30 * 1024 * 1024


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle")
    write_bundle(out)
    return out


def names_in(bundle: Path) -> set[str]:
    return {path.name for path in bundle.iterdir()}


def pins(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.partition(" ;")[0] for line in lines if line and not line.startswith("#")}


def requirements_of_wheels(bundle: Path) -> set[str]:
    return {
        requirement.lower()
        for metadata in bundle.glob("*.dist-info/METADATA")
        for requirement, condition in re.findall(
            r"^Requires-Dist: ([\w.-]+)(.*)$", metadata.read_text(encoding="utf-8"), re.MULTILINE
        )
        if "extra ==" not in condition
    }


def test_the_functions_and_their_library_ship(bundle: Path) -> None:
    assert {"functions", "lakehook", "aws_lambda_powertools", "requests"} <= names_in(bundle)
    assert (bundle / "lakehook" / "settings.py").is_file()
    assert not list(bundle.rglob("__pycache__"))


def test_nothing_shadows_what_the_runtime_brings(bundle: Path) -> None:
    assert not names_in(bundle) & BROUGHT_BY_THE_RUNTIME


def test_all_that_a_wheel_needs_ships_or_is_brought(bundle: Path) -> None:
    shipped = {pin.partition("==")[0] for pin in pins(REQUIREMENTS)}
    missing = {
        needed.replace("_", "-")
        for needed in requirements_of_wheels(bundle)
        if needed.replace("_", "-") not in shipped
    }

    assert missing == {"jmespath"}


def test_compiled_modules_are_for_the_functions_processor_and_python(bundle: Path) -> None:
    compiled = list(bundle.rglob("*.so"))

    assert compiled
    assert all(path.name.endswith(FOR_OUR_PYTHON) for path in compiled)
    assert {path.read_bytes()[18:20] for path in compiled} == {AARCH64}


def test_the_bundle_is_small_enough_to_start_fast(bundle: Path) -> None:
    size = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())

    assert size <= THIRTY_MEGABYTES


def test_the_urllib3_that_meets_receivers_is_ours_and_not_the_runtimes(bundle: Path) -> None:
    (shipped,) = bundle.glob("urllib3-*.dist-info")

    assert (bundle / "urllib3").is_dir()
    assert shipped.name == f"urllib3-{version('urllib3')}.dist-info"
    wanted = [Requirement(one) for one in requires("botocore") or ()]
    assert [version("urllib3") in one.specifier for one in wanted if one.name == "urllib3"] == [
        True
    ]


def test_what_ships_is_what_was_tested() -> None:
    assert pins(REQUIREMENTS) <= pins(ROOT / "requirements.txt")


def test_the_same_sources_are_the_same_asset_for_every_function_and_stage(
    production: Blueprint, rehearsal: Blueprint
) -> None:
    assert len(production.asset_keys) == 1
    assert production.asset_keys == rehearsal.asset_keys
