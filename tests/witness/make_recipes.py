"""Recipes of the Makefile, as an operator types them, with the witness for AWS."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.bundle import ROOT, this_processor
from tests.witness.cloud import REGION
from tests.witness.stores import ACCOUNT_ID

STAGE = "witness"
BOTH_STAGES = f"{STAGE},production"
"""Stages that are synthesized, bundled and deployed together: each alone would cost the same."""
APP = shlex.join([sys.executable, "-m", "tests.witness.app"])
ENVIRONMENT = {"CDK_VALIDATION": "false"}  # `make check` has it, and it takes longer than all else


@dataclass(frozen=True)
class RecipeResult:
    """Result of a recipe, and all its output."""

    succeeded: bool
    output: str


@dataclass(frozen=True)
class MakeRecipes:
    folder: Path
    access: Mapping[str, str]

    def run(self, recipe: str, stage: str, *arguments: str, app: str = APP) -> RecipeResult:
        completed = subprocess.run(
            [
                "make",
                "--no-print-directory",
                recipe,
                f"STAGE={stage}",
                self._with_arguments(app, *arguments),
            ],
            cwd=ROOT,
            env=os.environ | self.access | ENVIRONMENT,  # noqa: TID251
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return RecipeResult(completed.returncode == 0, completed.stdout)

    def bootstrap(self) -> None:
        """Name the environment, so that nothing is synthesized to find it."""
        self._succeed("bootstrap", STAGE, f"aws://{ACCOUNT_ID}/{REGION}")

    def deploy(self, **parameters: str) -> Mapping[str, str]:
        """Deploy both stages, and return the outputs of the one that may be deleted."""
        outputs = self.folder / "outputs.json"
        parameter_options = [f"--parameters={name}={value}" for name, value in parameters.items()]
        options = ("--require-approval=never", f"--outputs-file={outputs}")
        self._succeed("deploy", BOTH_STAGES, *options, *parameter_options)
        return dict(json.loads(outputs.read_text("utf-8"))[f"Lakehook-{STAGE}"])

    def destroy(self, stage: str) -> RecipeResult:
        """Destroy what was synthesized for the deployment."""
        return self.run("destroy", stage, "--force", app=self._assembly)

    def _succeed(self, recipe: str, stage: str, *arguments: str) -> None:
        result = self.run(recipe, stage, *arguments)
        assert result.succeeded, result.output

    def write_stages(self, choices: str = "") -> None:
        """Write ``stages.toml`` with an operator's settings for the stage that may be deleted."""
        self._stages_file.write_text(f"[production]\n[{STAGE}]\n{choices}", "utf-8")

    @property
    def _stages_file(self) -> Path:
        return self.folder / "stages.toml"

    @property
    def _assembly(self) -> str:
        return str(self.folder / "cdk.out")

    def _with_arguments(self, app: str, *arguments: str) -> str:
        """Build the arguments of CDK: functions for this machine, an assembly of its own."""
        if not self._stages_file.exists():
            self.write_stages()
        options = (
            *("--app", app, "--output", self._assembly),
            *("--context", f"processor={this_processor()}"),
            *("--context", f"stages={self._stages_file}"),
        )
        return f"WITH={shlex.join([*options, *arguments])}"
