"""Event source mapping: passes batches of a queue to a function, as Lambda's pollers do.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html, and what was recorded of it
in tests/outside/aws_lambda.
"""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore, Event, Thread
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.batch import done, event_of
from local.function_specs import MappingSpec
from local.invocation import InvocationFailure, Result

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_LONG_POLL_SECONDS = 2
"""Seconds; Lambda waits 20, but here a stop should be quick, and an empty poll is cheap."""

_PAUSE_SECONDS = 1
"""Seconds between a failed poll and the next."""

logger = logging.getLogger(__name__)


class EventSourceMapping:
    """Mapping of a queue to a function; the queue keeps a group from being in flight twice."""

    def __init__(
        self,
        spec: MappingSpec,
        sqs: "SQSClient",
        invoke: Callable[[Mapping[str, Any]], Result],
        *,
        concurrency: int,
    ) -> None:
        self._spec = spec
        self._sqs = sqs
        self._invoke = invoke
        self._slots = BoundedSemaphore(concurrency)
        self._invocations = ThreadPoolExecutor(concurrency, thread_name_prefix="invocation")
        self._stopping = Event()
        self._poller = Thread(target=self._poll, name=f"poller of {spec.function}", daemon=True)

    def start(self) -> None:
        self._poller.start()

    def ask_to_stop(self) -> None:
        """Request a stop, without waiting; the poll in progress may still receive."""
        self._stopping.set()

    def stop(self) -> None:
        """Wait until the last batch has been processed."""
        self.ask_to_stop()
        self._poller.join()
        self._invocations.shutdown()

    def _poll(self) -> None:
        """Receive only when a batch could be invoked, so that no message waits here."""
        while self._slots.acquire() and not self._stopping.is_set():
            messages = self._received()
            if messages:
                self._invocations.submit(self._deal_with, messages)
            else:
                self._slots.release()

    def _received(self) -> list["MessageTypeDef"]:
        try:
            response = self._sqs.receive_message(
                QueueUrl=self._spec.queue_url,
                MaxNumberOfMessages=self._spec.batch_size,
                WaitTimeSeconds=_LONG_POLL_SECONDS,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        except (BotoCoreError, ClientError) as error:
            logger.warning("%s could not be polled: %s", self._spec.queue_arn, error)
            self._stopping.wait(_PAUSE_SECONDS)
            return []
        return response.get("Messages", [])

    def _deal_with(self, messages: list["MessageTypeDef"]) -> None:
        try:
            self._invoke_and_delete(messages)
        except Exception:
            logger.exception("a batch of %s stays in its queue", self._spec.queue_arn)
        finally:
            self._slots.release()

    def _invoke_and_delete(self, messages: list["MessageTypeDef"]) -> None:
        result = self._invoke(event_of(messages, queue_arn=self._spec.queue_arn))
        if isinstance(result, InvocationFailure) and not self._stopping.is_set():
            logger.warning("%s failed: %s", self._spec.function, result)
        receipts = {message["MessageId"]: message["ReceiptHandle"] for message in messages}
        self._delete(
            receipts[message_id]
            for message_id in done(
                list(receipts), result, reports_failures=self._spec.reports_failures
            )
        )

    def _delete(self, receipts: Any) -> None:
        """Delete messages; those that the function has deleted, or SQS rejects, are ignored."""
        entries: Any = [
            {"Id": str(index), "ReceiptHandle": receipt} for index, receipt in enumerate(receipts)
        ]
        if entries:
            self._sqs.delete_message_batch(QueueUrl=self._spec.queue_url, Entries=entries)
