"""State of the laptop's cloud in a file, which outlives the process: ``local up --state DIR``.

It holds what the stack keeps: the items of the tables, the messages of the queues, the keys that
encrypted secrets, and the secrets. It is written when the laptop ends well.

KMS's keys are numbered, so that every cloud of the laptop has the same. Their ids have the form of
AWS's, a UUID: https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

from moto.backends import get_backend
from moto.kms import models

from lakehook.domain.errors import InvalidInput
from lakehook.settings import UNSET, StackOutputs
from local.account import ACCOUNT_ID, REGION
from local.fifo.message import Message
from local.sqs.queue import ModelledQueue

FILE, VERSION = "lakehook-state.json", 1
_TABLES = ("subscriptions_table", "pipelines_table", "deliveries_table")
_SECRETS = ("devlake_api_secret_arn",)  # an option says what the notification secret is
_BINARY = "B"  # as DynamoDB marks it

ClientFor = Callable[[str], Any]
Document = dict[str, Any]


def stable_key_ids() -> AbstractContextManager[Any]:
    """Number the keys that are created inside the block."""
    numbers = count(1)
    return patch.object(models, "generate_key_id", lambda *_: str(UUID(int=next(numbers))))


def kms_keys() -> dict[str, Any]:
    """Return moto's keys by id."""
    keys: dict[str, Any] = get_backend("kms")[ACCOUNT_ID][REGION].keys
    return keys


class UnreadableState(InvalidInput):
    """A file that is not a state of this release."""


class LaptopState:
    """Saves and restores; things are known by the stack's outputs, so that options may change."""

    def __init__(self, folder: Path, client_for: ClientFor, deployment: StackOutputs) -> None:
        self._path = folder / FILE
        self._client_for, self._outputs = client_for, asdict(deployment)

    def save(self) -> None:
        """Replace the file as a whole, so that it is never half written."""
        document = {
            "version": VERSION,
            "tables": {name: self._items(name) for name in _TABLES},
            "queues": {name: self._messages(name) for name in self._queues()},
            "keys": {key.id: _encode(key.key_material) for key in kms_keys().values()},
            "secrets": {name: self._secret(name) for name in self._secrets()},
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        written = self._path.with_suffix(".new")
        written.touch(mode=0o600)
        written.write_text(json.dumps(document, default=_encode), encoding="utf-8")
        written.replace(self._path)

    def restore(self) -> None:
        """Fill a fresh cloud; nothing where there is no file yet."""
        if not self._path.exists():
            return
        document = self._read()
        for name, items in document["tables"].items():
            self._put(name, items)
        for name, messages in document["queues"].items():
            self._send(name, messages)
        for key_id, material in document["keys"].items():
            kms_keys()[key_id].key_material = base64.b64decode(material)
        for name in document["secrets"].keys() & self._secrets():
            self._put_secret(name, document["secrets"][name])

    def _read(self) -> Document:
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"), object_hook=_decoded)
        except ValueError as error:
            raise UnreadableState(f"{self._path}: {error}; give another --state") from None
        if not isinstance(document, dict) or document.get("version") != VERSION:
            raise UnreadableState(f"{self._path}: not a state of this release")
        return document

    def _items(self, name: str) -> list[Document]:
        pages = self._client_for("dynamodb").get_paginator("scan")
        return [
            item
            for page in pages.paginate(TableName=self._outputs[name], ConsistentRead=True)
            for item in page["Items"]
        ]

    def _put(self, name: str, items: list[Document]) -> None:
        dynamodb = self._client_for("dynamodb")
        for item in items:
            dynamodb.put_item(TableName=self._outputs[name], Item=item)

    def _queues(self) -> Iterator[str]:
        return (name for name in self._outputs if name.endswith("_queue_url"))

    def _messages(self, name: str) -> list[Document]:
        with self._queue(name).model() as model:
            return [_to_document(message) for message in model.messages()]

    def _send(self, name: str, messages: list[Document]) -> None:
        with self._queue(name).model() as model:
            for message in messages:
                model.send(**message)

    def _queue(self, name: str) -> ModelledQueue:
        queues = get_backend("sqs")[ACCOUNT_ID][REGION].queues
        queue = queues[self._outputs[name].rpartition("/")[2]]
        assert isinstance(queue, ModelledQueue), f"{name} is not a FIFO queue"
        return queue

    def _secrets(self) -> set[str]:
        return {name for name in _SECRETS if self._outputs[name] != UNSET}

    def _secret(self, name: str) -> str:
        secrets_manager = self._client_for("secretsmanager")
        return str(secrets_manager.get_secret_value(SecretId=self._outputs[name])["SecretString"])

    def _put_secret(self, name: str, secret: str) -> None:
        self._client_for("secretsmanager").put_secret_value(
            SecretId=self._outputs[name], SecretString=secret
        )


def _to_document(message: Message) -> Document:
    return {
        "body": message.body,
        "group_id": message.group_id,
        "deduplication_id": message.deduplication_id,
        "attributes": dict(message.attributes),
        "trace_header": message.trace_header,
    }


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decoded(document: Document) -> Document:
    if list(document) == [_BINARY] and isinstance(document[_BINARY], str):
        return {_BINARY: base64.b64decode(document[_BINARY])}
    return document
