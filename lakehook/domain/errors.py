"""What can go wrong that is worth a name.

::

    LakehookError
    ├── BadInput            someone gave us something we refuse: one line, nothing changed
    │   ├── BadEvent        a message on the events queue
    │   ├── BadMessage      a message on the deliveries queue
    │   ├── BadNotice       a body that is no notice of DevLake's
    │   ├── BadSign         a notice that DevLake has not signed
    │   │   └── Unsigned    a request without a sign as DevLake makes one
    │   ├── BadEndpoint     a URL we never call
    │   ├── BadSubscription a field of a subscription
    │   ├── BadSpool        a file that is no spool, or cannot be used as one


    │   ├── NoDevlake       an address where DevLake's REST API does not answer
    │   └── NoSuchStack     a name under which no Lakehook is deployed
    ├── NotFound            no subscription of that id or name
    ├── TemplateFailed      a template that gives nothing which could be sent
    ├── ChangedMeanwhile    somebody else has changed the subscription since it was read
    ├── StillWaiting        a subscription that may not go while deliveries wait for it
    ├── LaneMoved           another worker has written the lane since we read it
    ├── SpoolFull           the producer's spool holds as much as it may


    ├── DevlakeAway         DevLake's REST API does not answer, or not now
    └── OwnTrouble          DynamoDB, KMS or SQS failed us: never the receiver's fault

A receiver's failure is none of these: it is an ``Outcome``.
"""

import re

_WORD_START = re.compile(r"(?<=[a-z])(?=[A-Z])")


class LakehookError(Exception):
    """The root of the tree."""

    @property
    def kind(self) -> str:
        """What programs know it by: ``bad_subscription``."""
        return _WORD_START.sub("_", type(self).__name__).lower()


class BadInput(LakehookError):
    """Someone gave us something we refuse; the text says what, and what is allowed."""


class BadEvent(BadInput):
    """A message on the events queue that is no event."""


class BadMessage(BadInput):
    """A message on the deliveries queue that is no delivery, no resume and no ping."""


class BadNotice(BadInput):
    """A body that is no notice of DevLake's."""


class BadSign(BadInput):
    """A notice that was not signed with the notification secret."""


class Unsigned(BadSign):
    """A request whose query holds no sign as DevLake makes one."""


class BadEndpoint(BadInput):
    """A URL that is never called."""


class BadSubscription(BadInput):
    """A field of a subscription that is not allowed."""


class BadSpool(BadInput):
    """A file that is no spool, or cannot be used as one."""


class NoDevlake(BadInput):
    """What answers at that address is not DevLake's REST API."""


class NoSuchStack(BadInput):
    """No stack of that name says where a Lakehook is."""


class NotFound(LakehookError):
    """There is no subscription of that id or name."""


class TemplateFailed(LakehookError):
    """A subscription's template gives nothing that could be sent; the text says why."""


class ChangedMeanwhile(LakehookError):
    """Somebody else has changed the subscription since it was read."""


class StillWaiting(LakehookError):
    """The subscription has deliveries that wait for it or are dead letters."""


class LaneMoved(LakehookError):
    """Another worker has written the lane since we read it."""


class SpoolFull(LakehookError):
    """The producer's spool holds as much as it may; nothing was added."""


class DevlakeAway(LakehookError):
    """DevLake's REST API does not answer, or not now."""


class OwnTrouble(LakehookError):
    """DynamoDB, KMS or SQS failed us; the receiver had no part in it."""
