"""The blueprint as ``app.py`` has it, with what the witness takes in another form."""

import json
import os
from pathlib import Path

import app
from tests.witness.preparation import prepare


def main(assembly: Path) -> None:
    app.main()
    for template in assembly.glob("*.template.json"):
        template.write_text(json.dumps(prepare(json.loads(template.read_text("utf-8")))))


if __name__ == "__main__":
    main(Path(os.environ["CDK_OUTDIR"]))  # noqa: TID251  where the CDK's command wants it
