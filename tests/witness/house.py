"""The house's own recipes, as an operator types them, with the witness for AWS."""

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
BOTH = f"{STAGE},production"
"""Stages that are synthesized, bundled and deployed together: each alone would cost the same."""
APP = shlex.join([sys.executable, "-m", "tests.witness.app"])
OURSELVES = {"CDK_VALIDATION": "false"}  # `make check` has it, and it takes longer than all else


@dataclass(frozen=True)
class Made:
    """How a recipe ended, and all that it has said."""

    succeeded: bool
    said: str


@dataclass(frozen=True)
class House:
    folder: Path
    access: Mapping[str, str]

    def make(self, recipe: str, stage: str, *more: str, app: str = APP) -> Made:
        ended = subprocess.run(
            ["make", "--no-print-directory", recipe, f"STAGE={stage}", self._with(app, *more)],
            cwd=ROOT,
            env=os.environ | self.access | OURSELVES,  # noqa: TID251
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Made(ended.returncode == 0, ended.stdout)

    def bootstrap(self) -> None:
        """Name the environment, so that nothing is synthesized to find it."""
        self._succeed("bootstrap", STAGE, f"aws://{ACCOUNT_ID}/{REGION}")

    def deploy(self, **parameters: str) -> Mapping[str, str]:
        """Deploy both stages, and return the outputs of the one that may be deleted."""
        outputs = self.folder / "outputs.json"
        given = [f"--parameters={name}={value}" for name, value in parameters.items()]
        at_once = ("--require-approval=never", f"--outputs-file={outputs}")
        self._succeed("deploy", BOTH, *at_once, *given)
        return dict(json.loads(outputs.read_text("utf-8"))[f"Lakehook-{STAGE}"])

    def destroy(self, stage: str) -> Made:
        """Destroy what was synthesized for the deployment."""
        return self.make("destroy", stage, "--force", app=self._assembly)

    def _succeed(self, recipe: str, stage: str, *more: str) -> None:
        made = self.make(recipe, stage, *more)
        assert made.succeeded, made.said

    def choose(self, choices: str = "") -> None:
        """What an operator writes to ``stages.toml`` for the stage that may be deleted."""
        self._choices.write_text(f"[production]\n[{STAGE}]\n{choices}", "utf-8")

    @property
    def _choices(self) -> Path:
        return self.folder / "stages.toml"

    @property
    def _assembly(self) -> str:
        return str(self.folder / "cdk.out")

    def _with(self, app: str, *more: str) -> str:
        """Its cloud runs the functions on this machine; what is made is kept apart from cdk.out."""
        if not self._choices.exists():
            self.choose()
        ours = (
            *("--app", app, "--output", self._assembly),
            *("--context", f"processor={this_processor()}"),
            *("--context", f"stages={self._choices}"),
        )
        return f"WITH={shlex.join([*ours, *more])}"
