"""A file of stages that says something wrong is refused in one line, before anything is built."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from infra.bundle import ROOT
from infra.stage import STAGES, InvalidStages, read_stage, stage_named


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "stages.toml"


def refusal(file: Path, text: str, stage: str = "production") -> str:
    """Read a stage file, and return the one line that refuses it after the file's name."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidStages) as refused:
        read_stage(stage, file)
    where, _, line = str(refused.value).partition(": ")
    assert where == str(file)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        ("deliver_concurrency = 1", "choose 2 to 1000"),
        ("deliver_concurrency = 2.5", "choose a whole number"),
        ('deliver_concurrency = "3"', "choose a whole number"),
        ("deliver_concurrency = true", "choose a whole"),
        ('api_concurrency = "9"', "choose a whole number, without quotes, or"),
        ("api_timeout_seconds = 901", "choose 1 to 900"),
        ("retain_on_delete = 1", "choose true or false"),
        ("deliveries_at_one = 3", "no such setting; there are"),
        ('name = "other"', "no such setting"),
        ("retention = 30", "choose in a table of its own, [production."),
        ("retention.log_days = 1", "no such setting; there are"),
        ("retention.events_days = 13", "choose at least"),
        ("retention.retry_schedule = [5]", "choose a t"),
        ('retention.retry_schedule = "5s"', "retry"),
        ('operators_topic_arn = "on-call"', "choose"),
        ('ca_bundle_arn = "lakehook/ca-bundle"', "choose the ARN of a parameter"),
        ("account = 123456789012", "choose a text, in quotes"),
        ('account = "12345"', "name an account by its 12 digits"),
        ('region = "Frankfurt"', "choose a region by its code"),
        ('region = "eu-central-2"', "choose another region, Lambda has no function"),
        ('qualifier = "my stage"', "choose 1 to 10 letters"),
        ('permissions_boundary = "a b"', "choose the name or the ARN of a managed"),
        ("tags.team = 3", "choose a text, in quotes"),
        ("tags = 3", "choose in a table of its own, [production.tags]"),
        ('secrets_key_arn = "alias/mine"', "choose the ARN of a KMS key, not of an"),
        ('deployment_config = "Canary"', "choose one of LambdaCanary10Percent5Min"),
        ('dashboard = "yes"', "choose true or false, without"),
        ("network.vpc = 1", "no such setting; there are"),
    ],
)
def test_an_invalid_setting_is_refused_with_its_place_value_and_allowed_values(
    file: Path, choice: str, complaint: str
) -> None:
    *tables, name = choice.partition(" = ")[0].split(".")
    place = ".".join(["production", *tables])

    line = refusal(file, f"[production]\n{choice}")

    assert line.startswith(f"[{place}] {name} = {choice.partition(' = ')[2]}: {complaint}")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "retention.events_days = 2026-01-01",
            '[production.retention] events_days = "2026-01-01": ',
        ),
        (
            'network.subnets = ["subnet-01234567"]',
            "[production.network] security_groups is missing",
        ),
        (
            'ca_bundle_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ca"',
            "[production] ca_bundle_arn = ",
        ),
        (
            'tags."aws:team" = "a"',
            '[production] tags = {"aws:team": "a"}: choose up to 50 tags of letters',
        ),
    ],
)
def test_an_invalid_setting_of_several_values_is_refused_with_its_place(
    file: Path, text: str, line: str
) -> None:
    assert refusal(file, f"[production]\n{text}").startswith(line)


def test_a_key_or_a_topic_of_another_region_is_refused(file: Path) -> None:
    topic = "arn:aws:sns:us-east-1:210987654321:on-call"

    line = refusal(file, f'[production]\nregion = "eu-central-1"\noperators_topic_arn = "{topic}"')

    assert line == (
        f'[production] operators_topic_arn = "{topic}": '
        "choose one of the stage's region, eu-central-1"
    )


@pytest.mark.parametrize(
    "subnets",
    [
        "",
        '"sg-01234567"',
        '"subnet-0123456789"',
        '"subnet-0123456G"',
        ", ".join(['"subnet-01234567"'] * 17),
    ],
)
def test_a_network_has_subnets_by_their_ids_and_no_more_than_lambda_takes(
    file: Path, subnets: str
) -> None:
    text = f'[production.network]\nsubnets = [{subnets}]\nsecurity_groups = ["sg-01234567"]'

    line = refusal(file, text)

    assert line.startswith(
        f"[production.network] subnets = [{subnets}]: name 1 to 16, each subnet-"
    )


