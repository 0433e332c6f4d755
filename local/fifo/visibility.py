"""How long a consumer may hold a message.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

from local.fifo.refusal import invalid

LONGEST_SECONDS = 43_200


def check_timeout(seconds: float) -> None:
    if not 0 <= seconds <= LONGEST_SECONDS:
        raise invalid(
            "VisibilityTimeout", seconds, f"Must be between 0 and {LONGEST_SECONDS}, if provided."
        )


def check_total(seconds: float, held_seconds: float) -> None:
    """Twelve hours count from the receive, and no change starts them anew."""
    if held_seconds + seconds > LONGEST_SECONDS:
        raise invalid(
            "VisibilityTimeout",
            seconds,
            "Total VisibilityTimeout for the message is beyond the limit "
            f"[{LONGEST_SECONDS} seconds]",
        )
