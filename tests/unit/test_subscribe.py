import json
import re
from dataclasses import replace
from typing import NoReturn

import pytest

from lakehook.domain.delivery import Lane
from lakehook.domain.errors import (
    InfrastructureError,
    InvalidEndpoint,
    InvalidInput,
    InvalidSubscription,
    NotFound,
    PendingDeliveries,
)
from lakehook.domain.event import EventType
from lakehook.domain.lane import DeliveryRecord, HeldLane, SuspendedReason
from lakehook.domain.rate_limit import Rate
from lakehook.domain.signing import SignatureAlgorithm
from lakehook.domain.subscription import Subscription
from lakehook.subscriptions.subscribe import SubscriptionFields
from tests.builders import a_delivery, a_subscription
from tests.fakes import NOON
from tests.fakes_ops import FakeStack

URL = "https://ci.example/hook"
TERMS = SubscriptionFields(name="ci", url=URL)


def subscribe(stack: FakeStack, terms: SubscriptionFields = TERMS) -> Subscription:
    return stack.service().subscribe(terms)[0]


# --- subscribe ---


def test_a_new_subscription_is_in_force_with_an_id_and_the_defaults(stack: FakeStack) -> None:
    subscription, _ = stack.service().subscribe(TERMS)

    assert re.fullmatch(r"sub_[0-9a-f]{24}", subscription.id)
    assert stack.subscriptions.find(subscription.id) == subscription
    assert (subscription.event_types, subscription.signing) == ((), SignatureAlgorithm.HMAC)
    assert subscription.deadline_seconds == 10
    assert subscription.created_at == "2026-01-01T12:00:00.000+00:00"


def test_the_secret_is_stored_encrypted_for_the_subscription_alone(stack: FakeStack) -> None:
    subscription, secret = stack.service().subscribe(TERMS)

    (stored,) = subscription.secrets
    assert len(secret.key) == 32
    assert secret.key not in stored.ciphertext
    assert stack.encryptor.unseal(stored.ciphertext, subscription_id=subscription.id) == secret.key


def test_headers_are_encrypted_as_one_object_and_their_names_stay_visible(stack: FakeStack) -> None:
    terms = replace(TERMS, headers=["X-Team: lake", "Authorization: Bearer top-secret"])

    subscription = subscribe(stack, terms)

    assert subscription.header_names == ("x-team", "authorization")
    assert subscription.encrypted_headers is not None
    assert b"top-secret" not in subscription.encrypted_headers
    unsealed = stack.encryptor.unseal(
        subscription.encrypted_headers, subscription_id=subscription.id
    )
    assert json.loads(unsealed) == {"x-team": "lake", "authorization": "Bearer top-secret"}


@pytest.mark.parametrize(
    ("url", "display_url"),
    [
        ("https://ci.example/hook?key=top-secret&a", "https://ci.example/hook?key=…&…"),
        (
            "https://discord.com/api/webhooks/T0/top-secret",
            "https://discord.com/api/webhooks/…",
        ),
    ],
)
def test_a_url_that_is_a_credential_is_encrypted_and_its_display_url_stays_visible(
    stack: FakeStack, url: str, display_url: str
) -> None:
    stack.network.hosts["discord.com"] = ["93.184.216.34"]

    created = subscribe(stack, replace(TERMS, url=url))
    renamed = stack.service().update(created, SubscriptionFields(name="renamed"))
    plain = stack.service().update(renamed, TERMS)
    secret_again = stack.service().update(plain, SubscriptionFields(url=url))

    for subscription in (created, renamed, secret_again):
        assert subscription.endpoint.url == subscription.endpoint.display_url == display_url
        assert subscription.encrypted_url
        unsealed = stack.encryptor.unseal(subscription.encrypted_url, subscription_id=created.id)
        assert unsealed == url.encode()
    assert (plain.endpoint.url, plain.encrypted_url) == (URL, None)


