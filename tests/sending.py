"""An attempt as the deliver function makes it, up to the transport."""

from lakehook.delivery.sender import AttemptDelivery, RenderDelivery, SignedSender
from lakehook.ports.outbound import SubscriptionCredentials
from tests.fakes import (
    FakeClock,
    FakeCredentialStore,
    FakeRandom,
    FakeTemplateRenderer,
    FakeTransport,
)


def a_sender(transport: FakeTransport, credentials: SubscriptionCredentials) -> SignedSender:
    return SignedSender(FakeCredentialStore(credentials), transport, FakeClock(), FakeRandom())


def an_attempt(transport: FakeTransport, credentials: SubscriptionCredentials) -> AttemptDelivery:
    sender = a_sender(transport, credentials)
    return AttemptDelivery(RenderDelivery(FakeTemplateRenderer()), sender, FakeClock())
