"""KMS keys of the laptop, with the same ids in every cloud, so that a saved state can restore them.

The ids have the form of AWS's, a UUID, but are numbered:
https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
"""

from contextlib import AbstractContextManager
from itertools import count
from typing import Any
from unittest.mock import patch
from uuid import UUID

from moto.backends import get_backend
from moto.kms import models

from local.account import ACCOUNT_ID, REGION


def stable_key_ids() -> AbstractContextManager[Any]:
    """Number the keys that are created inside the block."""
    numbers = count(1)
    return patch.object(models, "generate_key_id", lambda *_: str(UUID(int=next(numbers))))


def kms_keys() -> dict[str, Any]:
    """Return moto's keys by id."""
    keys: dict[str, Any] = get_backend("kms")[ACCOUNT_ID][REGION].keys
    return keys
