"""AWS's models are read without their documentation, and nothing else is missing."""

import gzip
import json
from pathlib import Path

from botocore.loaders import JSONFileLoader
from botocore.loaders import Loader as BotocoreLoader
from botocore.model import ServiceModel

from local.service_models import SmallJsonLoader


def test_a_model_lacks_its_documentation_and_keeps_a_member_of_that_name(tmp_path: Path) -> None:
    model = {"documentation": "<p>", "members": {"documentation": {"shape": "Text"}}}
    (tmp_path / "service-2.json.gz").write_bytes(gzip.compress(json.dumps(model).encode()))

    loaded = SmallJsonLoader().load_file(str(tmp_path / "service-2"))

    assert loaded == {"members": {"documentation": {"shape": "Text"}}}


def test_a_missing_model_is_none(tmp_path: Path) -> None:
    assert SmallJsonLoader().load_file(str(tmp_path / "service-2")) is None


def test_a_service_keeps_all_that_requests_and_responses_need() -> None:
    small, full = (
        ServiceModel(BotocoreLoader(file_loader=files).load_service_model("sqs", "service-2"))
        for files in (SmallJsonLoader(), JSONFileLoader())
    )

    assert small.metadata == full.metadata
    assert small.operation_names == full.operation_names
    assert {name: _members(small, name) for name in small.shape_names} == {
        name: _members(full, name) for name in full.shape_names
    }


def _members(model: ServiceModel, name: str) -> object:
    shape = model.shape_for(name)
    return shape.type_name, shape.serialization, list(getattr(shape, "members", ()))