def test_the_representation_of_fields_shows_neither_headers_nor_url() -> None:
    terms = SubscriptionFields(headers=["authorization: top-secret"], url=f"{URL}?key=top-secret")

    assert "top-secret" not in repr(terms)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": ""}, "name: "),
        ({"deadline_seconds": float("nan")}, "deadline: "),
        ({"language": "zh"}, "language: this channel sends data"),
        ({"url": "mailto:me@team.example"}, "url: https://host/path is what it takes"),
        ({"headers": ["x-team: lake\r\nhost: evil.example"]}, "header: the value of x-team"),
        ({"headers": ["webhook-id: mine"]}, "the sender's own"),
        ({"headers": [f"x-a: {'a' * 4096}"]}, "at most 4096 in all"),
        ({"headers": [f"x-a: {chr(34) * 2050}"]}, "at most 4096 in all"),
    ],
)
def test_invalid_fields_are_refused_and_nothing_is_saved(
    stack: FakeStack, change: dict[str, object], complaint: str
) -> None:
    with pytest.raises(InvalidInput, match=re.escape(complaint)):
        stack.service().subscribe(replace(TERMS, **change))  # type: ignore[arg-type]

    assert stack.subscriptions.all() == []


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://ci.example/", "only https"),
        ("https://laptop.example/", "127.0.0.1 is never called: loopback"),
        ("https://mixed.example/", "10.0.0.1 is never called: private"),
        ("http://vpc.internal/", "only https"),
        ("https://vpc.internal:8080/", "port 8080"),
    ],
)
def test_an_endpoint_is_checked_as_by_the_sender_unless_its_network_is_allowed(
    stack: FakeStack, url: str, complaint: str
) -> None:
    with pytest.raises(InvalidEndpoint, match=re.escape(complaint)):
        stack.service().subscribe(replace(TERMS, url=url))

    assert stack.subscriptions.all() == []
    opened = FakeStack(opened=["127.0.0.0/8"])
    assert subscribe(opened, replace(TERMS, url="http://laptop.example:8080/hook"))


def test_a_host_unknown_here_is_only_a_warning(stack: FakeStack) -> None:
    subscription = subscribe(stack, replace(TERMS, url="https://vpc.internal/hook"))

    assert stack.subscriptions.find(subscription.id)
    assert stack.warnings == [
        "vpc.internal does not resolve from here; the sender will check it again"
    ]


# --- amend ---


def test_an_update_changes_only_the_given_fields(stack: FakeStack) -> None:
    before = subscribe(stack, replace(TERMS, headers=["x-team: lake"]))

    after = stack.service().update(before, SubscriptionFields(name="builds", deadline_seconds=3))

    assert after == replace(before, name="builds", deadline_seconds=3, version=before.version + 1)
    assert stack.subscriptions.find(before.id) == after


def test_event_types_and_headers_are_replaced_as_a_whole_and_can_be_taken_away(
    stack: FakeStack,
) -> None:
    before = subscribe(
        stack, replace(TERMS, event_types=["TASK_FAILED"], headers=["x-a: 1", "x-b: 2"])
    )

    after = stack.service().update(
        before, SubscriptionFields(event_types=["PIPELINE_FAILED"], headers=["x-c: 3"])
    )
    bare = stack.service().update(after, SubscriptionFields(event_types=[], headers=[]))

    assert after.event_types == (EventType.PIPELINE_FAILED,)
    assert after.header_names == ("x-c",)
    assert after.secrets == before.secrets
    assert (bare.event_types, bare.header_names, bare.encrypted_headers) == ((), (), None)


BEARER = "authorization: Bearer s3cret"


@pytest.mark.parametrize(
    ("channel", "before", "after"),
    [
        ("webhook", URL, "https://other.example/hook"),
        ("webhook", URL, "https://ci.example:8443/hook"),
        ("webhook", URL, "https://ci.example.org/"),
        # A host with a receiver of another owner at each path.
        ("webhook", "https://webhook.site/one", "https://webhook.site/two"),
        ("email", "mailto:a@team.example", "mailto:a@team.example,b@team.example"),
    ],
)
def test_headers_do_not_follow_a_url_to_another_receiver(
    stack: FakeStack, channel: str, before: str, after: str
) -> None:
    service, header = stack.service(), "x-key: Bearer s3cret"
    subscription, _ = service.subscribe(
        SubscriptionFields(name="ci", channel=channel, url=before, headers=[header])
    )

    with pytest.raises(InvalidSubscription, match=r"whose headers \(x-key\) are not sent there"):
        service.update(subscription, SubscriptionFields(url=after))

    moved = service.update(subscription, SubscriptionFields(url=after, headers=[]))
    assert moved.header_names == ()
    (warning,) = [text for text in stack.warnings if "instead of" in text]
    assert f"{moved.id}) sends to {moved.endpoint.display_url} now instead of " in warning
    assert f"rotate-secret {moved.id}" in warning


