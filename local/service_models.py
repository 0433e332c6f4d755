"""Models of AWS's services in little memory: botocore's, without their documentation.

Half of a model is documentation, and botocore's ordered dictionaries take twice a plain one.
"""

import gzip
import json
from pathlib import Path
from sys import intern
from typing import Any

from botocore.loaders import JSONFileLoader, Loader

_DOCUMENTATION = "documentation"


def install() -> None:
    """Let each loader to come, moto's too, read its files in this way."""
    Loader.FILE_LOADER_CLASS = SmallJsonLoader


class SmallJsonLoader(JSONFileLoader):
    def load_file(self, file_path: str) -> Any:
        """Load the file of this name without its suffix; return None if there is none."""
        plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.is_file():
            return _parse(plain.read_bytes())
        return _parse(gzip.decompress(packed.read_bytes())) if packed.is_file() else None


def _parse(model: bytes) -> Any:
    return json.loads(model, object_pairs_hook=_small)


def _small(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {
        name: intern(value) if isinstance(value, str) else value
        for name, value in pairs
        if not (name == _DOCUMENTATION and isinstance(value, str))
    }
