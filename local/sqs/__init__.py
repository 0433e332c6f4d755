"""SQS on a laptop: moto's service, with the model behind every FIFO queue.

Standard queues are moto's, with two additional rules of SQS: no deduplication id, and at most ten
entries in a batch. moto's CloudFormation and Lambda do not use the model.

What SQS does is recorded in tests/outside/sqs; each rule beyond that links Amazon's documentation.
"""

from moto.sqs.models import SQSBackend, sqs_backends

from local.sqs.backend import ModelledService


def install() -> None:
    """Install this; call it before a server or a mock starts. Earlier queues are lost."""
    _serve(ModelledService)


def uninstall() -> None:
    """Restore moto's own SQS, without queues."""
    _serve(SQSBackend)


def _serve(backend: type[SQSBackend]) -> None:
    if sqs_backends.backend is not backend:
        sqs_backends.backend = backend
        sqs_backends.clear()