def test_headers_stay_with_another_path_of_their_server(stack: FakeStack) -> None:
    service = stack.service()
    subscription, _ = service.subscribe(SubscriptionFields(name="ci", url=URL, headers=[BEARER]))

    amended = service.update(subscription, SubscriptionFields(url=f"{URL}/other"))

    assert amended.header_names == ("authorization",)
    assert stack.warnings == []


def test_a_bad_amendment_leaves_the_subscription_as_it_was(stack: FakeStack) -> None:
    before = subscribe(stack)

    with pytest.raises(InvalidEndpoint):
        stack.service().update(
            before, SubscriptionFields(name="new", url="https://laptop.example/")
        )
    with pytest.raises(InvalidSubscription, match="nothing to change"):
        stack.service().update(before, SubscriptionFields())

    assert stack.subscriptions.find(before.id) == before


# --- look up ---


def test_a_subscription_is_found_by_its_id_or_its_unique_name(
    stack: FakeStack,
) -> None:
    look_up = stack.service().find_subscription
    stack.subscriptions.save(a_subscription(id="sub_new", created_at="2026-02-01T00:00:00+00:00"))
    assert look_up("sub_new") == look_up("ci")
    stack.subscriptions.save(a_subscription(id="sub_old", created_at="2026-01-01T00:00:00+00:00"))

    with pytest.raises(InvalidSubscription, match="sub_old, sub_new"):
        look_up("ci")
    assert look_up("sub_old").id == "sub_old"
    assert [subscription.id for subscription in look_up.all()] == ["sub_old", "sub_new"]


def test_a_removed_subscription_is_found_by_its_id_and_only_on_request(
    stack: FakeStack,
) -> None:
    stack.subscriptions.save(a_subscription(removed_at="2026-01-01T00:00:00Z", name="gone"))
    stack.subscriptions.save(a_subscription(id="sub_b", name="sub_a"))
    look_up = stack.service().find_subscription

    assert look_up("sub_a", removed=True).id == "sub_a"
    assert look_up("sub_a").id == "sub_b"
    assert [subscription.id for subscription in look_up.all()] == ["sub_b"]
    with pytest.raises(NotFound, match="gone"):
        look_up("gone", removed=True)


# --- unsubscribe ---


def with_waiting_and_dead(stack: FakeStack, subscription: Subscription) -> HeldLane:
    """Hold a lane with a dead head and a delivery behind it, due in an hour."""
    head, follower = (a_delivery(n, subscription=subscription.id) for n in (1, 2))
    held = HeldLane(lane=head.lane, head=1, due_at=NOON + 3600, held_since=NOON, version=1)
    dead = DeliveryRecord.waiting(head).dead("spent")
    stack.ledger.save(dead, before=None, after=held)
    joined = held.with_appended(2, now=NOON)
    stack.ledger.save(DeliveryRecord.waiting(follower), before=held, after=joined)
    return joined


def test_a_removed_subscription_leaves_a_tombstone_without_secrets(stack: FakeStack) -> None:
    subscription = subscribe(stack, replace(TERMS, headers=["x-team: lake"]))

    tombstone, _ = stack.service().unsubscribe(subscription)

    assert stack.subscriptions.find(subscription.id) == tombstone
    assert tombstone.removed_at == "2026-01-01T12:00:00.000+00:00"
    assert (tombstone.secrets, tombstone.encrypted_headers) == ((), None)


