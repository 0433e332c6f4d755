"""Bundles: everything that the functions import and nothing that the runtime brings."""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from infra.bundle import (
    DATA_NOBODY_READS,
    FUNCTIONS_DIR,
    LEFT_UNCOMPILED,
    PYTHON,
    REQUIREMENTS,
    ROOT,
    digest,
    function_names,
    lambdas_python,
    remove_unused_files,
    size,
    this_processor,
    write_bundle,
    write_bytecode,
)
from infra.node import node_environment

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

UNCHECKED = (1).to_bytes(4, "little")  # https://peps.python.org/pep-0552/

THIRTY_MEGABYTES = 30 * 1024 * 1024

ALL_FUNCTIONS = set(function_names())
RENEWED = {
    "functions/deliver/handler.py": {"deliver"},
    "functions/deliver/requirements.txt": {"deliver"},
    "functions/requirements.txt": ALL_FUNCTIONS,
    "functions/__init__.py": ALL_FUNCTIONS,
    "lakehook/domain/event.py": ALL_FUNCTIONS,
    "lakehook/cli/command.py": set(),
    "lakehook/console/app.py": set(),
    "infra/bundle.py": ALL_FUNCTIONS,
    "infra/stack.py": set(),
    "tests/conftest.py": set(),
    "requirements.txt": set(),
}

CDK_SCRIPT = """
import json, sys
from aws_cdk import App, FileSystem, IgnoreMode, Stack
from infra.bundle import function_names, sources_of
from infra.constructs.lambda_function import all_but, code_of

def key(processor):
    app = App(context={"aws:cdk:bundling-stacks": [], "processor": processor})
    stack = Stack(app)
    return code_of("scheduler", stack).bind(stack).s3_location.object_key

print(json.dumps([{
    tree: {
        name: FileSystem.fingerprint(
            tree, exclude=all_but(sources_of(name)), ignore_mode=IgnoreMode.GLOB
        )
        for name in function_names()
    }
    for tree in sys.argv[1:]
}, [key(processor) for processor in ("aarch64", "x86_64", "aarch64")]]))
"""
BEFORE = "nothing"


@pytest.fixture(params=function_names())
def bundle(request: pytest.FixtureRequest, bundles: dict[str, Path]) -> Path:
    return bundles[request.param]


@pytest.fixture(scope="module")
def for_lambda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle with the most wheels that are compiled, for Lambda's processor."""
    out = tmp_path_factory.mktemp("for-lambda")
    write_bundle("api", out)
    return out


def names_in(bundle: Path) -> set[str]:
    return {path.name for path in bundle.iterdir()}


def pins(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.partition(" ;")[0] for line in lines if line and not line.startswith("#")}


def shipped(bundle: Path) -> set[str]:
    directories = (directory.name.partition("-")[0] for directory in bundle.glob("*.dist-info"))
    return {name.replace("_", "-").lower() for name in directories}


def requirements_of_wheels(bundle: Path) -> set[str]:
    texts = [
        metadata.read_text(encoding="utf-8") for metadata in bundle.glob("*.dist-info/METADATA")
    ]
    lines = [
        line for text in texts for line in re.findall(r"^Requires-Dist: (.*)$", text, re.MULTILINE)
    ]
    return {
        requirement.name.lower().replace("_", "-")
        for requirement in map(Requirement, lines)
        if requirement.marker is None
        or requirement.marker.evaluate({"python_version": "3.13", "extra": ""})
    }


def test_a_function_ships_itself_and_the_library_and_no_other_function(bundle: Path) -> None:
    (handler,) = bundle.glob("functions/*/handler.py")

    assert handler.parent.name in str(bundle)
    assert (bundle / "lakehook" / "settings.py").is_file()
    assert "aws_lambda_powertools" in names_in(bundle)


def test_only_those_ship_cryptography_that_make_keys_or_sign(bundles: dict[str, Path]) -> None:
    carrying = {name for name, bundle in bundles.items() if shipped(bundle) & {"cryptography"}}

    assert carrying == {"api", "deliver"}


def test_nothing_shadows_what_the_runtime_brings(bundle: Path) -> None:
    assert not names_in(bundle) & BROUGHT_BY_THE_RUNTIME


def test_requirements_of_every_wheel_are_in_the_bundle_or_the_runtime(bundle: Path) -> None:
    missing = requirements_of_wheels(bundle) - shipped(bundle)

    assert missing <= {"jmespath", "python-dateutil"}


