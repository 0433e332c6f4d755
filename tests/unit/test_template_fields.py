"""Fields of a template: the event, its place and its subscription, without URL or secret."""

from lakehook.domain.template import template_fields
from tests.builders import a_delivery, a_subscription


def test_a_template_has_the_fields_of_the_event_its_place_and_its_subscription_alone():
    delivery, subscription = a_delivery(2), a_subscription()

    fields = template_fields(delivery, subscription)

    own_fields = {key: value for key, value in fields.items() if key not in delivery.event.document}
    assert own_fields == {
        "sequence": 2,
        "previous_event_type": None,
        "delivery_id": "sub_a#39#2",
        "subscription": {"id": "sub_a", "name": "ci"},
        "late": False,
        "replayed": False,
    }
