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

STAGE = "witness"
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

    def make(self, recipe: str, stage: str, *more: str) -> Made:
        ended = subprocess.run(
            ["make", "--no-print-directory", recipe, f"STAGE={stage}", self._with(*more)],
            cwd=ROOT,
            env=os.environ | self.access | OURSELVES,  # noqa: TID251
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Made(ended.returncode == 0, ended.stdout)

    def deploy(self, stage: str, **parameters: str) -> Mapping[str, str]:
        """The outputs of its stack."""
        outputs = self.folder / f"{stage}.json"
        given = [f"--parameters={name}={value}" for name, value in parameters.items()]
        at_once = ("--require-approval=never", f"--outputs-file={outputs}")
        made = self.make("deploy", stage, *at_once, *given)
        assert made.succeeded, made.said
        (told,) = json.loads(outputs.read_text("utf-8")).values()
        return dict(told)

    def choose(self, choices: str = "") -> None:
        """What an operator writes to ``stages.toml`` for the stage that may be deleted."""
        self._choices.write_text(f"[production]\n[{STAGE}]\n{choices}", "utf-8")

    @property
    def _choices(self) -> Path:
        return self.folder / "stages.toml"

    def _with(self, *more: str) -> str:
        """Its cloud runs the functions on this machine; what is made is kept apart from cdk.out."""
        if not self._choices.exists():
            self.choose()
        app = shlex.join([sys.executable, "-m", "tests.witness.app"])
        ours = (
            *("--app", app, "--output", str(self.folder / "cdk.out")),
            *("--context", f"processor={this_processor()}"),
            *("--context", f"stages={self._choices}"),
        )
        return f"WITH={shlex.join([*ours, *more])}"
