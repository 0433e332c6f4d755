"""Plans, and what comes of them: no file and no terminal is needed for that."""

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
    stack: FakeStack, *entries: Any, variables: Mapping[str, str] = VARIABLES, **how: Any
) -> Plan:
    manuscript = SourceFile(name="s.yaml", document={"subscriptions": list(entries)}, lines={})
    return Apply(stack.service()).plan(manuscript, revealing(variables), **how)


def apply(stack: FakeStack, *entries: Any, **how: Any) -> list[StepResult]:
    waiting = {"discard_waiting": how.get("discard_waiting", False)}
    return list(Apply(stack.service())(plan(stack, *entries, **how), **waiting))


def faults(stack: FakeStack, *entries: Any, **how: Any) -> list[str]:
    with pytest.raises(InvalidFile) as refused:
        plan(stack, *entries, **how)
    return [fault.removeprefix("s.yaml:1: ") for fault in refused.value.faults]


def changes(stack: FakeStack, *entries: Any, **how: Any) -> list[Change]:
    return [change for step in plan(stack, *entries, **how).steps for change in step.changes]


def _terms() -> SubscriptionFields:
    return SubscriptionFields(name="ci", url=URL)


def only(stack: FakeStack) -> Subscription:
    (one,) = stack.service().find_subscription.all()
    return one


# --- what is done ---


def test_what_is_not_there_is_created_and_its_secret_told(stack: FakeStack) -> None:
    (done,) = apply(stack, {**CI, "event_types": ["PIPELINE_FAILED"], "rate": "20/m"})

    created = only(stack)
    assert (created.event_types, str(created.rate)) == (("PIPELINE_FAILED",), "20/m")
    assert done.subscription == created
    assert done.secret is not None


def test_applied_again_there_is_nothing_to_do(stack: FakeStack) -> None:
    entry = {**CI, "headers": {"x": {"env": "TOKEN"}}, "pattern": {"a": [1]}, "paused": True}
    apply(stack, entry)

    again = plan(stack, entry)

    assert (again.steps, again.unchanged) == ((), ("ci",))


def test_a_change_is_told_field_by_field_and_touches_no_other(stack: FakeStack) -> None:
    apply(stack, {**CI, "rate": "20/m", "headers": {"x": {"env": "TOKEN"}}})
    before = only(stack)
    entry = {**CI, "deadline_seconds": 5, "headers": {"x": {"env": "TOKEN"}}}

    told = changes(stack, entry)
    apply(stack, entry)

    assert told == [Change("deadline_seconds", 10.0, 5.0), Change("rate", "20/m", "none")]
    after = only(stack)
    assert after == replace(before, deadline_seconds=5.0, rate=None, version=before.version + 1)


def test_a_term_of_which_the_file_says_nothing_becomes_as_usual(stack: FakeStack) -> None:
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
    usual = FakeStack()
    apply(usual, CI)

    seen = [[key.current(only(one)) for key in FIELDS] for one in (stack, usual)]
    assert seen[0] == seen[1]
    assert only(stack).encrypted_headers is None


def test_of_a_pause_it_says_nothing_and_so_it_stays(stack: FakeStack) -> None:
    (done,) = apply(stack, {**CI, "paused": True})
    assert done.subscription.paused_at
    assert done.subscription.version == 1, "it is never seen active"

    assert plan(stack, CI).steps == ()
    assert changes(stack, {**CI, "paused": False}) == [Change("paused", old=True, new=False)]
    apply(stack, {**CI, "paused": False, "deadline_seconds": 3})
    assert only(stack).paused_at is None


def test_the_secret_of_one_that_is_there_is_neither_touched_nor_looked_for(
    stack: FakeStack,
) -> None:
    entry = {**CI, "secret": {"env": "GONE"}, "format": "devlake"}
    (done,) = apply(stack, entry, variables={"GONE": "topsecret"})
    assert done.secret is None, "whoever brought it knows it"
    before = only(stack)

    (step,) = plan(stack, {**entry, "deadline_seconds": 5}, variables={}).steps
    list(Apply(stack.service())(Plan(steps=(step,), unchanged=(), not_in_file=())))

    assert only(stack).secrets == before.secrets


# --- what is sealed ---


def test_what_is_sealed_is_sealed_anew_where_that_is_asked_for(stack: FakeStack) -> None:
    entry = {**CI, "url": {"env": "URL"}, "headers": {"x": {"env": "TOKEN"}}}
    apply(stack, entry)
    before = only(stack)
    other = {"URL": f"{URL}?key=another", "TOKEN": "another"}

    assert changes(stack, entry, variables=other) == []
    told = changes(stack, entry, variables=other, reseal=True)
    apply(stack, entry, variables=other, reseal=True)

    assert told == [Change(one, "sealed", "sealed anew") for one in ("url", "headers")]
    assert only(stack).encrypted_url != before.encrypted_url
    assert only(stack).encrypted_headers != before.encrypted_headers


def test_another_url_is_known_by_the_hash_by_which_it_is_paced(stack: FakeStack) -> None:
    apply(stack, {**CI, "url": {"env": "URL"}})
    stack.subscriptions.save(replace(only(stack), rate_limit_key="hash of another"))

    assert changes(stack, {**CI, "url": {"env": "URL"}}) == [Change("url", "sealed", "sealed anew")]


# --- those that are not in the file ---


