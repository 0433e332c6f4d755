"""DevLake's REST API is read within limits, and an error is one line without a secret."""

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from threading import Event

import pytest
from cryptography import x509

from lakehook.adapters.devlake.client import ApiFetch
from lakehook.adapters.devlake.rest import ApiResponse, RestDevLake
from lakehook.adapters.devlake.session import SessionFetch
from lakehook.domain.devlake.sources import ApiAddress
from lakehook.domain.errors import DevlakeUnavailable, InvalidInput, LakehookError, NotDevlake
from tests.devlake.port import FakeApiCredentials
from tests.integration.authority import Authority
from tests.integration.eventually import PATIENCE
from tests.integration.wire import Behaviour, Wire, answer, dripping, flooding, serving, silence

pytestmark = pytest.mark.usefixtures("_no_proxies")

SECRET = "s3cret"
HEADERS = {"authorization": f"Bearer {SECRET}"}
DEADLINE_SECONDS, PATIENCE_SECONDS = 0.2, 60.0
MAX_BYTES = 1000
NO_PIPELINES = answer("200 OK", b'{"count":0,"pipelines":[]}')

Fetching = Callable[[str, float], AbstractContextManager[Callable[[str], ApiResponse]]]


@contextmanager
def of_the_functions(url: str, deadline_seconds: float) -> Iterator[ApiFetch]:
    credentials = FakeApiCredentials(HEADERS)
    with closing(
        ApiFetch(url, credentials, deadline_seconds=deadline_seconds, max_bytes=MAX_BYTES)
    ) as fetch:
        yield fetch


@contextmanager
def of_the_command(url: str, deadline_seconds: float) -> Iterator[SessionFetch]:
    """A client without retries."""
    address = ApiAddress(url, HEADERS)
    with SessionFetch(
        address, deadline_seconds=deadline_seconds, max_bytes=MAX_BYTES, waits=()
    ) as fetch:
        yield fetch


@pytest.fixture(params=[of_the_functions, of_the_command])
def fetching(request: pytest.FixtureRequest) -> Fetching:
    fetching: Fetching = request.param
    return fetching


@contextmanager
def devlake(
    fetching: Fetching, *answers: bytes | Behaviour, deadline_seconds: float = PATIENCE_SECONDS
) -> Iterator[tuple[RestDevLake, Wire]]:
    with (
        serving(*answers) as wire,
        fetching(f"http://127.0.0.1:{wire.port}/api", deadline_seconds) as fetch,
    ):
        yield RestDevLake(fetch), wire
        wire.closing.set()


def test_each_request_has_the_credentials_and_the_page(fetching: Fetching):
    with devlake(fetching, NO_PIPELINES, NO_PIPELINES) as (api, wire):
        api.page(1)
        api.page(2, status="TASK_RERUN")

    first, second = wire.requests
    assert first.startswith(b"GET /api/pipelines?page=1&pageSize=50 HTTP/1.1\r\n")
    assert second.startswith(
        b"GET /api/pipelines?page=2&pageSize=50&status=TASK_RERUN HTTP/1.1\r\n"
    )
    assert f"authorization: bearer {SECRET}" in first.decode().lower()
    assert b"user-agent: lakehook/" in first.lower()
    assert wire.connections == 1


