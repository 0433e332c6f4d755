"""How subscriptions and their secrets are listed."""

from lakehook.desk.subscription_facts import facts, secret_facts
from lakehook.domain.standing import standing_of
from lakehook.domain.subscription import Subscription
from ops.answers import NONE, Listing


def _row(one: Subscription) -> tuple[str, ...]:
    types = ", ".join(one.event_types) or "every PIPELINE_*"
    return one.id, one.name, one.endpoint.shown, types, _state(one)


def _state(one: Subscription) -> str:
    standing = str(standing_of(one))
    return f"{standing} ({one.disabled_reason})" if one.disabled_reason else standing


SUBSCRIPTIONS = Listing(
    ("ID", "NAME", "URL", "EVENT TYPES", "STATE"), _row, facts, "no subscriptions"
)
SECRETS = Listing(
    ("SIGNING", "CREATED", "SIGNS UNTIL", "PUBLIC KEY"),
    lambda one: [value or NONE for value in secret_facts(one).values()],
    secret_facts,
    "no secrets",
)
