"""KMS keys of the laptop: of the same ids in every cloud, so that a state can restore them."""

from contextlib import AbstractContextManager
from itertools import count
from typing import Any
from unittest.mock import patch
from uuid import UUID

from moto.backends import get_backend
from moto.kms import models

from local.account import ACCOUNT_ID, REGION


def stable_key_ids() -> AbstractContextManager[Any]:
    """While inside, keys that are made are numbered."""
    numbers = count(1)
    return patch.object(models, "generate_key_id", lambda *_: str(UUID(int=next(numbers))))


def kms_keys() -> dict[str, Any]:
    """Moto's own keys, by their ids."""
    keys: dict[str, Any] = get_backend("kms")[ACCOUNT_ID][REGION].keys
    return keys
