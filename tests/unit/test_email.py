"""The email channel: mails that no event can manipulate, and SES's error codes."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehook.domain.attempt import Outcome, Response, ResponseVerdict
from lakehook.domain.channels import CHANNELS
from lakehook.domain.channels.base import OutboundMessage, RenderedMessage
from lakehook.domain.destination import Mail, MailDestination
from lakehook.domain.errors import InvalidEndpoint, InvalidInput, InvalidSubscription
from lakehook.domain.subscription import Language, Locale
from lakehook.domain.template import RenderedTemplate
from lakehook.subscriptions.subscribe import SecretRequest, SubscriptionFields
from tests.builders import a_delivery
from tests.fakes import NOON
from tests.fakes_ops import FakeStack

EMAIL = CHANNELS["email"]
MAILBOX = MailDestination.parse("mailto:a@team.example,b@team.example")


def addressed(content: RenderedMessage, **headers: str) -> Mail:
    letter = OutboundMessage(
        id="sub_a#39#1",
        content=content,
        destination=MAILBOX,
        at=NOON,
        deadline_seconds=5,
        headers=headers,
    )
    mail = EMAIL.build_request(letter)
    assert isinstance(mail, Mail)
    return mail


def mailed(language: Language = Language.ENGLISH, **changes: object) -> Mail:
    return addressed(EMAIL.render(a_delivery(**changes), Locale(language)))


def test_a_mail_has_a_text_and_an_html_part():
    mail = mailed(event_type="PIPELINE_FAILED", message="jira: 401 <b>", inferred=True)

    assert mail.destination == MAILBOX
    assert mail.subject == "❌ 湖: pipeline 39 failed"
    assert mail.text == (
        "湖: pipeline 39 failed\n\n"
        "Project: 湖\nPipeline: 39\nTrigger: blueprint 7\n"
        "Time: 2024-09-05 15:08:00 UTC+08:00\n\n"
        "jira: 401 <b>\n\n"
        "This was not reported: it is inferred from a later event.\n"
    )
    assert "jira: 401 &lt;b&gt;" in mail.html
    assert mail.deadline_seconds == 5


def test_failed_tasks_and_the_link_are_in_text_and_html():
    mail = mailed(
        event_type="PIPELINE_FAILED",
        total_tasks=9,
        finished_tasks=7,
        failed_tasks=[{"id": 131, "plugin": "jira", "message": "<b> 401"}],
        pipeline_url='https://lake.example/pipeline/39?a=1&b="',
        late=True,
    )

    assert "Tasks: 7 of 9 finished, 1 of them failed\n" in mail.text
    assert (
        "\n\nFailed tasks:\n131 (jira): <b> 401\n\n"
        "Open the pipeline: https://lake.example/pipeline/39?a=1&b=%22\n"
    ) in mail.text
    assert "131 (jira): &lt;b&gt; 401" in mail.html
    assert (
        '<a href="https://lake.example/pipeline/39?a=1&amp;b=%22">Open the pipeline</a>'
    ) in mail.html


def test_a_mail_is_in_its_subscription_s_language_and_says_its_id_and_that_a_machine_wrote_it():
    mail = mailed(Language.CHINESE)
    assert mail.subject == "🔵 湖：流水线 39 已创建"
    assert mail.headers == {
        "X-Lakehook-Id": "sub_a#39#1",
        "Auto-Submitted": "auto-generated",
    }


OUR_TAGS = {"!doctype", "body", "h2", "html", "p", "table", "td", "tr"}


@given(st.text("a\r\n:<>&\"' \x00\u2028湖", max_size=300), st.text("</p>&\n", max_size=50))
def test_no_event_can_begin_a_header_or_a_tag(project: str, message: str):
    mail = mailed(project_name=f"x\r\nBcc: eve@evil.example{project}", message=message)

    assert mail.subject.isprintable()
    assert len(mail.subject) <= 200
    assert set(re.findall(r"</?(!?\w+)", mail.html)) <= OUR_TAGS
    assert not re.search(r"&(?!amp;|lt;|gt;|quot;|#x27;)", mail.html)


def test_only_harmless_headers_are_added_to_a_mail():
    headers = {
        "x-team": "lake",
        "x-words": "a\r\nBcc: eve@evil.example 湖",
        "x-empty": "\r\n",
        "bcc": "eve@evil.example",
        "authorization": "Bearer t0ken",
        "x-ses-configuration-set": "theirs",
        "x-lakehook-id": "theirs",
    }

    mail = addressed(RenderedMessage(body=b"", headers={"x-set": "1"}), **headers)

    assert mail.headers == {
        "X-Lakehook-Id": "sub_a#39#1",
        "Auto-Submitted": "auto-generated",
        "x-team": "lake",
        "x-words": "a Bcc: eve@evil.example ?",
        "x-set": "1",
    }


def test_ses_takes_no_more_than_fifteen_headers():
    mail = addressed(RenderedMessage(body=b""), **{f"x-{number}": "1" for number in range(40)})

    assert len(mail.headers) == 15


@pytest.mark.parametrize(
    ("template", "subject", "text", "html"),
    [
        (RenderedTemplate(), "usual", "text", "<p>html"),
        (RenderedTemplate(body="<3 failed"), "usual", "<3 failed", ""),
        (RenderedTemplate(body="<https://ci.example/39>"), "usual", "<https://ci.example/39>", ""),
        (RenderedTemplate(body="\n<!doctype html><p>a"), "usual", "text", "\n<!doctype html><p>a"),
        (RenderedTemplate(body="<br/>a"), "usual", "text", "<br/>a"),
        (RenderedTemplate(subject="a\r\nb"), "a b", "text", "<p>html"),
        (RenderedTemplate(body="plain"), "usual", "plain", ""),
        (RenderedTemplate(body=" <h1>set</h1>"), "usual", "text", " <h1>set</h1>"),
    ],
)
def test_a_template_gives_subject_text_or_html(
    template: RenderedTemplate, subject: str, text: str, html: str
):
    default = RenderedMessage(body=b"text", subject="usual", html="<p>html")

    mail = addressed(EMAIL.apply_template(template, default))

    assert (mail.subject, mail.text, mail.html) == (subject, text, html)


# --- answers ---


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (429, "TooManyRequestsException: Maximum sending rate exceeded.", Outcome.THROTTLED),
        (400, "LimitExceededException: Daily message quota exceeded.", Outcome.THROTTLED),
        (400, "ThrottlingException: Rate exceeded", Outcome.THROTTLED),
        (403, "AccessDeniedException: not authorized to perform ses:SendEmail", Outcome.THROTTLED),
        (400, "MessageRejected: Illegal content", Outcome.UNACCEPTABLE),
        (400, "BadRequestException: Invalid recipient", Outcome.UNACCEPTABLE),
        (400, "MessageRejected: Email address is not verified. …", Outcome.REJECTED),
        (400, "SendingPausedException: paused", Outcome.REJECTED),
        (400, "AccountSuspendedException: suspended", Outcome.REJECTED),
        (400, "MailFromDomainNotVerifiedException: not verified", Outcome.REJECTED),
        (404, "NotFoundException: no such thing", Outcome.REJECTED),
        (500, "InternalFailure: ", Outcome.REJECTED),
        (503, "ServiceUnavailable: ", Outcome.THROTTLED),
    ],
)
def test_a_refusal_is_read_by_ses_s_code(status: int, code: str, outcome: Outcome):
    answer = Response(status=status, headers={}, body=code.encode())

    assert EMAIL.interpret(answer, now=NOON) == ResponseVerdict(outcome=outcome)


# --- subscribing ---


TERMS = SubscriptionFields(name="team", url=MAILBOX.url, channel="email", language="zh")


def test_mailboxes_are_subscribed_without_a_secret_and_unencrypted(
    stack: FakeStack,
) -> None:
    subscription, secret = stack.service().subscribe(TERMS)

    assert secret is None
    assert subscription.endpoint == MAILBOX
    assert (subscription.encrypted_url, subscription.secrets) == (None, ())
    assert subscription.language is Language.CHINESE


def test_without_a_mail_sender_the_error_says_how_to_set_one(stack: FakeStack) -> None:
    stack.email_sender = None

    with pytest.raises(InvalidEndpoint, match=r"--parameters EmailSender=\S+@") as refused:
        stack.service().subscribe(TERMS)

    assert "\n" not in str(refused.value)
    assert stack.subscriptions.all() == []


@pytest.mark.parametrize(
    ("terms", "secret", "pending", "message"),
    [
        (replace(TERMS, url="https://ci.example/"), {}, False, "url: mailto:"),
        (replace(TERMS, channel="slack"), {}, False, "url: https://host/path"),
        (SubscriptionFields(name="a", url=MAILBOX.url), {}, False, "url: https://host/path"),
        (TERMS, {"provided": "whsec_x"}, False, "secret: channel email signs nothing"),
        (TERMS, {"signing": "hmac"}, False, "signing: channel email"),
        (TERMS, {}, True, "challenge: channel email"),
    ],
)
def test_options_that_the_channel_does_not_support_are_refused(
    stack: FakeStack,
    terms: SubscriptionFields,
    secret: dict[str, str],
    message: str,
    *,
    pending: bool,
) -> None:
    with pytest.raises(InvalidInput, match=message):
        stack.service().subscribe(terms, SecretRequest(**secret), pending=pending)

    assert stack.subscriptions.all() == []


def test_an_email_subscription_has_no_secret_to_rotate(stack: FakeStack) -> None:
    subscription, _ = stack.service().subscribe(TERMS)

    with pytest.raises(InvalidSubscription, match="channel: email signs nothing"):
        stack.service().rotate_secret(subscription, overlap_seconds=0)
