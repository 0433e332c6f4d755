"""A model of one Amazon SQS FIFO queue: plain Python, no threads, no waiting, an injected clock.

It is used behind moto's SQS endpoint in the local cloud (``local.sqs``), and alone under simulated
time. It behaves as Amazon SQS does:

- A receive returns a run of messages from the front of each group that it takes: messages before
  an invisible one may be received, those after it never.
- A free group has the position of its first message. A message that was never received has the
  position of its send. One that comes back (by visibility 0, a changed or an expired visibility
  timeout) goes behind everything that waits then, and its group with it.
- A deduplication id is remembered for five minutes, even after the message was deleted. A purge
  drops all of them.
- A message that was received ``max_receive_count`` times moves to the dead-letter queue at the
  receive that would have returned it again.
- Only the first 120,000 messages are searched for a free group, and no more than 120,000 are in
  flight; beyond that a receive returns nothing, without an error.

``tests/outside/sqs`` has SQS's recorded responses, including the order of groups, with their
source; the model is tested against them. SQS promises no order between groups. The recordings are
of a few queues with one shard, so a large queue may differ.

Believed, since neither documentation nor a recording says so: groups that come back at the same
instant are served in the order of their messages. A repeated receive attempt does not count as a
further receive. A move task leaves messages that are in flight where they are. A message that comes
into sight by the look-ahead has the position of its send.
"""

from local.fifo.message import Message, Received, Sent, SqsError
from local.fifo.message_store import Limits, QueueSettings, RedrivePolicy
from local.fifo.moves import MoveTask, MoveTasks
from local.fifo.queue import FifoQueue

__all__ = [
    "FifoQueue",
    "Limits",
    "Message",
    "MoveTask",
    "MoveTasks",
    "QueueSettings",
    "Received",
    "RedrivePolicy",
    "Sent",
    "SqsError",
]
