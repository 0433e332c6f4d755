"""What a template can see: the event, its place, and for whom it is; no address, no secret."""

from lakehook.domain.template import template_fields
from tests.builders import a_delivery, a_subscription


def test_a_template_sees_the_event_its_place_and_whose_it_is_and_nothing_else():
    delivery, subscription = a_delivery(2), a_subscription()

    fields = template_fields(delivery, subscription)

    ours = {key: value for key, value in fields.items() if key not in delivery.event.document}
    assert ours == {
        "sequence": 2,
        "previous_event_type": None,
        "delivery_id": "sub_a#39#2",
        "subscription": {"id": "sub_a", "name": "ci"},
        "late": False,
        "replayed": False,
    }
