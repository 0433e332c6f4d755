"""The demonstration shows the main job, and tells by its exit status whether it was done."""

import os
import subprocess
import sys

from rich.cells import cell_len

from local.demo.scenario import demo_subscribers, stuck_subscriber
from local.function import ROOT

COLUMNS = 80
REFUSED = {"shaky": "3", "stuck": "3"}


def test_the_demonstration_ends_well_and_says_what_arrived():
    completed = subprocess.run(
        [sys.executable, "-m", "local", "demo"],
        cwd=ROOT,
        env={"PATH": os.defpath, "COLUMNS": "80", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert completed.returncode == 0, completed.stdout + completed.stderr
    for subscriber in (*demo_subscribers(), stuck_subscriber()[0]):
        expected = sum(map(len, subscriber.expects().values()))
        (row,) = (
            row
            for row in completed.stdout.splitlines()
            if row.startswith(f"│ {subscriber.receiver.name} ")
        )
        cells = [cell.strip() for cell in row.strip("│").split("│")]
        assert cells[2:5] == [f"{expected} of {expected}", "yes", "yes"]
        assert cells[5:] == [REFUSED.get(subscriber.receiver.name, "0"), "0"]
    assert "deliveries/s (480 in " in completed.stdout
    assert "stuck, 103: #1 #2 #3 arrived in order after the redrive." in completed.stdout
    assert max(map(cell_len, completed.stdout.splitlines())) <= COLUMNS