def test_those_that_are_not_in_the_file_are_left_alone_unless_they_are_pruned(
    stack: FakeStack,
) -> None:
    apply(stack, CI)
    assert (plan(stack).not_in_file, plan(stack).steps) == (("ci",), ())

    (done,) = apply(stack, prune=True)

    assert done.subscription.removed_at
    assert stack.service().find_subscription.all() == []


def test_one_for_which_deliveries_wait_is_not_pruned_and_nothing_else_is_done(
    stack: FakeStack,
) -> None:
    subscription, _ = stack.service().subscribe(_terms())
    with_waiting_and_dead(stack, subscription)

    with pytest.raises(PendingDeliveries, match="ci still has"):
        apply(stack, {**CI, "name": "new"}, prune=True)
    assert [one.name for one in stack.service().find_subscription.all()] == ["ci"]
    apply(stack, {**CI, "name": "new"}, prune=True, discard_waiting=True)
    assert [one.name for one in stack.service().find_subscription.all()] == ["new"]
    assert list(stack.ledger.dead_letters(subscription.id)) == []


# --- somebody else is quicker ---


def test_where_somebody_was_quicker_it_stops_and_a_new_plan_has_the_rest(stack: FakeStack) -> None:
    apply(stack, {**CI, "name": "a"}, {**CI, "name": "b"}, {**CI, "name": "c"})
    wanted = [{**CI, "name": name, "deadline_seconds": 5} for name in "abc"]
    made = plan(stack, *wanted)
    stack.service().pause(stack.service().find_subscription("b"))

    doing = Apply(stack.service())(made)

    assert next(doing).step.name == "a"
    with pytest.raises(Conflict):
        next(doing)
    assert [step.name for step in plan(stack, *wanted).steps] == ["b", "c"]


def test_of_two_runs_that_create_the_same_the_first_ones_stays(stack: FakeStack) -> None:
    mine, theirs = (plan(stack, CI, CI | {"name": "b"}) for _ in range(2))
    verb = Apply(stack.service())
    first = next(doing := verb(theirs)).subscription
    stack.clock.sleep(1)
    list_of_mine = verb(mine)

    with pytest.raises(NameTaken, match="name: 'ci' is taken"):
        next(list_of_mine)

    list(doing)
    in_force = stack.service().find_subscription.all()
    assert [one.name for one in in_force] == ["ci", "b"]
    assert in_force[0].id == first.id
    assert plan(stack, CI, CI | {"name": "b"}).steps == ()


# --- what is refused ---


@pytest.mark.parametrize(
    ("said", "fault"),
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
    stack: FakeStack, said: Any, fault: str
) -> None:
    (line,) = faults(stack, {**CI, **said})

    assert line.startswith(fault)
    assert "top-secret" not in line
    assert stack.service().find_subscription.all() == []


def test_all_that_is_wrong_is_told_at_once_and_nothing_saved(stack: FakeStack) -> None:
    wrong = {**CI, "name": "x", "rate": "fast", "deadline_seconds": 0}

    told = faults(stack, CI, wrong, "hello", {"url": URL})

    assert sorted(line.partition(":")[0] for line in told) == [
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
    ("said", "fault"),
    [
        (
            {"format": "devlake"},
            "format of ci: a subscription keeps its own, and this one is webhook",
        ),
        ({"signing": "ed25519"}, "signing of ci: another one takes lakehook subscriptions rotate"),
    ],
)
def test_what_a_subscription_keeps_is_not_changed(stack: FakeStack, said: Any, fault: str) -> None:
    apply(stack, CI)

    (line,) = faults(stack, {**CI, **said})

    assert line.startswith(fault)


@pytest.mark.parametrize("document", [None, [], {}, {"subscriptions": None}, {"subscriptions": {}}])
def test_what_holds_no_list_of_subscriptions_is_refused(stack: FakeStack, document: Any) -> None:
    manuscript = SourceFile(name="s.yaml", document=document, lines={})

    with pytest.raises(InvalidFile, match="a list of mappings under this key"):
        Apply(stack.service()).plan(manuscript, revealing({}))


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
).filter(lambda one: not one.is_empty)
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
).map(lambda one: replace(one, template=None) if one.channel == "devlake" else one)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(SUBSCRIPTIONS, max_size=4, unique_by=lambda subscription: subscription.name),
    st.booleans(),
)
def test_apply_finds_unchanged_what_was_exported(
    some: list[Subscription],
    through_text: bool,  # noqa: FBT001  drawn
) -> None:
    stack, export = FakeStack(), Export()
    kept = [
        stack.subscriptions.save(
            replace(one, id=f"s{number}", encrypted_url=b"x" if "…" in one.endpoint.url else None)
        )
        for number, one in enumerate(some)
    ]

    document = export(kept)
    urls = {f"URL of {one.name}": f"{one.endpoint.url.replace('…', 'x')}" for one in kept}
    variables = {name: urls.get(what, "value") for name, what in export.variables.items()}
    manuscript = SourceFile(name="s", document=document, lines={})
    if through_text:
        manuscript = parse_source_file(
            format_document(document, comments=export.variables), name="s"
        )
    made = Apply(stack.service()).plan(manuscript, revealing(variables))

    assert made.steps == ()
    assert made.unchanged == tuple(one.name for one in kept)


def test_what_is_exported_holds_a_variable_for_each_thing_that_is_sealed(stack: FakeStack) -> None:
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
