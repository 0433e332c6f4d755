"""Message move tasks of SQS, which moto does not have.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

from moto.sqs.exceptions import InvalidParameterValue, SQSException

from local.fifo import MoveTask
from local.sqs.backend import ModelledBackend
from local.sqs.errors import said_by_moto
from local.sqs.queue import ModelledQueue


def start(
    backend: ModelledBackend, source_arn: str, destination_arn: str | None, per_second: int | None
) -> MoveTask:
    source = _queue(backend, "SourceArn", source_arn)
    destination = _queue(backend, "DestinationArn", destination_arn) if destination_arn else None
    if not backend.list_dead_letter_source_queues(source.name):
        raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
    with backend.lock, said_by_moto():
        task = backend.tasks.start(
            source.fifo, destination.fifo if destination else None, per_second
        )
        backend.wake_all()
    return task


def newest(backend: ModelledBackend, source_arn: str, limit: int) -> list[MoveTask]:
    source = _queue(backend, "SourceArn", source_arn)
    with backend.lock:
        return backend.tasks.newest(source.fifo.name, limit)


def cancel(backend: ModelledBackend, handle: str) -> MoveTask:
    with backend.lock, said_by_moto():
        return backend.tasks.cancel(handle)


def _queue(backend: ModelledBackend, parameter: str, arn: str) -> ModelledQueue:
    if queue := backend.modelled(arn):
        return queue
    raise SQSException(
        "ResourceNotFoundException",
        f"The resource that you specified for the {parameter} parameter doesn't exist.",
    )