def test_a_subscription_with_pending_deliveries_is_removed_only_if_they_may_be_discarded(
    stack: FakeStack,
) -> None:
    subscription = subscribe(stack)
    held = with_waiting_and_dead(stack, subscription)
    other = with_waiting_and_dead(stack, a_subscription(id="sub_other"))

    with pytest.raises(PendingDeliveries, match="1 waiting delivery and 1 dead letter in 1 lane"):
        stack.service().unsubscribe(subscription)

    assert stack.subscriptions.find(subscription.id) == subscription
    assert stack.ledger.lanes[held.lane] == held

    tombstone, backlog = stack.service().unsubscribe(subscription, discard_waiting=True)

    assert tombstone.removed_at
    assert (backlog.waiting, backlog.dead, backlog.lanes) == (1, 1, 1)
    assert [due.lane for due in stack.ledger.due(NOON)] == [held.lane]
    assert stack.ledger.lanes[other.lane] == other


def test_a_removal_is_effective_before_the_discarded_deliveries_are_counted(
    stack: FakeStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = subscribe(stack)
    with_waiting_and_dead(stack, subscription)

    def timeout(_lane: HeldLane) -> NoReturn:
        raise InfrastructureError("the function's time is over")

    monkeypatch.setattr(stack.ledger, "waiting_deliveries", timeout)
    with pytest.raises(InfrastructureError):
        stack.service().unsubscribe(subscription, discard_waiting=True)

    removed = stack.subscriptions.find(subscription.id)
    assert removed
    assert removed.removed_at


def test_a_removal_that_is_repeated_finishes_what_is_left_and_keeps_its_time(
    stack: FakeStack,
) -> None:
    tombstone, _ = stack.service().unsubscribe(subscribe(stack))
    held = with_waiting_and_dead(stack, tombstone)
    stack.clock.sleep(60)

    second_tombstone, backlog = stack.service().unsubscribe(tombstone)

    assert second_tombstone == tombstone
    assert (backlog.waiting, backlog.dead) == (1, 1)
    assert [due.lane for due in stack.ledger.due(NOON + 60)] == [held.lane]


def test_lanes_behind_letters_are_resumed_when_they_may_skip(stack: FakeStack) -> None:
    subscription = stack.subscriptions.save(a_subscription())
    lane = with_waiting_and_dead(stack, subscription).lane

    strict = SubscriptionFields(ordering="strict", deadline_seconds=3)
    subscription = stack.service().update(subscription, strict)
    assert stack.ledger.lanes[lane].due_at == NOON + 3600
    stack.service().update(subscription, SubscriptionFields(ordering="skip"))

    assert stack.ledger.lanes[lane].due_at == NOON + 10


def test_lanes_suspended_by_a_rate_are_resumed_when_it_changes(stack: FakeStack) -> None:
    subscription = stack.subscriptions.save(a_subscription(rate=Rate.parse("1/h")))
    held = HeldLane.held_at(Lane(subscription.id, "39"), 1, now=NOON).suspended_for(
        SuspendedReason.CIRCUIT_OPEN
    )
    delivery = a_delivery(subscription=subscription.id)
    stack.ledger.save(DeliveryRecord.waiting(delivery), before=None, after=held)

    quick = stack.service().update(subscription, SubscriptionFields(rate="none"))
    assert quick.rate is None
    assert stack.ledger.lanes[held.lane].due_at == NOON + 10


@pytest.mark.parametrize(
    "terms", [SubscriptionFields(channel="webhook"), SubscriptionFields(format="lakehook")]
)
def test_a_subscription_keeps_its_channel_and_its_format(
    stack: FakeStack, terms: SubscriptionFields
) -> None:
    subscription = subscribe(stack)

    with pytest.raises(InvalidSubscription, match="a subscription keeps its own"):
        stack.service().update(subscription, terms)


def test_only_the_host_of_a_url_that_is_a_credential_is_shown(stack: FakeStack) -> None:
    stack.network.hosts["chat.example"] = ["93.184.216.34"]
    url = "https://chat.example/hooks/abc/Zx9Y"

    subscription = subscribe(stack, SubscriptionFields(name="team", url=url, channel="slack"))

    endpoint = subscription.endpoint
    assert (endpoint.url, endpoint.display_url) == (
        "https://chat.example/…",
        "https://chat.example/…",
    )
    assert subscription.encrypted_url
    unsealed = stack.encryptor.unseal(subscription.encrypted_url, subscription_id=subscription.id)
    assert unsealed == url.encode()
