"""CPU for each delivered webhook, compared with bare loops that only sign and post."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import requests
import urllib3

from bench.delivering import LANES, SECRET, Function
from bench.harness import MEMORY, Row, compare, cpu_seconds, measure_in_turns
from bench.receiver import running_receiver
from lakehook.domain.channels.webhook import request_headers

BODY = b'{"pipeline_id":39,"event_type":"PIPELINE_CREATED","trigger_source":"manual"}' * 2
MAX_RATIO = 0.75


def measure(*, quick: bool) -> Sequence[Row]:
    batches, rounds = (5, 3) if quick else (40, 9)
    with running_receiver() as url, pinned_to_one_core():
        function = Function([f"{url}/{n}" for n in range(LANES)])
        works = {name: _time(post, times=LANES * batches) for name, post in post_loops(url).items()}
        works["lakehook"] = lambda: cpu_seconds(function.deliveries(batches), times=batches) / LANES
        samples = measure_in_turns(works, rounds=rounds)
        function.close()
    reference = samples["requests"]
    comparison = compare(
        samples["lakehook"], reference, reference_name="requests.Session", at_most=MAX_RATIO
    )
    rows = [
        samples["lakehook"].row("CPU per webhook", factor=1e6, unit="µs", on=MEMORY, **comparison)
    ]
    for name in ("requests", "urllib3", "http.client"):
        comparison = compare(samples[name], reference, reference_name="requests.Session")
        rows.append(
            samples[name].row(
                f"… a loop of {name}", factor=1e6, unit="µs", on="loopback", **comparison
            )
        )
    return rows


@contextmanager
def pinned_to_one_core() -> Iterator[None]:
    """Pin the process to one core, as a function has no more; over two, threads contend."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def post_loops(url: str) -> dict[str, Callable[[], object]]:
    """Return loops of signed POSTs over a kept-alive connection, by HTTP client."""
    session, pool = requests.Session(), urllib3.PoolManager()
    host = urlsplit(url)
    connection = HTTPConnection(host.hostname or "", host.port)

    def by_http_client() -> None:
        connection.request("POST", "/hook", BODY, _signed_headers())
        connection.getresponse().read()

    return {
        "requests": lambda: session.post(
            f"{url}/hook", data=BODY, headers=_signed_headers(), timeout=10
        ),
        "urllib3": lambda: pool.request(
            "POST", f"{url}/hook", body=BODY, headers=_signed_headers(), timeout=10
        ),
        "http.client": by_http_client,
    }


def _signed_headers() -> dict[str, str]:
    return request_headers(message_id="sub_0#39#1", at=time.time(), body=BODY, secrets=[SECRET])


def _time(work: Callable[[], object], *, times: int) -> Callable[[], float]:
    return lambda: cpu_seconds(work, times=times)
