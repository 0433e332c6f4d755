"""Errors of Lakehook: of refused input, with one line and nothing changed, and all others.

An endpoint's failure is not one of these: it is an ``Outcome``.
"""

import re

_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])")


class LakehookError(Exception):
    """Root of the tree."""

    @property
    def kind(self) -> str:
        """Name for programs: ``invalid_subscription``."""
        return _WORD_START.sub("_", type(self).__name__).lower()


class InvalidInput(LakehookError):
    """Refused input; the text says what was wrong, and what is allowed."""


class PublishError(LakehookError):
    """An event was not published, or a publisher can't be made; the text says why."""


class InvalidEvent(InvalidInput, PublishError):
    """A message on the events queue that is not an event."""


class InvalidMessage(InvalidInput):
    """A message on the deliveries queue that is not a delivery, a resume or a ping."""


class InvalidNotification(InvalidInput):
    """A body that is not a notification of DevLake."""


class InvalidSignature(InvalidInput):
    """A notification that the notification secret has not signed."""


class Unsigned(InvalidSignature):
    """A request whose query has no signature in DevLake's form."""


class InvalidEndpoint(InvalidInput):
    """A URL of an endpoint that is never called."""


class InvalidSubscription(InvalidInput):
    """A field of a subscription that is not allowed."""


class InvalidSpool(InvalidInput, PublishError):
    """A file that is not a spool, or cannot be used as one."""


class NotDevlake(InvalidInput):
    """An address at which something other than DevLake's REST API answers."""


class StackNotFound(InvalidInput):
    """No deployed stack of this name is a Lakehook."""


class NotFound(LakehookError):
    """No subscription has this id or name."""


class TemplateFailed(LakehookError):
    """A template's output cannot be sent; the text says why."""


class Conflict(LakehookError):
    """The subscription was changed since it was read."""


class NameTaken(Conflict):
    """Another subscription in force has the name."""


class PendingDeliveries(LakehookError):
    """The subscription has waiting deliveries or dead letters."""


class LaneConflict(LakehookError):
    """Another worker has written the lane since it was read."""


class SpoolFull(PublishError):
    """The producer's spool is full; the event was not added."""


class DevlakeUnavailable(LakehookError):
    """DevLake's REST API does not answer, or not now."""


class InfrastructureError(LakehookError):
    """DynamoDB, KMS or SQS failed; the endpoint was not at fault."""


class QueueUnavailable(InfrastructureError, PublishError):
    """SQS did not accept an event: no queue, no access, or no response."""

    @property
    def kind(self) -> str:
        return "infrastructure_error"
