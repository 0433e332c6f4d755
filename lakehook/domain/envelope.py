"""Envelopes in which services wrap an event, each with the way to send the event alone."""

from lakehook.domain.json_document import Document

_ENVELOPES = (
    # https://docs.aws.amazon.com/sns/latest/dg/sns-large-payload-raw-message-delivery.html
    (
        "SNS",
        ("Type", "TopicArn", "Message"),
        "turn on raw message delivery for the topic's subscription (RawMessageDelivery)",
    ),
    # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
    (
        "EventBridge",
        ("detail-type", "source", "detail"),
        "send $.detail alone, by the input path of the rule's target (InputPath)",
    ),
    # https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    ("CloudEvents", ("specversion", "type", "source"), "send its data alone"),
)


def envelope_problem(document: Document) -> str | None:
    """Return what a document that is not an event is wrapped in, and the remedy."""
    for name, fields, remedy in _ENVELOPES:
        if all(field in document for field in fields):
            return (
                f"the event is in an envelope of {name} ({', '.join(fields)}): {remedy},"
                " in the group of its pipeline; see docs/producers.md"
            )
    return None