@pytest.mark.parametrize("name", ["api", "deliver"])
def test_time_zones_ship_as_the_runtimes_system_may_have_none(
    bundles: dict[str, Path], name: str
) -> None:
    script = """if True:
        from lakehook.domain.time import format_local, is_time_zone, parse_rfc3339
        assert is_time_zone("Asia/Shanghai")
        print(format_local(parse_rfc3339("2026-01-01T12:00:00Z"), "Asia/Shanghai"))
    """
    environment = {
        "PYTHONPATH": str(bundles[name]),
        "PYTHONTZPATH": "",
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    process = subprocess.run(
        [sys.executable, "-S", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert process.stdout == "2026-01-01 20:00:00 UTC+08:00\n", process.stderr


@pytest.mark.parametrize("name", ["api", "deliver"])
def test_a_template_is_rendered_without_the_data_that_is_left_out(
    bundles: dict[str, Path], name: str
) -> None:
    bundle = bundles[name]
    assert not (bundle / "babel" / "locale-data").exists()
    script = f"""if True:
        import os, sys
        sys.path[:0] = [{str(bundle)!r}]
        import babel, pytz
        from lakehook.adapters.liquid import LiquidRenderer
        from lakehook.domain.template import Template
        assert babel.__file__.startswith({str(bundle)!r})
        text = "{{{{ at | date: '%H' }}}} {{{{ name | json }}}}"
        fields = {{"at": "2026-01-01T12:00:00Z", "name": "lake"}}
        print(LiquidRenderer().render(Template(body=text), fields).body)
    """
    environment = {"PYTHONDONTWRITEBYTECODE": "1"}

    process = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )

    assert process.stdout == '12 "lake"\n', process.stderr


def test_compiled_modules_are_for_the_functions_processor_and_python(for_lambda: Path) -> None:
    compiled = list(for_lambda.rglob("*.so"))

    assert compiled
    assert all(path.name.endswith(FOR_OUR_PYTHON) for path in compiled)
    assert {path.read_bytes()[18:20] for path in compiled} == {AARCH64}


def bytecode_in(bundle: Path) -> set[Path]:
    """Paths of the bytecode that an import would look for."""
    return {
        path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc"
        for path in bundle.rglob("*.py")
    }


@pytest.mark.skipif(lambdas_python() is None, reason=f"there is no Python {PYTHON} here")
@pytest.mark.parametrize("name", sorted(ALL_FUNCTIONS - {*LEFT_UNCOMPILED}))
def test_lambda_compiles_nothing_that_ships(bundles: dict[str, Path], name: str) -> None:
    compiled = set(bundles[name].rglob("*.pyc"))

    assert compiled == bytecode_in(bundles[name])
    assert {path.read_bytes()[4:8] for path in compiled} == {UNCHECKED}


@pytest.mark.parametrize("name", LEFT_UNCOMPILED)
def test_a_bundle_that_bytecode_would_make_too_large_has_none(
    bundles: dict[str, Path], name: str
) -> None:
    assert not list(bundles[name].rglob("*.pyc"))


def test_without_lambdas_python_a_bundle_has_no_bytecode_and_a_warning_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "module.py").touch()
    monkeypatch.setattr("infra.bundle.lambdas_python", lambda: None)

    write_bytecode(tmp_path)

    assert names_in(tmp_path) == {"module.py"}
    assert "functions will start slower" in capsys.readouterr().err


def test_a_bundle_is_small_enough_to_start_fast(bundle: Path) -> None:
    assert size(bundle) <= THIRTY_MEGABYTES


def test_the_same_sources_make_the_same_bundle_byte_for_byte(
    bundles: dict[str, Path], tmp_path: Path
) -> None:
    write_bundle("fanout", tmp_path, processor=this_processor())

    assert digest(tmp_path) == digest(bundles["fanout"])


@pytest.mark.parametrize("name", ["deliver", "ingress"])
def test_functions_that_face_the_internet_bundle_their_own_urllib3(
    bundles: dict[str, Path], name: str
) -> None:
    (directory,) = bundles[name].glob("urllib3-*.dist-info")

    assert (bundles[name] / "urllib3").is_dir()
    assert directory.name == f"urllib3-{version('urllib3')}.dist-info"
    requirements = [Requirement(require) for require in requires("botocore") or ()]
    assert [
        version("urllib3") in requirement.specifier
        for requirement in requirements
        if requirement.name == "urllib3"
    ] == [True]


def test_bundled_versions_are_those_tested() -> None:
    for path in ROOT.glob(f"{FUNCTIONS_DIR}/**/{REQUIREMENTS}"):
        assert pins(path) <= pins(ROOT / REQUIREMENTS)


def test_data_that_no_template_asks_for_stays_behind(tmp_path: Path) -> None:
    for data in DATA_NOBODY_READS:
        (tmp_path / data).mkdir(parents=True)
        (tmp_path / data / "de.dat").touch()
    (tmp_path / "babel" / "core.py").touch()

    remove_unused_files(tmp_path)

    assert not any((tmp_path / data).exists() for data in DATA_NOBODY_READS)
    assert (tmp_path / "babel" / "core.py").exists()


def test_a_function_is_uploaded_again_only_when_what_it_is_made_of_changes(
    cdk_hashes: Any,
) -> None:
    hashes, _ = cdk_hashes

    for changed, expected in RENEWED.items():
        renewed = {name for name in ALL_FUNCTIONS if hashes[changed][name] != hashes[BEFORE][name]}
        assert (changed, renewed) == (changed, expected)


def test_a_bundle_for_another_processor_has_another_asset_key(cdk_hashes: Any) -> None:
    _, (same, other_processor, lambdas) = cdk_hashes

    assert same == lambdas
    assert other_processor != lambdas


def a_tree(root: Path, changed: str) -> None:
    """A tree of all sources that are hashed, with one file changed."""
    for path in RENEWED:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("after" if path == changed else "before")


@pytest.fixture(scope="module")
def cdk_hashes(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The hashes of trees of which one file has changed, and an asset's key by processor.

    The CDK runs in a process of its own, and once: its start costs most.
    """
    trees = {changed: tmp_path_factory.mktemp("tree") for changed in (BEFORE, *RENEWED)}
    for changed, tree in trees.items():
        a_tree(tree, changed)
    output = subprocess.run(
        [sys.executable, "-c", CDK_SCRIPT, *map(str, trees.values())],
        cwd=ROOT,
        env=os.environ | node_environment(),  # noqa: TID251  a command hands its environment on
        check=True,
        capture_output=True,
    ).stdout
    hashes, keys = json.loads(output)
    return {changed: hashes[str(tree)] for changed, tree in trees.items()}, keys
