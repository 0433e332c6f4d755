"""SQS on a laptop: moto's service, with the faithful model behind every FIFO queue.

Standard queues stay moto's, but for two rules of SQS they are held to: no deduplication id, and no
more than ten entries in a batch. The model feeds neither moto's CloudFormation nor its Lambda.
"""

from moto.sqs.models import SQSBackend, sqs_backends

from local.sqs.service import ModelledService


def install() -> None:
    """Call it before a server or a mock starts. Queues made earlier are forgotten."""
    _serve(ModelledService)


def uninstall() -> None:
    """Leave SQS to moto alone, with no queues."""
    _serve(SQSBackend)


def _serve(backend: type[SQSBackend]) -> None:
    if sqs_backends.backend is not backend:
        sqs_backends.backend = backend
        sqs_backends.clear()
