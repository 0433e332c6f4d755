"""The console of the local cloud, in its process; by itself over a sample life."""

import sys
import tempfile
from contextlib import AbstractContextManager
from dataclasses import replace
from threading import Event

from lakehook.adapters.aws import Aws
from lakehook.console.context import ConsoleOptions, ConsoleService
from lakehook.console.server import Served, served
from lakehook.domain.subscription import Language
from lakehook.operations.bootstrap import operator_service_on
from lakehook.producer import Publisher
from local import trickle
from local.installation import LocalLakehook


def serve_console(
    lakehook: LocalLakehook, *, port: int, options: ConsoleOptions | None = None
) -> AbstractContextManager[Served]:
    """Serve it while inside."""

    def open_service() -> ConsoleService:
        deployment, aws = lakehook.deployment, Aws()
        publisher = Publisher(deployment.events_queue_url, aws.sqs())
        return ConsoleService(operator_service_on(deployment, aws, _warn), publisher.publish)

    return served(open_service, port=port, options=options or ConsoleOptions())


def serve_sample(*, port: int, no_browser: bool, language: Language) -> None:
    """Serve it over sample subscribers and a trickle of pipelines, until it is interrupted."""
    with (
        tempfile.TemporaryFile() as log,
        LocalLakehook(replace(trickle.OPTIONS, sink=log.fileno())) as lakehook,
        trickle.sample_life(lakehook),
        serve_console(lakehook, port=port, options=ConsoleOptions(language=language)) as running,
    ):
        print(f"console: {running.access.url}", flush=True)
        if not no_browser:
            running.open_browser()
        Event().wait()


def _warn(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)
