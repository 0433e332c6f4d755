"""A model of one Amazon SQS FIFO queue: plain Python, no threads, no sleeping, its clock passed in.

It serves twice: behind moto's SQS endpoint in the local cloud (``local.sqs``), and alone under
simulated time. Its promises are those of Amazon SQS:

- A receive returns, of each group it takes, a run of messages from the group's front: what stands
  before an invisible message may be delivered, what stands behind it never.
- A free group's place is that of its first message. A message that was never received has the
  place of its send. One that comes back (by visibility 0, a changed or an expired visibility
  timeout) goes behind everything that waits then, and its group with it.
- A deduplication id is known for five minutes, also after the message was deleted. A purge forgets
  all of them.
- A message that was received ``max_receive_count`` times moves to the dead-letter queue at the
  receive that would have returned it again.
- Only the first 120,000 messages are looked at for a free group, and no more than 120,000 are in
  flight; beyond that a receive returns nothing, and no error.

``tests/outside/sqs`` has what SQS was recorded to answer, the order of groups among it, with its
source; the model is held to it. SQS promises no order between groups, and what was recorded is a
few queues of one shard: a large queue may well differ.

Believed, for neither documentation nor a recording says so: groups that come back in one instant
are served in the order of their messages; a repeated receive attempt counts as no further receive;
a move task leaves messages that are in flight where they are; a message that comes into sight by
the look-ahead has the place of its send.

``tests/probes/sqs_fifo_probe.py`` asks the same over the network of whatever answers as SQS does.
It was never run against Amazon SQS: what it expects is documentation, and the recordings.
"""

from local.fifo.message import Message, Received, Sent
from local.fifo.moves import MoveTask, MoveTasks
from local.fifo.queue import FifoQueue
from local.fifo.settings import Limits, QueueSettings, RedrivePolicy
from local.fifo.validation import SqsError

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
