"""Processes are killed outright."""

from collections.abc import Iterator

import pytest

from local.installation import LocalLakehook

VISIBILITY, VISIBLE_AGAIN_SECONDS = "VisibilityTimeout", 2


@pytest.fixture
def soon_visible_again(lakehook: LocalLakehook) -> Iterator[None]:
    """Shorten the visibility of a killed process' messages from half a minute."""
    sqs, deployment = lakehook.client("sqs"), lakehook.deployment
    urls = (deployment.events_queue_url, deployment.deliveries_queue_url)
    usual = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[VISIBILITY]) for url in urls]
    for url in urls:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={VISIBILITY: str(VISIBLE_AGAIN_SECONDS)})
    yield
    for url, was in zip(urls, usual, strict=True):
        sqs.set_queue_attributes(QueueUrl=url, Attributes=was["Attributes"])


def kill(lakehook: LocalLakehook, *handlers: str) -> int:
    """SIGKILL every process of these functions, and start a new one of each; how many died."""
    functions = [
        function
        for function in lakehook.functions.values()
        if function._spec.handler.startswith(handlers)
    ]
    processes = [process for function in functions for process in list(function._environments)]
    for process in processes:
        process.kill()
    for function in functions:
        function.start()
    return len(processes)
