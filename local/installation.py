"""The whole of Lakehook on this machine: cloud, resources, functions, and their triggers."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count, repeat
from pathlib import Path
from typing import Any, Self

from lakehook.settings import UNSET, StackOutputs
from local import account
from local.cloud import Cloud
from local.function import ROOT, THIS_PYTHON, Function, Host, log_level
from local.function_url import FunctionUrl
from local.provision import ProvisionedStack, provision
from local.state import LaptopState, stable_key_ids
from local.triggers import Triggers, concurrency_of

CA_BUNDLE = "/lakehook/ca-bundle"
CA_BUNDLE_ARN = account.arn("ssm", f"parameter{CA_BUNDLE}")
_TEMPLATE = ROOT / "local" / "template.json"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the installation; ``None`` keeps the template's value."""

    port: int = 0  # the functions' URLs have the next ones, in the template's order
    retry_schedule: str | None = None
    stall_thresholds: str | None = None
    allow_networks: tuple[str, ...] = ()
    clock_seconds: float | None = None
    hosts: Path | None = None
    notification_secret: str | None = field(default=None, repr=False)
    email_sender: str | None = None
    ca_bundle: str | None = field(default=None, repr=False)  # certificates in PEM
    state: Path | None = None  # a folder in which it is kept; none: it is gone at the end
    devlake_api_url: str | None = None
    devlake_ui_url: str | None = None
    devlake_sources: Mapping[str, str | None] = field(default_factory=dict)  # API URLs by name
    sink: int = 2
    bundles: Path | None = None
    python: Path = THIS_PYTHON
    calls: Path | None = None

    def parameters(self) -> dict[str, str]:
        networks = ",".join(self.allow_networks) or UNSET
        changed = {
            "StallThresholds": self.stall_thresholds,
            "EmailSender": self.email_sender,
            "DevlakeApiUrl": self.devlake_api_url,
            "DevlakeUiUrl": self.devlake_ui_url,
            "DevlakeSources": self._sources() if self.devlake_sources else None,
        }
        chosen = {name: value for name, value in changed.items() if value is not None}
        return {"AllowedNetworks": networks, **chosen}

    def _sources(self) -> str:
        urls = self.devlake_sources.items()
        return json.dumps({name: {"api_url": url} if url else {} for name, url in urls})

    def variables(self) -> dict[str, str]:
        """Return the functions' variables that differ from the template."""
        chosen = {
            "RETRY_SCHEDULE": self.retry_schedule,
            "RECONCILE_SECONDS": self.clock_seconds and str(self.clock_seconds),
            "STATUS_SECONDS": self.clock_seconds and str(4 * self.clock_seconds),
            "CA_BUNDLE_ARN": CA_BUNDLE_ARN if self.ca_bundle else None,
        }
        return {name: value for name, value in chosen.items() if value}


class LocalLakehook:
    """Context manager in which events published to the local cloud are delivered.

    Inside, the local cloud is also this process's AWS, so any boto3 client uses it.
    """

    region = account.REGION
    deployment: StackOutputs
    functions: Mapping[str, Function]

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()
        self._cloud = Cloud(self._options.port)
        self._exits = ExitStack()

    @property
    def endpoint_url(self) -> str:
        return self._cloud.endpoint_url

    @property
    def notification_secret(self) -> str:
        """Secret that DevLake signs with."""
        secrets_manager, arn = (
            self.client("secretsmanager"),
            self.deployment.notification_secret_arn,
        )
        return str(secrets_manager.get_secret_value(SecretId=arn)["SecretString"])

    def __enter__(self) -> Self:
        """Start; returns when the queues exist and each function waits for its first invocation."""
        with ExitStack() as exits:
            exits.enter_context(self._cloud)
            stack = self._provision(exits)
            keep_state = self._restored_state(exits)
            self.functions = exits.enter_context(self._running(stack))
            exits.enter_context(self._driven(stack))
            keep_state()
            self._exits = exits.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def client(self, service: str) -> Any:
        """Create a boto3 client of the local cloud."""
        return self._cloud.client(service)

    def _restored_state(self, exits: ExitStack) -> Callable[[], None]:
        """Restore now; once the result was called, save when the functions have ended."""
        if self._options.state is None:
            return lambda: None
        state = LaptopState(self._options.state, self.client, self.deployment)
        state.restore()
        started: list[LaptopState] = []
        exits.callback(lambda: state.save() if started else None)
        return lambda: started.append(state)

    def _provision(self, exits: ExitStack) -> ProvisionedStack:
        template = json.loads(_TEMPLATE.read_text(encoding="utf-8"))
        self._function_urls: dict[str, FunctionUrl] = {}
        ports = count(self._options.port + 1) if self._options.port else repeat(0)

        def new_url() -> str:
            function_url = exits.enter_context(FunctionUrl(next(ports)))
            self._function_urls[function_url.url] = function_url
            return function_url.url

        parameters = self._options.parameters()
        with stable_key_ids():
            stack = provision(template, parameters, self._cloud.client, new_url=new_url)
        self._cloud.describe(stack.outputs)
        self.deployment = StackOutputs.from_outputs(stack.outputs)
        if secret := self._options.notification_secret:
            self.client("secretsmanager").put_secret_value(
                SecretId=self.deployment.notification_secret_arn, SecretString=secret
            )
        if bundle := self._options.ca_bundle:
            self.client("ssm").put_parameter(Name=CA_BUNDLE, Value=bundle, Type="String")
        if sender := self._options.email_sender:
            self.client("sesv2").create_email_identity(EmailIdentity=sender)
        return stack

    @contextmanager
    def _running(self, stack: ProvisionedStack) -> Iterator[Mapping[str, Function]]:
        host = Host(
            endpoint_url=self.endpoint_url,
            sink=self._options.sink,
            variables=log_level() | self._options.variables(),
            hosts=self._options.hosts,
            bundles=self._options.bundles,
            python=self._options.python,
            calls=self._options.calls,
        )
        concurrency = concurrency_of(stack)
        functions = {
            spec.name: Function(spec, host, concurrency=concurrency[spec.name])
            for spec in stack.functions
        }
        try:
            for function in functions.values():
                function.start()
            for function in functions.values():
                function.wait_until_initialised()
            yield functions
        finally:
            for function in functions.values():
                function.close()

    @contextmanager
    def _driven(self, stack: ProvisionedStack) -> Iterator[None]:
        """Run the functions; at the end the processes are killed, without waiting for a batch."""
        drivers = list(
            Triggers(
                stack=stack,
                functions=self.functions,
                urls=self._function_urls,
                clock_seconds=self._options.clock_seconds,
            )
        )
        for driver in drivers:
            driver.start()
        try:
            yield
        finally:
            for driver in drivers:
                driver.ask_to_stop()
            for function in self.functions.values():
                function.close()
            for driver in drivers:
                driver.stop()