@pytest.mark.parametrize(
    "producer",
    [
        "12345",
        "2109876543210",
        "lambda.amazonaws.com",
        "arn:aws:iam::12345:role/one",
        "arn:aws:iam::123456789012:root",
        "arn:aws:iam::123456789012:role/*",
        "arn:aws:sts::123456789012:assumed-role/one/session",
        "arn:aws:iam::123456789012:role/rôle",
    ],
)
def test_a_producer_is_this_account_another_or_a_role_or_user_of_one(
    file: Path, producer: str
) -> None:
    line = refusal(file, f'[production]\nproducers = ["this account", "{producer}"]')

    assert line.startswith(
        f'[production] producers = "{producer}": name "this account", an account '
    )


@pytest.mark.parametrize("producers", [210987654321, '"this account"', "[210987654321]"])
def test_producers_are_a_list_of_texts(file: Path, producers: object) -> None:
    line = refusal(file, f"[production]\nproducers = {producers}")

    assert line.startswith(f"[production] producers = {producers}: choose a list of texts")


@pytest.mark.parametrize(("count", "length"), [(49, 1), (23, 100)])
def test_producers_are_no_more_than_a_queue_s_policy_has_room_for(
    file: Path, count: int, length: int
) -> None:
    roles = [f"arn:aws:iam::123456789012:role/{'r' * length}"] * count

    line = refusal(file, f"[production]\nproducers = {roles}")

    assert line.endswith(": name at most 48, of 3000 characters together, or their accounts")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 'no stage "production", the file has none; add it as a table: [production]'),
        ("[try]\n[other]", 'no stage "production", the file has try, other; add it as a table: '),
        ("[prodution]", "[prodution]: write [production], or choose a less similar name"),
        ("[production]\n[Production.retention]", "[Production]: write [production], or choose "),
        ("[production]\n[Other]", '[Other] name = "Other": choose up to 24 lower-case letters'),
        (
            "[production]\n[try]\ndeliver_concurrency = 1",
            "[try] deliver_concurrency = 1: choose 2 ",
        ),
        (
            "deliver_concurrency = 5\n[production]",
            "deliver_concurrency = 5: a setting of which stage? Put it ",
        ),
        (
            "[[production]]",
            "production = [{}]: a setting of which stage? Put it below its name, as ",
        ),
        ("[production", "Expected ']' at the end of a table declaration (at "),
    ],
)
def test_a_stage_is_one_that_the_file_names_and_nothing_in_it_is_passed_over(
    file: Path, text: str, line: str
) -> None:
    assert refusal(file, text).startswith(line)


@pytest.mark.parametrize("name", ["preprod", "prod", "production2", "pre-production", "staging"])
def test_a_name_that_is_no_misspelling_of_another_is_a_stage(file: Path, name: str) -> None:
    file.write_text(f"[production]\n[{name}]\ndeliver_concurrency = 7")

    assert read_stage(name, file) == replace(stage_named(name), deliver_concurrency=7)


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(
        InvalidStages, match=rf"^{re.escape(str(file))}: No such file or directory$"
    ):
        read_stage("production", file)


EXAMPLE_SETTINGS = {
    *("account", "region", "qualifier", "permissions_boundary", "tags"),
    *(
        "alarms",
        "ca_bundle_arn",
        "dashboard",
        "deployment_config",
        "network",
        "operators_topic_arn",
        "producers",
        "secrets_key_arn",
    ),
}
"""Settings with another value in the example than by default."""


def test_every_choice_that_the_file_shows_can_be_taken(file: Path) -> None:
    example = (ROOT / STAGES).read_text(encoding="utf-8")
    file.write_text(re.sub(r"^# (?=\[|\w+ = )", "", example, flags=re.MULTILINE))

    stage, small = read_stage("production", file), read_stage("try", file)

    assert stage.network
    assert len(stage.producers) == 3
    default = stage_named("production")
    chosen = {name for name in EXAMPLE_SETTINGS if getattr(stage, name) != getattr(default, name)}
    assert chosen == EXAMPLE_SETTINGS
    assert stage == replace(default, **{name: getattr(stage, name) for name in EXAMPLE_SETTINGS})
    assert small == replace(stage_named("try"), retain_on_delete=True, alarms=True)


def test_the_file_as_it_comes_changes_nothing() -> None:
    assert read_stage("production", ROOT / STAGES) == stage_named("production")
    assert read_stage("try", ROOT / STAGES) == stage_named("try")
