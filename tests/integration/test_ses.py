"""Mail by SES through botocore: the requests, and the outcomes of its errors.

The names of SES's errors are documented; no answer of SES itself was recorded.
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
"""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from lakehook.adapters.transport import MailTransport, TransportRouter
from lakehook.domain.attempt import Outcome, Response
from lakehook.domain.destination import Mail, MailDestination
from lakehook.domain.errors import InfrastructureError
from lakehook.ports.outbound import NoResponse
from tests.fakes import FakeTransport
from tests.integration.posting import a_request

SENDER = "lakehook@team.example"
MAIL = Mail(
    destination=MailDestination.parse("mailto:a@team.example,b@team.example"),
    subject="❌ 湖",
    text="text",
    html="<p>html",
    headers={"X-Lakehook-Id": "sub_a#39#1"},
    deadline_seconds=1,
)


class Ses:
    """A server on loopback that keeps requests and gives the configured response."""

    def __init__(self) -> None:
        self.status, self.code, self.answers = 200, "", True
        self.requests: list[Any] = []
        self.clients: list[Config] = []
        ses, self.over = self, threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                ses.requests.append(json.loads(body))
                if not ses.answers:
                    ses.over.wait(5)
                    return
                answer = json.dumps({"MessageId": "m1", "message": "because"}).encode()
                self.send_response(ses.status)
                self.send_header("x-amzn-errortype", ses.code)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def client(self, config: Config) -> Any:
        self.clients.append(config)
        session = botocore.session.get_session()
        return session.create_client("sesv2", endpoint_url=self.url, config=config)

    def refuses(self, status: int, code: str) -> None:
        self.status, self.code = status, code

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def ses() -> Iterator[Ses]:
    ses = Ses()
    yield ses
    ses.close()


@pytest.fixture
def mailer(ses: Ses) -> MailTransport:
    return MailTransport(ses.client, sender=SENDER)


def test_a_mail_is_one_complete_request(ses: Ses, mailer: MailTransport):
    answer = mailer.send(MAIL)

    assert answer == Response(status=200, headers={}, body=b"m1")
    assert ses.requests == [
        {
            "FromEmailAddress": SENDER,
            "Destination": {"ToAddresses": ["a@team.example", "b@team.example"]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": "❌ 湖", "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": "text", "Charset": "UTF-8"},
                        "Html": {"Data": "<p>html", "Charset": "UTF-8"},
                    },
                    "Headers": [{"Name": "X-Lakehook-Id", "Value": "sub_a#39#1"}],
                }
            },
        }
    ]


def test_without_html_there_is_the_text_alone(ses: Ses, mailer: MailTransport):
    mailer.send(replace(MAIL, html=""))

    assert set(ses.requests[0]["Content"]["Simple"]["Body"]) == {"Text"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "TooManyRequestsException"),
        (400, "MessageRejected"),
        (403, "AccessDeniedException"),
        (503, "ServiceUnavailable"),
    ],
)
def test_a_refusal_is_an_answer_and_is_not_tried_again(
    ses: Ses, mailer: MailTransport, status: int, code: str
):
    ses.refuses(status, code)

    answer = mailer.send(MAIL)

    assert isinstance(answer, Response)
    assert (answer.status, answer.body) == (status, f"{code}: because".encode())
    assert len(ses.requests) == 1


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_invalid_credentials_of_ours_are_an_infrastructure_error(
    ses: Ses, mailer: MailTransport, code: str
):
    ses.refuses(403, code)

    with pytest.raises(InfrastructureError):
        mailer.send(MAIL)


def test_a_mail_without_a_response_in_time_may_have_arrived(ses: Ses, mailer: MailTransport):
    ses.answers = False

    assert mailer.send(MAIL) == NoResponse(Outcome.TIMED_OUT, "SES has not answered in time")


def test_a_mail_that_could_not_be_sent_waits_until_ses_can_be_reached(ses: Ses):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        ses.url = f"http://127.0.0.1:{closed.getsockname()[1]}"

        answer = MailTransport(ses.client, sender=SENDER).send(MAIL)

    assert isinstance(answer, NoResponse)
    assert answer.outcome is Outcome.THROTTLED


def test_without_a_sender_nothing_is_sent_and_no_client_made(ses: Ses):
    answer = MailTransport(ses.client, sender=None).send(MAIL)

    assert isinstance(answer, NoResponse)
    assert answer.outcome is Outcome.THROTTLED
    assert "EmailSender" in answer.detail
    assert (ses.requests, ses.clients) == ([], [])


@pytest.mark.parametrize("deadline", [1.0, 1.5, 10.0, 20.0])
def test_a_client_keeps_the_deadline_and_is_made_once_and_not_before(ses: Ses, deadline: float):
    mailer = MailTransport(ses.client, sender=SENDER)
    assert ses.clients == []

    for _ in range(2):
        mailer.send(replace(MAIL, deadline_seconds=deadline))

    (config,) = ses.clients
    assert 4 * config.connect_timeout + config.read_timeout <= deadline  # a name has some addresses
    assert config.retries["total_max_attempts"] == 1


def test_each_message_goes_its_way(ses: Ses, mailer: MailTransport):
    http = FakeTransport([Response(status=204, headers={}, body=b"")])
    transport = TransportRouter(http=http, mail=mailer)
    request = a_request("https://ci.example/")

    answers = [transport.send(message) for message in (request, MAIL)]

    assert [answer.status for answer in answers if isinstance(answer, Response)] == [204, 200]
    assert (http.requests, http.mails, len(ses.requests)) == ([request], [], 1)
