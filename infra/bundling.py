"""The one asset of every function, told apart only by their handlers."""

from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, IgnoreMode, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from infra.bundle import PACKAGES, ROOT, write_bundle

ALL_BUT_SOURCES = [
    "*",
    *(line for package in PACKAGES for line in (f"!{package}", f"!{package}/**")),
    *("!infra", "!infra/bundle.py"),  # not shipped, but it decides what the wheels are built for
    "**/__pycache__",
]
"""What the asset's hash does not look at."""


@jsii.implements(ILocalBundling)
class LocalBundling:
    def try_bundle(self, output_dir: str, *_options: Any, **_more: Any) -> bool:
        write_bundle(Path(output_dir))
        return True


def functions_code() -> lambda_.Code:
    """Its hash is that of the sources, pins included: the same sources are never uploaded twice."""
    return lambda_.Code.from_asset(
        str(ROOT),
        exclude=ALL_BUT_SOURCES,
        ignore_mode=IgnoreMode.GLOB,
        asset_hash_type=AssetHashType.SOURCE,
        bundling=BundlingOptions(
            image=lambda_.Runtime.PYTHON_3_13.bundling_image,  # named, never pulled
            local=LocalBundling(),
        ),
    )
