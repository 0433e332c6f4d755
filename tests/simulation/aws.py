"""SQS as the adapters see it, over the faithful queues: the calls that Lakehook makes of it.

What a queue does is ``local.fifo``'s, and its evidence is in tests/outside/sqs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from local.fifo import FifoQueue, SqsError
from tests.simulation.faults import Fault, Gate


class SimulatedSqs:
    """Client of botocore's shape; a queue's URL is its name."""

    def __init__(
        self,
        queues: Mapping[str, FifoQueue],
        gate: Gate,
        changed: Callable[[str], None],
        on_send: Callable[[str, str, str, Mapping[str, Any]], None],
    ) -> None:
        self._queues = queues
        self._gate = gate
        self._changed = changed
        self._on_send = on_send

    def send_message(self, **message: Any) -> dict[str, Any]:
        name = message.pop("QueueUrl")
        return self._call(name, lambda: self._send(name, message))

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803
        return self._call(QueueUrl, lambda: self._send_batch(QueueUrl, Entries))

    def delete_message_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803
        return self._call("receipts", lambda: self._delete_batch(QueueUrl, Entries))

    def change_message_visibility(self, **change: Any) -> dict[str, Any]:
        return self._call("receipts", lambda: self._change(**change))

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: Sequence[Any]) -> Any:  # noqa: N803
        return self._call("receipts", lambda: self._change_batch(QueueUrl, Entries))

    def receive_message(self, **request: Any) -> dict[str, Any]:
        """Receive as an operator's command does; it finds what is there at once."""
        name = request["QueueUrl"]
        return self._call(f"{name}.receive", lambda: self._receive(name, request))

    def _receive(self, name: str, request: Mapping[str, Any]) -> dict[str, Any]:
        received = self._queues[name].receive(
            request["MaxNumberOfMessages"], visibility_timeout=request["VisibilityTimeout"]
        )
        return {
            "Messages": [
                {
                    "MessageId": received_message.message.id,
                    "ReceiptHandle": received_message.handle,
                    "Body": received_message.message.body,
                    "MessageAttributes": received_message.message.attributes,
                }
                for received_message in received
            ]
        }

    def delete(self, name: str, handles: Sequence[str]) -> None:
        """Delete what may be deleted; an expired handle is ignored."""
        entries = [{"Id": handle, "ReceiptHandle": handle} for handle in handles]
        self._delete_batch(name, entries)

    def _delete_batch(self, name: str, entries: Sequence[Any]) -> dict[str, Any]:
        failed = []
        for entry in entries:
            try:
                self._queues[name].delete(entry["ReceiptHandle"])
            except SqsError:
                failed.append({"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid"})
        self._changed(name)
        return {"Failed": failed}

    def _send(self, name: str, message: Mapping[str, Any]) -> dict[str, Any]:
        receipt = self._queues[name].send(
            message["MessageBody"],
            group_id=message["MessageGroupId"],
            deduplication_id=message["MessageDeduplicationId"],
            attributes=message.get("MessageAttributes"),
        )
        attributes = message.get("MessageAttributes", {})
        self._on_send(name, message["MessageGroupId"], message["MessageBody"], attributes)
        self._changed(name)
        return {"MessageId": receipt.message_id}

    def _send_batch(self, name: str, entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        assert _are_of_different_lanes(entries), "two deliveries of one lane in one batch"
        failed = []
        for entry in entries:
            if self._gate.faults.happens(Fault.ENTRY_FAILED, times_as_often=0.5):
                failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
                self._gate.faults.touched(self._gate.timeline.context)
            else:
                self._send(name, entry)
        return {"Failed": failed}

    def _change_batch(self, name: str, entries: Sequence[Any]) -> dict[str, Any]:
        failed = []
        for entry in entries:
            try:
                self._change(
                    QueueUrl=name,
                    ReceiptHandle=entry["ReceiptHandle"],
                    VisibilityTimeout=entry["VisibilityTimeout"],
                )
            except ClientError as refused:
                failed.append({"Id": entry["Id"], "Code": refused.response["Error"]["Code"]})
        return {"Failed": failed}

    def _change(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> Any:  # noqa: N803
        try:
            self._queues[QueueUrl].change_visibility(ReceiptHandle, VisibilityTimeout)
        except SqsError as refused:
            raise _error(refused.code) from None
        self._changed(QueueUrl)
        return {}

    def _call(self, operation: str, effect: Callable[[], Any]) -> Any:
        return self._gate.call(f"sqs.{operation}", effect, lambda: _error("InternalError"))


def _are_of_different_lanes(entries: Sequence[Mapping[str, Any]]) -> bool:
    if len({entry["MessageGroupId"] for entry in entries}) == len(entries):
        return True
    groups = [entry["MessageGroupId"] for entry in entries if _is_delivery(entry)]
    return len(groups) == len(set(groups))


def _is_delivery(entry: Mapping[str, Any]) -> bool:
    """Tell a delivery from a resume or a probe, whose order does not matter."""
    return bool(json.loads(entry["MessageBody"])["kind"] == "delivery")


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "simulated"}}, "simulated")
