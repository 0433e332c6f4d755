"""Check of the set-up of DevLake and Lakehook for each other, part by part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lakehook.domain.devlake.notification import PipelineRow
from lakehook.domain.devlake.setup_check import (
    Check,
    CheckState,
    EndpointAnswer,
    StateOrigin,
    check_api,
    check_endpoint,
    check_heard,
    check_newest,
    check_reconcile,
    check_secret,
    check_ui,
    is_accepted,
    is_read,
    newest_begun,
    probe_notice,
    refuse_api,
    warn_of_no_api,
)
from lakehook.domain.devlake.signature import nouce_of, signed_query
from lakehook.domain.devlake.sources import ApiAddress, DevLakeSource
from lakehook.domain.errors import (
    DevlakeUnavailable,
    InfrastructureError,
    InvalidInput,
    InvalidNotification,
)
from lakehook.domain.json_document import Document
from lakehook.ports.ingress import (
    ApiCredentials,
    DevLakePipelines,
    HeardReader,
    NotificationSecretReader,
)
from lakehook.ports.stores import Journal, Reconciliations
from lakehook.ports.system import Clock, Random

PostNotice = Callable[[str, str, bytes], EndpointAnswer]
"""Posts a notification to a URL with a query, once; failures are returned as values."""


@dataclass(frozen=True)
class Checkup:
    """Checks of one source, and the two variables that its DevLake needs."""

    source: DevLakeSource
    endpoint: str
    secret: str | None = field(repr=False)  # None if it could not be read
    checks: Sequence[Check]

    @property
    def needs_person(self) -> bool:
        return any(check.state is CheckState.FAIL for check in self.checks)

    @property
    def aws_failed(self) -> bool:
        return any(check.aws_failed for check in self.checks)


@dataclass(frozen=True)
class CheckDevLake:
    """Check of all parts: a failure is a result like any other, so one run reports everything."""

    secrets: NotificationSecretReader
    post: PostNotice
    heard: HeardReader
    journal: Journal
    reconciliations: Reconciliations
    credentials: Callable[[str | None], ApiCredentials]
    connect: Callable[[ApiAddress], DevLakePipelines]
    clock: Clock
    random: Random

    def __call__(self, source: DevLakeSource, url: str, api: ApiAddress | None = None) -> Checkup:
        """Check a source; ``url`` is the ingress's, ``api`` overrides the stack's own setting."""
        endpoint, secret = f"{url}{source.name or ''}", self._secret(source)
        checks = [
            *([secret] if isinstance(secret, Check) else self._check_ingress(endpoint, secret)),
            *self._run("last accepted", lambda: self._check_heard(source)),
            *self._run("API", lambda: self._check_api(source, api)),
            *self._run("reconcile", lambda: self._check_reconcile(source)),
            check_ui(source),
        ]
        return Checkup(source, endpoint, None if isinstance(secret, Check) else secret, checks)

    def _secret(self, source: DevLakeSource) -> str | Check:
        """Return the secret that DevLake must sign with, or a failed check."""
        try:
            return next(iter(self.secrets.active(source.name, fresh=True).values), "")
        except InfrastructureError as error:
            return Check.of_aws("secret", error)

    def _check_ingress(self, endpoint: str, secret: str) -> Sequence[Check]:
        now = self.clock.now()
        body = probe_notice(now)
        query = signed_query(body, secret, nouce_of(int(now), self.random.random_bytes()))
        answer = self.post(endpoint, query, body)
        checked = check_secret(secret, is_accepted=is_accepted(answer))
        return [checked, *check_endpoint(answer)]

    def _check_heard(self, source: DevLakeSource) -> Sequence[Check]:
        heard = self.heard.heard(source.name)
        return check_heard(heard, now=self.clock.now(), source=source)

    def _check_api(self, source: DevLakeSource, api: ApiAddress | None) -> Sequence[Check]:
        try:
            address = api or self._address(source)
            if address is None:
                return [warn_of_no_api(source)]
            devlake = self.connect(address)
            version, rows = devlake.version(), _readable(devlake.page(1))
        except (InvalidInput, DevlakeUnavailable) as error:
            reads = api is None and self._is_read(source)
            return [refuse_api(error, stack_reads_it=reads)]
        return [check_api(address.url, version), self._check_newest(source, rows)]

    def _check_reconcile(self, source: DevLakeSource) -> Sequence[Check]:
        """Check the scheduled reconcile; a missing API is reported by another check."""
        if source.api_url is None:
            return []
        return [check_reconcile(self.reconciliations.find(source.name), now=self.clock.now())]

    def _is_read(self, source: DevLakeSource) -> bool:
        return is_read(self.reconciliations.find(source.name), now=self.clock.now())

    def _address(self, source: DevLakeSource) -> ApiAddress | None:
        if source.api_url is None:
            return None
        return ApiAddress(source.api_url, self.credentials(source.name).headers(fresh=True))

    def _check_newest(self, source: DevLakeSource, rows: Sequence[PipelineRow]) -> Check:
        row = newest_begun(rows)
        return check_newest(
            row,
            self.heard.heard(source.name).accepted,
            self._origin_of(row, source) if row else StateOrigin.NONE,
            now=self.clock.now(),
            source=source,
        )

    def _origin_of(self, row: PipelineRow, source: DevLakeSource) -> StateOrigin:
        """Find out how the present state came; its event's id is the same either way."""
        event = row.to_event("", source=source.name)
        sent = [entry.sequenced.event for entry in self.journal.events(event.pipeline_key)]
        skipped = [entry.event for entry in self.journal.skipped(event.pipeline_key)]
        arrived = [entry for entry in (*sent, *skipped) if entry.id == event.id]
        if not arrived:
            return StateOrigin.NONE
        is_posted = any(not entry.is_reconciled for entry in arrived)
        return StateOrigin.POSTED if is_posted else StateOrigin.RECONCILED

    def _run(self, name: str, check: Callable[[], Sequence[Check]]) -> Sequence[Check]:
        try:
            return check()
        except InfrastructureError as error:
            return [Check.of_aws(name, error)]


def _readable(page: Sequence[Document]) -> list[PipelineRow]:
    rows: list[PipelineRow] = []
    for document in page:
        try:
            rows.append(PipelineRow.parse(document))
        except InvalidNotification:
            continue  # reconcile names it
    return rows
