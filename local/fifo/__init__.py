"""A model of one Amazon SQS FIFO queue: plain Python, no threads, no sleeping, its clock passed in.

It serves twice: behind moto's SQS endpoint in the local cloud (``local.sqs``), and alone under
simulated time. Its promises are those of Amazon SQS:

- A receive returns, of each group it takes, a run of messages from the group's front: what stands
  before an invisible message may be delivered, what stands behind it never.
- A deduplication id is known for five minutes, also after the message was deleted.
- A message that was received ``max_receive_count`` times moves to the dead-letter queue at the
  receive that would have returned it again.
- Only the first 120,000 messages are looked at for a free group, and no more than 120,000 are in
  flight; beyond that a receive returns nothing, and no error.

Where Amazon's documentation is silent, the model decides: free groups are served by the age of
their first message; a repeated receive attempt counts as no further receive; a move task leaves
messages that are in flight where they are.

``tests/probes/sqs_fifo_probe.py`` holds it to SQS. A check that it did not pass would stand here as
an item, by its name and with the reason; it passes all.
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
