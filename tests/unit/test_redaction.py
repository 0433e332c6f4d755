"""Displayed URLs: enough to recognize them, without a credential."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.destination import Endpoint
from tests.builders import a_subscription

KEY = "xq7Zk93LmWv2RbTyPd81"
UUID = "693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa"
HEX = "1b2c3d4e5f60718293a4b5c6d7e8f901"


@pytest.mark.parametrize(
    ("start", "secret_part"),
    [
        # Hosts with a credential in their path, whatever it looks like
        ("https://hooks.slack.com/services/", f"T024BE7LD/B024BE7LD/{KEY}"),
        ("https://hooks.slack.com./services/", f"T024BE7LD/B024BE7LD/{KEY}"),
        ("https://HOOKS.slack.com/triggers/", "T0/1/ab"),
        ("https://hooks.slack-gov.com/services/", f"T0/B0/{KEY}"),
        ("https://discord.com/api/webhooks/", "123/abc"),
        ("https://ptb.discord.com/api/webhooks/", "123/abc"),
        ("https://discordapp.com/api/webhooks/", "123/abc"),
        ("https://acme.webhook.office.com/webhookb2/", f"{UUID}@{UUID}/IncomingWebhook/{HEX}/1"),
        ("https://outlook.office365.com/webhook/", f"{UUID}/IncomingWebhook/{HEX}"),
        ("https://hooks.zapier.com/hooks/catch/", "12/ab3/"),
        ("https://hook.eu1.make.com/", "abc"),
        ("https://ntfy.sh/", "topic"),
        # Hosts whose query is the credential
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", UUID),
        ("https://oapi.dingtalk.com/robot/send?access_token=", HEX),
        ("https://ci.example/hook?key=", "s3cret"),
        ("https://ci.example/?", "s3cret"),
        ("https://ci.example/?a=", "1;b=s3cret?c=s3cret"),
        # Unknown hosts: segments that look random
        ("https://open.feishu.cn/open-apis/bot/v2/hook/", UUID),
        ("https://chat.acme.example/hooks/", "p4ot5f8ezjrm3kzb1i9dwq7y6a"),
        ("https://ci.example/", "abcdefghijklmnopqrstuvwxyz"),
        ("https://ci.example/", "bot123456:AAF-_xyz0123456789"),
        ("https://ci.example/", "%2Fsecret%2Fsecret%2F"),
    ],
)
def test_a_possible_credential_is_not_shown(start: str, secret_part: str):
    assert Endpoint.parse(start + secret_part).display_url == f"{start}…"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("api.telegram.org/bot123:abc/sendMessage?chat_id=7", "api.telegram.org/…?chat_id=…"),
        (
            "prod-08.logic.azure.com:443/workflows/ab/triggers/manual?api-version=1&sig=ab",
            "prod-08.logic.azure.com:443/workflows/…?api-version=…&sig=…",
        ),
        (
            f"chat.googleapis.com/v1/spaces/AAAAB3NzaC1/messages?key={KEY}&token={KEY}",
            "chat.googleapis.com/v1/spaces/…/messages?key=…&token=…",
        ),
        ("ci.example/?a=s3cret&b=s3cret=s3cret", "ci.example/?a=…&b=…"),
        ("ci.example/?a=&s3cret&=s3cret", "ci.example/?a=…&…&=…"),
        (f"n8n.acme.example/webhook/{UUID}/in", "n8n.acme.example/webhook/…/in"),
        (f"ci.example/a;{KEY}/b", "ci.example/…/b"),
        (f"ci.example/?{KEY}=1&{KEY}", "ci.example/?…=…&…"),
    ],
)
def test_the_parts_around_a_credential_are_shown(url: str, expected: str):
    assert Endpoint.parse(f"https://{url}").display_url == f"https://{expected}"


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services",
        "https://hooks.slack.com.evil.example/a/b",
        "https://ci.example",
        "https://ci.example/",
        "https://ci.example:8443/api/v2/devlake-pipeline-notifications",
        "https://ci.example/pipelineNotificationReceiver/2026-01-31_v12",
        "https://ci.example/job/DEVLAKE_NOTIFY_ALL",
    ],
)
def test_a_url_without_a_credential_is_shown(url: str):
    assert Endpoint.parse(url).display_url == url


@pytest.mark.parametrize(
    "segment",
    [
        *("Qx7Zp9Rt2Lk4Wm", "8321-4471-9082-1177", "8321-4471-908", "k3j9x2m4q8", "QxZpRtLkWm"),
        *("aB3dE5fG7h", "ab12-cd34-ef56", "A1B2C3D4E5", "1234567890", "0123456789abcdef"),
        *("_Qx7Zp9Rt2", "s3cr3t-t0k3n"),
    ],
)
def test_a_segment_that_mixes_cases_and_digits_is_not_shown(segment: str):
    displayed = Endpoint.parse(f"https://ci.example/in/{segment}").display_url

    assert displayed == "https://ci.example/in/…"


@pytest.mark.parametrize(
    "segment",
    [
        *("webhooks", "pipeline-events", "v2", "2024-09", "2024-09-30", "2026-01-31_v12"),
        *("ci-payments-team", "webhooks2024", "pipelineEvents", "DevLakeToSlack", "ToDoListings"),
        *("Pipeline_Events", "PIPELINE_FAILED", "messages:send", "release-v2.10.1"),
        *(".well-known", "receive.php", "Qx7Zp9Rt2"),
    ],
)
def test_an_ordinary_segment_is_shown(segment: str):
    url = f"https://ci.example/in/{segment}"

    assert Endpoint.parse(url).display_url == url


@given(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=24, max_size=48)
    | st.uuids().map(str)
    | st.binary(min_size=16, max_size=32).map(bytes.hex)
)
def test_a_random_segment_is_not_shown_wherever_it_stands(key: str):
    url = f"https://ci.example/{key}/in/{key}?{key}&a={key}&{key}=b"

    displayed = Endpoint.parse(url).display_url

    assert key not in displayed


def test_a_credential_is_in_no_representation_of_an_object_with_the_url():
    endpoint = Endpoint.parse(f"https://hooks.slack.com/services/T0/B0/{KEY}?key={HEX}")

    representations = f"{endpoint!r} {endpoint} {a_subscription(endpoint=endpoint)!r}"

    assert KEY not in representations
    assert HEX not in representations
    assert repr(endpoint) == "Endpoint('https://hooks.slack.com/services/…?key=…')"
