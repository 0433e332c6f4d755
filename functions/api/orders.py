"""What a caller asks for, other than the terms of a subscription."""

from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictStr

from functions.api.fields import DURATION
from functions.api.terms import Order, unsaid
from lakehook.domain.secret import Signing

LONGEST_WAIT_SECONDS = 30
MOST_EVENTS = MOST_LETTERS = 100


class Test(Order):
    """Whether the endpoint is there."""

    wait_seconds: Annotated[float, Field(strict=True, ge=1, le=LONGEST_WAIT_SECONDS)] = Field(
        LONGEST_WAIT_SECONDS, description="For the answer, so long."
    )


class Rotation(Order):
    """A new secret from now on."""

    overlap: Annotated[StrictStr, Field(pattern=DURATION)] = Field(
        "24h", description="How long the old secret signs too; 0 ends all old ones at once."
    )
    signing: Signing | None = unsaid("Of another kind than before.", "ed25519")
    secret: StrictStr | None = unsaid("One that exists already; else a new one is made.")


class Trial(Order):
    """Events to be tried; none is sent."""

    events: list[dict[str, Any]] = Field(
        description="As a producer would send them.",
        max_length=MOST_EVENTS,
        examples=[
            [
                {
                    "pipeline_id": 39,
                    "event_type": "PIPELINE_FAILED",
                    "trigger_source": "manual",
                    "timestamp": "2026-01-01T12:00:00Z",
                }
            ]
        ],
    )


class Chosen(Order):
    """Dead letters by their ids, or by what they share, or all: in one way alone."""

    ids: list[StrictStr] | None = unsaid("These.", ["sub_0123#39#2"], maxItems=MOST_LETTERS)
    subscription: StrictStr | None = unsaid("Those of this one, by id or by name.")
    reason: StrictStr | None = unsaid("Those that died of this.", "gone")
    all: StrictBool = unsaid("Every one there is.")
    dry_run: StrictBool = unsaid("Only say which they are.")
