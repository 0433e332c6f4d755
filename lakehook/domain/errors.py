"""Errors of Lakehook.

::

    LakehookError
    ├── InvalidInput             refused input: one line, nothing changed
    │   ├── InvalidEvent         a message on the events queue
    │   ├── InvalidMessage       a message on the deliveries queue
    │   ├── InvalidNotification  a body that is not a notification of DevLake
    │   ├── InvalidSignature     a notification that DevLake has not signed
    │   │   └── Unsigned         a request without a signature in DevLake's form
    │   ├── InvalidEndpoint      a URL that is never called
    │   ├── InvalidSubscription  a field of a subscription
    │   ├── InvalidSpool         a file that is not a spool, or cannot be used as one
    │   ├── NotDevlake           an address where DevLake's REST API does not answer
    │   └── StackNotFound        a name under which no Lakehook is deployed
    ├── NotFound                 no subscription of that id or name
    ├── TemplateFailed           a template whose output cannot be sent
    ├── Conflict                 the subscription was changed since it was read
    ├── PendingDeliveries        a subscription that has waiting deliveries
    ├── LaneConflict             another worker has written the lane since it was read
    ├── PublishError             whatever a publisher raises: InvalidEvent, InvalidSpool, and
    │   ├── QueueUnavailable     SQS did not take an event: also an InfrastructureError
    │   └── SpoolFull            the producer's spool is at its limit
    ├── DevlakeUnavailable       DevLake's REST API does not answer, or not now
    └── InfrastructureError      DynamoDB, KMS or SQS failed: never the endpoint's fault

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
    """A URL that is never called."""


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
