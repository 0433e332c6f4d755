"""What a caller asks for, other than the terms of a subscription."""

from typing import Annotated, Any

from pydantic import Field, StrictBool, StrictStr

from functions.api.fields import DURATION
from functions.api.terms import Order, said, unsaid
from lakehook.domain.errors import BadInput
from lakehook.domain.event import Event, EventType
from lakehook.domain.moment import FORMS
from lakehook.domain.replay import Wanted, Wish
from lakehook.domain.sample import sample_of
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


class NewReplay(Order):
    """Which of the past is sent again, to whom."""

    subscription: StrictStr = said("To this one, by id or by name.", "sub_0123")
    since: StrictStr = said(
        f"What was accepted since: {FORMS}.",
        "2026-01-01T12:00:00Z",
        "2h",
    )
    until: StrictStr = unsaid(f"And until then; now if not said. {FORMS}.", "2026-01-02T12:00:00Z")
    event_types: list[EventType] = unsaid("Of what it wants only these.", ["PIPELINE_FAILED"])
    status: Wanted = unsaid("Deliveries that stand like this; any but waiting.", "dead")
    rate: StrictStr = unsaid("So many deliveries in that time at most.", "10/s")

    @property
    def wish(self) -> Wish:
        asked = self.model_fields_set - {"subscription"}
        wish = {name: getattr(self, name) for name in asked}
        if "event_types" in wish:
            wish["event_types"] = tuple(wish["event_types"])
        return Wish(**wish)


class Sample(Order):
    """An event to be tried on: one of a type that we make, or one of your own."""

    event_type: EventType | None = unsaid("Of a sample; PIPELINE_COMPLETED if never said.")
    event: dict[str, Any] | None = unsaid("One of your own, as a producer would send it.")

    @property
    def sample(self) -> Event:
        if self.event is None:
            return sample_of(self.event_type or EventType.PIPELINE_COMPLETED)
        if self.event_type is not None:
            raise BadInput("event_type: an event of your own has one")
        return Event.from_document(self.event)
