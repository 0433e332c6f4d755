"""What changes in a message that moves to another queue.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

from dataclasses import replace

from local.fifo.message import Entry, Message


def dead_letter(entry: Entry, source: str) -> Entry:
    """Let the message's own id deduplicate it from now on."""
    message = replace(entry.message, deduplication_id=entry.message.id, dead_letter_source=source)
    return Entry(message, entry.receive_count, entry.first_received_at)


def redriven(message: Message, message_id: str) -> Entry:
    """Begin anew: under a new id, and received by nobody."""
    return Entry(replace(message, id=message_id, dead_letter_source=None))