@pytest.mark.parametrize(
    ("response", "kind", "complaint"),
    [
        (answer("401 No", b"{}"), InvalidInput, "401 to GET /pipelines: --header or --header-file"),
        (answer("403 No", b"{}"), InvalidInput, "403 to GET /pipelines: --header or --header-file"),
        (answer("404 No", b"{}"), NotDevlake, "404 to GET /pipelines; behind its config UI"),
        (answer("400 No", b"{}"), NotDevlake, "400 to GET /pipelines; behind its config UI"),
        (answer("302 Found", b"", "location: /login"), NotDevlake, "redirects are not followed"),
        (answer("429 Slow", b"{}"), DevlakeUnavailable, "429 to GET /pipelines: try again later"),
        (answer("500 Oh", b"{}"), DevlakeUnavailable, "500 to GET /pipelines"),
        (answer("502 Oh", b"{}"), DevlakeUnavailable, "502 to GET /pipelines"),
        (answer("200 OK", b"<html>"), NotDevlake, "not JSON.*behind its config UI"),
        (answer("200 OK", b'{"a":"\xff"}'), NotDevlake, "not UTF-8"),
        (answer("200 OK", b"[" * 500), NotDevlake, "nested deeper than 64 levels"),
        (answer("200 OK", b"[]"), NotDevlake, "not a JSON object but an array"),
        (answer("200 OK", b'{"count":1}'), NotDevlake, "lists no pipelines"),
        (answer("200 OK", b'{"pipelines":[1]}'), NotDevlake, "lists no pipelines"),
        (answer("200 OK", b" " * 1001), NotDevlake, "more than 1000 bytes"),
        (flooding(b"HTTP/1.1 200 OK\r\n\r\n", b" "), NotDevlake, "more than 1000 bytes"),
        (b"no HTTP\r\n\r\n", DevlakeUnavailable, "the response was cut off"),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
            DevlakeUnavailable,
            "the response was cut off",
        ),
    ],
)
def test_an_answer_that_lists_nothing_says_why(
    fetching: Fetching, response: bytes | Behaviour, kind: type[LakehookError], complaint: str
):
    with (
        devlake(fetching, response) as (api, wire),
        pytest.raises(kind, match=complaint) as refused,
    ):
        api.page(1)

    assert type(refused.value) is kind
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "hanging",
    [
        silence,
        dripping(b"", b"H"),
        dripping(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n", b" "),
    ],
    ids=["silence", "a dripping head", "a dripping body"],
)
def test_a_hanging_server_is_abandoned_at_the_deadline(fetching: Fetching, hanging: Behaviour):
    with (
        devlake(fetching, hanging, deadline_seconds=DEADLINE_SECONDS) as (api, _),
        pytest.raises(DevlakeUnavailable, match="no complete response in time"),
    ):
        api.page(1)


def test_a_devlake_on_a_closed_port_is_unavailable(fetching: Fetching):
    with serving() as wire:
        url = f"http://127.0.0.1:{wire.port}"

    with (
        fetching(url, PATIENCE_SECONDS) as fetch,
        pytest.raises(DevlakeUnavailable, match="DevLake is unavailable: no connection"),
    ):
        fetch("/pipelines")


def test_a_devlake_with_an_unknown_host_name_is_unavailable(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch
):
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with (
        fetching("http://devlake:8080", PATIENCE_SECONDS) as fetch,
        pytest.raises(DevlakeUnavailable, match="its name does not resolve"),
    ):
        fetch("/pipelines")


def test_a_devlake_without_tls_is_an_error_that_says_so(fetching: Fetching):
    def plainly(_: Wire, connection: socket.socket) -> None:
        connection.sendall(answer("400 Bad Request"))

    with (
        serving(at_once=plainly) as wire,
        fetching(f"https://127.0.0.1:{wire.port}", PATIENCE_SECONDS) as fetch,
        pytest.raises(DevlakeUnavailable, match="DevLake is unavailable: TLS: "),
    ):
        fetch("/pipelines")


def test_a_certificate_of_an_untrusted_authority_is_refused(
    fetching: Fetching, authority: Authority
):
    with (
        serving(NO_PIPELINES, tls=authority.context(x509.DNSName("localhost"))) as wire,
        fetching(f"https://localhost:{wire.port}", PATIENCE_SECONDS) as fetch,
        pytest.raises(DevlakeUnavailable, match=r"TLS: .*certificate verify failed"),
    ):
        fetch("/pipelines")

    assert wire.requests == []


@pytest.mark.parametrize("project", [None, 7, ["a"]])
def test_a_blueprint_with_an_invalid_project_is_refused(fetching: Fetching, project: object):
    response = answer("200 OK", json.dumps({"projectName": project}).encode())

    with (
        devlake(fetching, response) as (api, _),
        pytest.raises(NotDevlake, match="/blueprints/7 is not a blueprint"),
    ):
        api.project_of(7)


def test_credentials_without_access_to_blueprints_are_an_error_that_says_so(fetching: Fetching):
    with (
        devlake(fetching, answer("403 No", b"{}")) as (api, _),
        pytest.raises(InvalidInput, match="403 to GET /blueprints/7"),
    ):
        api.project_of(7)


