"""Plans of subscriptions as code, and their application, without a file or a terminal."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehook.cli.commands.subscriptions_apply import format_document, parse_source_file
from lakehook.domain.destination import Endpoint
from lakehook.domain.errors import (
    Conflict,
    InvalidInput,
    InvalidSubscription,
    NameTaken,
    PendingDeliveries,
)
from lakehook.domain.event import EventType
from lakehook.domain.rate_limit import Rate
from lakehook.domain.retry import RetrySchedule
from lakehook.domain.signing import EncryptedSecret, SignatureAlgorithm
from lakehook.domain.subscription import WEBHOOK, Ordering, Subscription
from lakehook.domain.template import Template
from lakehook.subscriptions.apply import Apply, Change, Export, Plan, StepResult
from lakehook.subscriptions.apply.fields import FIELDS
from lakehook.subscriptions.apply.parser import InvalidFile, SourceFile
from lakehook.subscriptions.subscribe import SubscriptionFields
from tests.builders import a_subscription
from tests.fakes import NOON
from tests.fakes_ops import FakeStack
from tests.integration.authority import Authority
from tests.unit.test_subscribe import with_waiting_and_dead

URL = "https://ci.example/hook"
CI = {"name": "ci", "url": URL}
VARIABLES = {"TOKEN": "Bearer top-secret", "URL": f"{URL}?key=top-secret", "SECRET": "topsecret"}


def revealing(variables: Mapping[str, str]) -> Any:
    def reveal(kind: str, name: str) -> str:
        if name not in variables:
            raise InvalidInput(f"{kind}: {name!a} is not set, or empty")
        return variables[name]

    return reveal


def plan(
    stack: FakeStack, *entries: Any, variables: Mapping[str, str] = VARIABLES, **options: Any
) -> Plan:
    source = SourceFile(name="s.yaml", document={"subscriptions": list(entries)}, lines={})
    return Apply(stack.service()).plan(source, revealing(variables), **options)


def apply(stack: FakeStack, *entries: Any, **options: Any) -> list[StepResult]:
    waiting = {"discard_waiting": options.get("discard_waiting", False)}
    return list(Apply(stack.service())(plan(stack, *entries, **options), **waiting))


def faults(stack: FakeStack, *entries: Any, **options: Any) -> list[str]:
    with pytest.raises(InvalidFile) as refused:
        plan(stack, *entries, **options)
    return [fault.removeprefix("s.yaml:1: ") for fault in refused.value.faults]


def changes(stack: FakeStack, *entries: Any, **options: Any) -> list[Change]:
    return [change for step in plan(stack, *entries, **options).steps for change in step.changes]


def _terms() -> SubscriptionFields:
    return SubscriptionFields(name="ci", url=URL)


def only(stack: FakeStack) -> Subscription:
    (subscription,) = stack.service().find_subscription.all()
    return subscription


# --- steps ---


def test_a_missing_subscription_is_created_and_its_secret_returned(stack: FakeStack) -> None:
    (result,) = apply(stack, {**CI, "event_types": ["PIPELINE_FAILED"], "rate": "20/m"})

    created = only(stack)
    assert (created.event_types, str(created.rate)) == (("PIPELINE_FAILED",), "20/m")
    assert result.subscription == created
    assert result.secret is not None


def test_applied_again_there_is_nothing_to_do(stack: FakeStack) -> None:
    entry = {**CI, "headers": {"x": {"env": "TOKEN"}}, "pattern": {"a": [1]}, "paused": True}
    apply(stack, entry)

    second_plan = plan(stack, entry)

    assert (second_plan.steps, second_plan.unchanged) == ((), ("ci",))


def test_a_change_is_listed_by_field_and_changes_no_other_field(stack: FakeStack) -> None:
    apply(stack, {**CI, "rate": "20/m", "headers": {"x": {"env": "TOKEN"}}})
    before = only(stack)
    entry = {**CI, "deadline_seconds": 5, "headers": {"x": {"env": "TOKEN"}}}

    change_list = changes(stack, entry)
    apply(stack, entry)

    assert change_list == [Change("deadline_seconds", 10.0, 5.0), Change("rate", "20/m", "none")]
    after = only(stack)
    assert after == replace(before, deadline_seconds=5.0, rate=None, version=before.version + 1)


def test_a_field_missing_in_the_file_takes_its_default(stack: FakeStack) -> None:
    apply(
        stack,
        {
            **CI,
            "event_types": ["TASK_FAILED"],
            "pattern": '{"a": ["b"]}',
            "deadline_seconds": 5,
            "ordering": "skip",
            "retry_schedule": [1, 2.5],
            "rate": "1/s",
            "headers": {"x": {"env": "TOKEN"}},
        },
    )

    apply(stack, CI)
    defaults = FakeStack()
    apply(defaults, CI)

    values = [[spec.current(only(fakes)) for spec in FIELDS] for fakes in (stack, defaults)]
    assert values[0] == values[1]
    assert only(stack).encrypted_headers is None


def test_a_pause_missing_in_the_file_stays(stack: FakeStack) -> None:
    (result,) = apply(stack, {**CI, "paused": True})
    assert result.subscription.paused_at
    assert result.subscription.version == 1, "it is never seen active"

    assert plan(stack, CI).steps == ()
    assert changes(stack, {**CI, "paused": False}) == [Change("paused", old=True, new=False)]
    apply(stack, {**CI, "paused": False, "deadline_seconds": 3})
    assert only(stack).paused_at is None


def test_the_secret_of_an_existing_subscription_is_neither_changed_nor_read(
    stack: FakeStack,
) -> None:
    entry = {**CI, "secret": {"env": "GONE"}, "format": "devlake"}
    (result,) = apply(stack, entry, variables={"GONE": "topsecret"})
    assert result.secret is None, "whoever brought it knows it"
    before = only(stack)

    (step,) = plan(stack, {**entry, "deadline_seconds": 5}, variables={}).steps
    list(Apply(stack.service())(Plan(steps=(step,), unchanged=(), not_in_file=())))

    assert only(stack).secrets == before.secrets


# --- encrypted fields ---


def test_encrypted_fields_are_encrypted_again_on_request(stack: FakeStack) -> None:
    entry = {**CI, "url": {"env": "URL"}, "headers": {"x": {"env": "TOKEN"}}}
    apply(stack, entry)
    before = only(stack)
    new_values = {"URL": f"{URL}?key=another", "TOKEN": "another"}

    assert changes(stack, entry, variables=new_values) == []
    resealed = changes(stack, entry, variables=new_values, reseal=True)
    apply(stack, entry, variables=new_values, reseal=True)

    assert resealed == [Change(name, "sealed", "sealed anew") for name in ("url", "headers")]
    assert only(stack).encrypted_url != before.encrypted_url
    assert only(stack).encrypted_headers != before.encrypted_headers


def test_a_changed_url_is_noticed_by_its_rate_limit_key(stack: FakeStack) -> None:
    apply(stack, {**CI, "url": {"env": "URL"}})
    stack.subscriptions.save(replace(only(stack), rate_limit_key="hash of another"))

    assert changes(stack, {**CI, "url": {"env": "URL"}}) == [Change("url", "sealed", "sealed anew")]


# --- those that are not in the file ---


def test_subscriptions_not_in_the_file_stay_unless_they_are_pruned(
    stack: FakeStack,
) -> None:
    apply(stack, CI)
    assert (plan(stack).not_in_file, plan(stack).steps) == (("ci",), ())

    (result,) = apply(stack, prune=True)

    assert result.subscription.removed_at
    assert stack.service().find_subscription.all() == []


def test_a_subscription_with_pending_deliveries_is_not_pruned_and_stops_the_plan(
    stack: FakeStack,
) -> None:
    subscription, _ = stack.service().subscribe(_terms())
    with_waiting_and_dead(stack, subscription)

    with pytest.raises(PendingDeliveries, match="ci still has"):
        apply(stack, {**CI, "name": "new"}, prune=True)
    assert [subscription.name for subscription in stack.service().find_subscription.all()] == ["ci"]
    apply(stack, {**CI, "name": "new"}, prune=True, discard_waiting=True)
    assert [subscription.name for subscription in stack.service().find_subscription.all()] == [
        "new"
    ]
    assert list(stack.ledger.dead_letters(subscription.id)) == []


# --- concurrent changes ---


def test_a_concurrent_change_stops_the_plan_and_a_new_plan_has_the_remaining_steps(
    stack: FakeStack,
) -> None:
    apply(stack, {**CI, "name": "a"}, {**CI, "name": "b"}, {**CI, "name": "c"})
    entries = [{**CI, "name": name, "deadline_seconds": 5} for name in "abc"]
    first_plan = plan(stack, *entries)
    stack.service().pause(stack.service().find_subscription("b"))

    steps = Apply(stack.service())(first_plan)

    assert next(steps).step.name == "a"
    with pytest.raises(Conflict):
        next(steps)
    assert [step.name for step in plan(stack, *entries).steps] == ["b", "c"]


def test_of_two_runs_that_create_a_name_the_first_succeeds(stack: FakeStack) -> None:
    own_plan, other_plan = (plan(stack, CI, CI | {"name": "b"}) for _ in range(2))
    verb = Apply(stack.service())
    first = next(other_steps := verb(other_plan)).subscription
    stack.clock.sleep(1)
    own_steps = verb(own_plan)

    with pytest.raises(NameTaken, match="name: 'ci' is taken"):
        next(own_steps)

    list(other_steps)
    in_force = stack.service().find_subscription.all()
    assert [subscription.name for subscription in in_force] == ["ci", "b"]
    assert in_force[0].id == first.id
    assert plan(stack, CI, CI | {"name": "b"}).steps == ()


# --- refusals ---


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"url": 5}, "url of ci: 5 is not a text; if it is a credential, write {env: NAME} or"),
        ({"url": f"{URL}?key=top-secret"}, "url of ci: it looks like a credential, and this"),
        ({"url": {"env": "NO"}}, "url of ci: 'NO' is not set, or empty"),
        ({"url": "https://laptop.example"}, "url of ci: 127.0.0.1 is never called"),
        ({"url": None}, "url of ci: is missing"),
        ({"channel": "smoke"}, "channel of ci: 'smoke' is not one of webhook"),
        ({"format": "xml"}, "format of ci: 'xml' is not one of lakehook, devlake"),
        ({"language": "zh"}, "language of ci: this channel sends data, not text"),
        ({"event_types": "PIPELINE_FAILED"}, 'event_types of ci: "PIPELINE_FAILED" is not a list'),
        ({"event_types": ["NO"]}, "event_types of ci: 'NO' is not one of PIPELINE_CREATED"),
        ({"pattern": {"a": "b"}}, "pattern of ci: a is neither an object nor a list"),
        ({"pattern": 5}, "pattern of ci: 5 is not a mapping, or a text of JSON"),
        ({"deadline_seconds": 50}, "deadline_seconds of ci: 50 s is not within 1 to 20 s"),
        ({"deadline_seconds": True}, "deadline_seconds of ci: true is not a number of seconds"),
        ({"ordering": "lax"}, "ordering of ci: 'lax' is not one of strict, skip"),
        ({"retry_schedule": []}, "retry_schedule of ci: [] is not a list of seconds"),
        ({"retry_schedule": [-1]}, "retry_schedule of ci: -1 is not 0 to 604800 s"),
        ({"rate": 20}, "rate of ci: 20 is not a text; put it in quotes"),
        ({"headers": ["x"]}, "headers of ci: it is not a mapping of names"),
        ({"headers": {"x": "top-secret"}}, "headers of ci: x: this file must not contain secrets"),
        ({"headers": {"x": {"vault": "y"}}}, "headers of ci: x: not where it is; write {env:"),
        ({"headers": {"x": {"env": "NO"}}}, "headers of ci: x: 'NO' is not set, or empty"),
        ({"headers": {"x:y": {"env": "TOKEN"}}}, "headers of ci: a name with a colon in it"),
        ({"headers": {"host": {"env": "TOKEN"}}}, "headers of ci: host is the sender's own"),
        ({"paused": "yes"}, 'paused of ci: "yes" is not true or false'),
        ({"signing": "rsa"}, "signing of ci: 'rsa' is not one of hmac, ed25519"),
        ({"secret": "top-secret"}, "secret of ci: this file must not contain secrets; write {env"),
        ({"secret": {"env": "SECRET"}}, "secret of ci: "),
        ({"event_type": []}, "event_type of ci: no such key; did you mean event_types?"),
        ({"xyzzy": 1}, "xyzzy of ci: no such key; none of name, url, channel, format"),
    ],
)
def test_a_wrong_field_is_one_line_that_names_it_and_no_secret(
    stack: FakeStack, fields: Any, fault: str
) -> None:
    (line,) = faults(stack, {**CI, **fields})

    assert line.startswith(fault)
    assert "top-secret" not in line
    assert stack.service().find_subscription.all() == []


def test_all_faults_are_reported_at_once_and_nothing_is_saved(stack: FakeStack) -> None:
    wrong = {**CI, "name": "x", "rate": "fast", "deadline_seconds": 0}

    lines = faults(stack, CI, wrong, "hello", {"url": URL})

    assert sorted(line.partition(":")[0] for line in lines) == [
        "deadline_seconds of x",
        "name of subscriptions[3]",
        "rate of x",
        "subscriptions[2]",
    ]
    assert stack.service().find_subscription.all() == []


def test_a_name_that_two_entries_or_subscriptions_have_is_refused(stack: FakeStack) -> None:
    assert faults(stack, CI, CI) == ["name of ci: 2 entries have this name"]
    for id_ in ("sub_a", "sub_b"):
        stack.subscriptions.save(a_subscription(id=id_, name="ci"))

    (line,) = faults(stack, CI)

    assert line.endswith("2 subscriptions have this name: sub_a, sub_b; rename all but one")
    with pytest.raises(InvalidSubscription, match="2 subscriptions bear 'ci'"):
        Export()(stack.service().find_subscription.all())


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        (
            {"format": "devlake"},
            "format of ci: a subscription keeps its own, and this one is webhook",
        ),
        ({"signing": "ed25519"}, "signing of ci: another one takes lakehook subscriptions rotate"),
    ],
)
def test_a_permanent_field_of_a_subscription_is_not_changed(
    stack: FakeStack, fields: Any, fault: str
) -> None:
    apply(stack, CI)

    (line,) = faults(stack, {**CI, **fields})

    assert line.startswith(fault)


@pytest.mark.parametrize("document", [None, [], {}, {"subscriptions": None}, {"subscriptions": {}}])
def test_a_file_without_a_list_of_subscriptions_is_refused(stack: FakeStack, document: Any) -> None:
    source = SourceFile(name="s.yaml", document=document, lines={})

    with pytest.raises(InvalidFile, match="a list of mappings under this key"):
        Apply(stack.service()).plan(source, revealing({}))


# --- export ---

NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=8)
ENDPOINTS = [
    Endpoint.parse(URL),
    Endpoint.parse("https://ci.example:8443/a/b"),
    Endpoint.parse(f"{URL}?key=in-the-clear"),  # of an early release
    replace(Endpoint.parse(URL), url=f"{URL}?key=…"),
]
TEMPLATES = st.builds(
    Template,
    body=st.sampled_from([None, "{{ event_type | json }}", "two\nlines: {{ 湖 }}\n"]),
    headers=st.sampled_from([(), (("x-project", "{{ project_name }}"),)]),
).filter(lambda template: not template.is_empty)
SUBSCRIPTIONS = st.builds(
    a_subscription,
    name=NAMES,
    endpoint=st.sampled_from(ENDPOINTS),
    channel=st.sampled_from([WEBHOOK, "devlake"]),
    event_types=st.lists(st.sampled_from(EventType), unique=True).map(tuple),
    pattern=st.none() | st.sampled_from(['{"a": [1, true, 1.5, null]}', '{"no":["on", "湖"]}']),
    success_if=st.sampled_from([None, '{"code":[0]}']),
    deadline_seconds=st.floats(1, 20),
    ordering=st.sampled_from(Ordering),
    retry_schedule=st.none()
    | st.lists(st.floats(0, 600_000), min_size=1, max_size=5).map(
        lambda delays: RetrySchedule(tuple(delays))
    ),
    rate=st.none() | st.builds(Rate, st.integers(1, 100_000), st.sampled_from("smhd")),
    header_names=st.lists(st.sampled_from(["a", "x-y", "x_y"]), unique=True).map(tuple),
    paused_at=st.sampled_from([None, "2026-01-01T00:00:00Z"]),
    template=st.none() | TEMPLATES,
    secrets=st.sampled_from(
        [
            (EncryptedSecret(ciphertext=b"", signing=SignatureAlgorithm.HMAC),),
            (EncryptedSecret(ciphertext=b"", signing=SignatureAlgorithm.ED25519, public="whpk_x"),),
        ]
    ),
).map(
    lambda subscription: (
        replace(subscription, template=None) if subscription.channel == "devlake" else subscription
    )
)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(SUBSCRIPTIONS, max_size=4, unique_by=lambda subscription: subscription.name),
    st.booleans(),
)
def test_apply_finds_an_export_unchanged(
    subscriptions: list[Subscription],
    through_text: bool,  # noqa: FBT001  drawn
) -> None:
    stack, export = FakeStack(), Export()
    saved = [
        stack.subscriptions.save(
            replace(
                subscription,
                id=f"s{number}",
                encrypted_url=b"x" if "…" in subscription.endpoint.url else None,
            )
        )
        for number, subscription in enumerate(subscriptions)
    ]

    document = export(saved)
    urls = {
        f"URL of {subscription.name}": f"{subscription.endpoint.url.replace('…', 'x')}"
        for subscription in saved
    }
    variables = {name: urls.get(purpose, "value") for name, purpose in export.variables.items()}
    source = SourceFile(name="s", document=document, lines={})
    if through_text:
        source = parse_source_file(format_document(document, comments=export.variables), name="s")
    imported = Apply(stack.service()).plan(source, revealing(variables))

    assert imported.steps == ()
    assert imported.unchanged == tuple(subscription.name for subscription in saved)


def test_an_export_has_a_variable_for_each_encrypted_field(stack: FakeStack) -> None:
    apply(
        stack,
        {**CI, "name": "a b", "url": {"env": "URL"}, "headers": {"x": {"env": "TOKEN"}}},
        {**CI, "name": "a-b", "url": {"env": "URL"}},
    )

    export = Export()
    first, second = export(stack.service().find_subscription.all())["subscriptions"]

    assert first == {
        "name": "a b",
        "url": {"env": "LAKEHOOK_URL_A_B"},
        "headers": {"x": {"env": "LAKEHOOK_HEADER_A_B_X"}},
    }
    assert second["url"] == {"env": "LAKEHOOK_URL_A_B_2"}
    assert export.variables["LAKEHOOK_URL_A_B_2"] == "URL of a-b"


def test_a_client_certificate_is_not_in_the_file_and_stays_at_its_receiver(
    stack: FakeStack, tmp_path: Path
) -> None:
    apply(stack, CI)
    certificate, key = Authority(tmp_path, now=NOON).client("lakehook")
    stack.service().set_client_certificate(
        only(stack), certificate=certificate.decode(), key=key.decode()
    )
    (exported,) = Export()(stack.service().find_subscription.all())["subscriptions"]

    (moved,) = faults(stack, {**CI, "url": "https://new.example/hook"})
    apply(stack, {**CI, "url": f"{URL}/v2"})

    assert exported == CI
    assert moved.endswith(f"remove-client-certificate {only(stack).id}")
    assert only(stack).client_certificate
