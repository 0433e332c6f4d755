"""Peak memory of the delivery function, with the largest events there can be.

``python -m bench.memory`` is the process that is measured.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.cold_start import SETTINGS
from bench.delivering import LANES, Function
from bench.harness import Row, check_limit
from bench.receiver import running_receiver

MAX_MB = 150.0
EVENT_BYTES = 127 * 1024
BATCHES = 5
KILOBYTES_IN_MB = 1000


def measure(*, quick: bool) -> Sequence[Row]:  # noqa: ARG001  it takes a second
    command = [sys.executable, "-m", "bench.memory"]
    environment = os.environ | SETTINGS
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    megabytes = int(answer.stdout.split()[-1]) * 1024 / KILOBYTES_IN_MB / 1e3
    reached = check_limit(megabytes, MAX_MB, unit="MB")
    measure = "peak memory, batches of 10 × 128 KiB"
    return [Row(measure=measure, value=megabytes, unit="MB", on="in-memory ports", **reached)]


def main() -> None:
    """Deliver with the clients that the function has, which the in-memory ports do not need."""
    from lakehook.adapters.aws import Aws  # noqa: PLC0415  the parent needs none of it

    clients = Aws()
    held_clients = [clients.dynamodb(), clients.sqs(), clients.kms()]
    with running_receiver() as url:
        event_fields = {"data": {"text": "x" * EVENT_BYTES}}
        function = Function([f"{url}/{n}" for n in range(LANES)], event_fields=event_fields)
        for _ in range(BATCHES):
            function(function.batch())
        function.close()
    assert held_clients
    print(_peak_kilobytes())


def _peak_kilobytes() -> int:
    """Return the most that this program has held; ``ru_maxrss`` may be that of its parent.

    https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
    """
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise RuntimeError("/proc/self/status says no VmHWM: this is measured on Linux")


if __name__ == "__main__":
    main()