@pytest.mark.parametrize("body", [b"404 page not found", b"<html>", b"{}", b"[]", b"\xff"])
def test_a_404_that_is_not_devlakes_own_does_not_say_that_a_pipeline_is_gone(
    fetching: Fetching, body: bytes
):
    with (
        devlake(fetching, answer("404 Not Found", body)) as (api, _),
        pytest.raises(NotDevlake, match="404 to GET /pipelines/39; behind its config UI"),
    ):
        api.pipeline(39)


def test_a_version_that_is_not_a_text_is_refused(fetching: Fetching):
    with (
        devlake(fetching, answer("200 OK", b'{"version":1}')) as (api, _),
        pytest.raises(NotDevlake, match="/version has no version"),
    ):
        api.version()


def test_a_redirect_is_not_followed(fetching: Fetching):
    with serving(NO_PIPELINES) as elsewhere:
        location = f"location: http://127.0.0.1:{elsewhere.port}/pipelines"
        with (
            devlake(fetching, answer("307 There", b"", location)) as (api, _),
            pytest.raises(NotDevlake),
        ):
            api.page(1)

    assert elsewhere.requests == []


# --- the functions: credentials that were changed, and no proxy ---


def test_after_a_401_the_credentials_are_read_again_and_the_request_repeated_once():
    credentials = FakeApiCredentials({"authorization": "old"})
    with (
        serving(answer("401 No", b"{}"), NO_PIPELINES, NO_PIPELINES) as wire,
        closing(ApiFetch(f"http://127.0.0.1:{wire.port}", credentials)) as fetch,
    ):
        credentials.headers()
        credentials.stored = {"authorization": "new"}
        statuses = [fetch("/pipelines").status, fetch("/pipelines").status]

    assert statuses == [200, 200]
    is_new = [b"authorization: new" in request for request in wire.requests]
    assert is_new == [False, True, True]
    assert credentials.read_fresh == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_with_unchanged_credentials_is_not_repeated(status: int):
    credentials = FakeApiCredentials(HEADERS)
    with (
        serving(answer(f"{status} No", b"{}")) as wire,
        closing(ApiFetch(f"http://127.0.0.1:{wire.port}", credentials)) as fetch,
    ):
        assert fetch("/pipelines").status == status

    assert len(wire.requests) == 1


def test_a_connection_closed_by_the_server_is_replaced():
    closed = Event()

    def close(wire: Wire, connection: socket.socket) -> None:
        breaking_off(NO_PIPELINES)(wire, connection)
        closed.set()

    with (
        serving(close, NO_PIPELINES) as wire,
        closing(ApiFetch(f"http://127.0.0.1:{wire.port}", FakeApiCredentials())) as fetch,
    ):
        statuses = [fetch("/pipelines").status]
        assert closed.wait(PATIENCE)
        statuses.append(fetch("/pipelines").status)

    assert statuses == [200, 200]
    assert wire.connections == 2


def test_the_functions_take_no_proxy(monkeypatch: pytest.MonkeyPatch):
    with serving() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        with devlake(of_the_functions, NO_PIPELINES) as (api, _):
            assert list(api.page(1)) == []

    assert proxy.connections == 0


# --- the operator's command: the company's network, and DevLakes that come back ---


@contextmanager
def patient(url: str, waits: list[float] | None = None) -> Iterator[SessionFetch]:
    """A client with time for every retry, which does not wait between them."""
    waits = [] if waits is None else waits
    with SessionFetch(ApiAddress(url, HEADERS), wait=waits.append) as fetch:
        yield fetch


def breaking_off(response: bytes) -> Behaviour:
    def break_off(_: Wire, connection: socket.socket) -> None:
        connection.sendall(response)
        connection.shutdown(socket.SHUT_RDWR)

    return break_off


