import time

import pytest

from lakehook.domain.signing import HmacSecret, signatures
from local.receiver import CannedResponse, Receiver

SECRET = HmacSecret(bytes(range(32)))
BODY = '{"project_name":"湖"}'.encode()


def headers(**changes: str) -> dict[str, str]:
    now = int(time.time())
    signed = signatures(message_id="sub_a#39#1", timestamp=now, body=BODY, secrets=[SECRET])
    return {
        "webhook-id": "sub_a#39#1",
        "webhook-timestamp": str(now),
        "webhook-signature": signed,
        **changes,
    }


def test_a_delivery_signed_by_its_secret_is_genuine():
    receiver = Receiver("knowing", secret=SECRET.reveal())

    answer = receiver.take(headers(), BODY)

    assert answer == CannedResponse(200)
    assert [arrival.genuine for arrival in receiver.arrivals] == [True]


def test_nothing_is_genuine_before_the_secret_is_known_but_it_is_kept():
    receiver = Receiver("early")

    receiver.take(headers(), BODY)

    assert [arrival.genuine for arrival in receiver.arrivals] == [False]


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": "sub_a#39#2"},
        {"webhook-timestamp": "1"},
        {"webhook-signature": "v1,bm90IHRoaXMgb25l"},
        {"webhook-signature": "v1,not base64"},
        {"webhook-signature": "nonsense"},
        {"webhook-signature": ""},
    ],
)
def test_a_forged_delivery_is_not_genuine_but_it_is_kept(changes: dict[str, str]):
    receiver = Receiver("wary", secret=SECRET.reveal())

    receiver.take(headers(**changes), BODY)

    assert [arrival.genuine for arrival in receiver.arrivals] == [False]
