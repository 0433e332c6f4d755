"""CloudFormation parameters: what may differ between deployments of one template."""

from functools import cached_property

from aws_cdk import CfnCondition, CfnParameter, Fn, Stack
from constructs import Construct

from infra.constructs import acknowledge_rule
from lakehook.domain.devlake import sources
from lakehook.settings import EMPTY_SECRET, REFUSED, UNSET

MAX_SOURCES = 2000
"""Maximum characters: a function's environment holds 4 KB."""

STALL_THRESHOLDS = '{"created": "15m", "running": "24h"}'


class Parameters(Construct):
    """The parameters of a stack, which keep their value from one deployment to the next.

    ``cdk deploy`` reuses the previous value of each parameter that is not given, even where the
    template has another default: settings of a stage are therefore not parameters.
    https://docs.aws.amazon.com/cdk/v2/guide/parameters.html
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.allowed_networks = self._parameter(
            "AllowedNetworks",
            default=UNSET,
            pattern=r"-|[0-9A-Fa-f.:/]+(,[0-9A-Fa-f.:/]+)*",
            description=f"Private networks that may be called, as CIDR blocks; {UNSET} for none",
        )
        self.empty_secret = self._parameter(
            "EmptyNotificationSecret",
            default=REFUSED,
            pattern="|".join(EMPTY_SECRET),
            description="Whether notifications signed with an empty secret are accepted",
        )
        acknowledge_rule(
            Stack.of(self),
            "CloudFormation-Validate::W2509",
            "Its value is a policy, not a secret",
        )
        acknowledge_rule(
            Stack.of(self),
            "CloudFormation-Validate::W1001",
            "What exists under a condition is named where the same condition holds",
        )
        self._add_devlake()
        self._add_messages()

    def _add_devlake(self) -> None:
        self.devlake_api_url = self._parameter(
            "DevlakeApiUrl",
            default=UNSET,
            pattern=f"{UNSET}|{sources.URL}",
            description="DevLake's REST API, such as https://devlake.example/api, to read trigger"
            f" sources, errors and lost notifications; {UNSET} for none",
        )
        self.devlake_ui_url = self._parameter(
            "DevlakeUiUrl",
            default=UNSET,
            pattern=f"{UNSET}|{sources.URL}",
            description=f"DevLake's config UI, for links in messages; {UNSET} for none",
        )
        self.devlake_sources = self._parameter(
            "DevlakeSources",
            default=sources.NO_SOURCES,
            pattern=sources.SOURCES,
            description="Further DevLakes by name; the name is the path of their notifications:"
            ' {"staging": {"api_url": "https://devlake-staging.example/api"}}',
            max_length=MAX_SOURCES,
        )

    def _add_messages(self) -> None:
        self.email_sender = self._parameter(
            "EmailSender",
            default=UNSET,
            pattern=r"-|[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,253}",
            description=f"Sender of e-mail, a verified identity of SES; {UNSET} for no e-mail",
        )
        self.stall_thresholds = self._parameter(
            "StallThresholds",
            default=STALL_THRESHOLDS,
            pattern=r"\{.*\}",
            description="How long a pipeline may stay in a state before it counts as stalled;"
            ' by project: {"projects": {"payments": {"running": "2h"}}}',
        )
        self.operators_email = self._parameter(
            "OperatorsEmail",
            default=UNSET,
            pattern=r"-|[^@\s]+@[^@\s]+",
            description=f"E-mail address that alarms are sent to; {UNSET} for none",
        )

    @cached_property
    def asks_devlake(self) -> CfnCondition:
        """The condition that the API of at least one DevLake is configured."""
        is_default_known = Fn.condition_not(Fn.condition_equals(self.devlake_api_url, UNSET))
        are_more_declared = Fn.condition_not(
            Fn.condition_equals(self.devlake_sources, sources.NO_SOURCES)
        )
        condition = CfnCondition(
            self, "AsksDevlake", expression=Fn.condition_or(is_default_known, are_more_declared)
        )
        condition.override_logical_id("AsksDevlake")
        return condition

    def if_devlake_is_asked(self, value: str) -> str:
        """Return the value of a setting, ``UNSET`` where no API of DevLake is configured."""
        return Fn.condition_if(self.asks_devlake.logical_id, value, UNSET).to_string()

    def _parameter(
        self,
        name: str,
        *,
        default: str,
        pattern: str,
        description: str,
        max_length: int | None = None,
    ) -> str:
        parameter = CfnParameter(
            self,
            name,
            default=default,
            allowed_pattern=f"^({pattern})$",
            description=description,
            max_length=max_length,
        )
        parameter.override_logical_id(name)
        return parameter.value_as_string