@pytest.mark.parametrize(
    "passing",
    [
        answer("429 Slow", b"{}"),
        answer("500 Oh", b"{}"),
        answer("503 Oh", b"{}"),
        breaking_off(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"),
        breaking_off(b""),
    ],
)
def test_the_command_repeats_requests_after_temporary_failures(passing: bytes | Behaviour):
    waits: list[float] = []
    with serving(passing, passing, NO_PIPELINES) as wire:
        with patient(f"http://127.0.0.1:{wire.port}", waits) as fetch:
            assert fetch("/pipelines").status == 200
        wire.closing.set()

    assert waits == [0.5, 1.0]


def test_the_command_gives_up_after_some_tries():
    waits: list[float] = []
    failing = answer("503 Oh", b"{}")
    with (
        serving(*[failing] * 9) as wire,
        patient(f"http://127.0.0.1:{wire.port}", waits) as fetch,
    ):
        assert fetch("/pipelines").status == 503

    assert waits == [0.5, 1.0, 2.0]
    assert len(wire.requests) == 4


@pytest.mark.parametrize(
    ("hint", "waits"),
    [
        ("3", [3.0]),
        ("0", [0.5]),
        ("soon", [0.5]),
        ("Wed, 21 Oct 2015 07:28:00 GMT", [0.5]),
        (f"Wed, 21 Oct {'9' * 30} 07:28:00 GMT", [0.5]),
        ("3600", []),
        ("9" * 400, []),
    ],
)
def test_the_command_waits_as_long_as_it_is_asked_to_if_there_is_time(
    hint: str, waits: list[float]
):
    waited: list[float] = []
    with (
        serving(answer("429 Slow", b"{}", f"retry-after: {hint}"), NO_PIPELINES) as wire,
        patient(f"http://127.0.0.1:{wire.port}", waited) as fetch,
    ):
        status = fetch("/pipelines").status

    assert waited == waits
    assert status == (200 if waits else 429)


@pytest.mark.parametrize("final", [answer("401 No", b"{}"), answer("404 No", b"{}")])
def test_the_command_repeats_no_request_after_a_permanent_failure(final: bytes):
    waits: list[float] = []
    with serving(final) as wire, patient(f"http://127.0.0.1:{wire.port}", waits) as fetch:
        fetch("/pipelines")

    assert waits == []


def test_the_command_goes_through_the_companys_proxy(monkeypatch: pytest.MonkeyPatch):
    with serving(NO_PIPELINES) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        with patient("http://devlake.example:8080") as fetch:
            assert fetch("/pipelines").status == 200

    (request,) = proxy.requests
    assert request.startswith(b"GET http://devlake.example:8080/pipelines HTTP/1.1\r\n")


def test_an_unreachable_proxy_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch,
):
    with serving() as proxy:
        closed_port = proxy.port
    monkeypatch.setenv("HTTP_PROXY", f"http://me:{SECRET}@127.0.0.1:{closed_port}")

    with (
        patient("http://devlake.example:8080") as fetch,
        pytest.raises(
            DevlakeUnavailable, match="no connection through the proxy that HTTPS_PROXY"
        ) as refused,
    ):
        fetch("/pipelines")

    assert SECRET not in str(refused.value)


def test_the_command_trusts_the_companys_certificates(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.path))

    with (
        serving(NO_PIPELINES, tls=authority.context(x509.DNSName("localhost"))) as wire,
        patient(f"https://localhost:{wire.port}") as fetch,
    ):
        assert fetch("/pipelines").status == 200


def test_a_bundle_of_certificates_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")

    with (
        patient("https://localhost:1") as fetch,
        pytest.raises(InvalidInput, match=r"REQUESTS_CA_BUNDLE: .*/no/such/bundle\.pem"),
    ):
        fetch("/pipelines")


def test_a_password_for_the_host_in_netrc_does_not_take_the_place_of_the_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    with serving(NO_PIPELINES) as wire, patient(f"http://127.0.0.1:{wire.port}") as fetch:
        fetch("/pipelines")

    (request,) = wire.requests
    assert f"Authorization: Bearer {SECRET}".lower() in request.decode().lower()


def test_a_compressed_answer_is_read_up_to_the_bytes_it_has_when_it_is_not():
    body = gzip.compress(b" " * (MAX_BYTES + 1))
    response = answer("200 OK", body, "content-encoding: gzip")

    with (
        devlake(of_the_command, response) as (api, _),
        pytest.raises(NotDevlake, match="more than 1000 bytes"),
    ):
        api.page(1)
