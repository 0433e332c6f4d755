"""The asset of each function."""

from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, IgnoreMode, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bundle import LAMBDAS_PROCESSOR, ROOT, sources_of, write_bundle


@jsii.implements(ILocalBundling)
class LocalBundling:
    def __init__(self, function: str, processor: str) -> None:
        self._function, self._processor = function, processor

    def try_bundle(self, output_dir: str, *_options: Any, **_more: Any) -> bool:
        write_bundle(self._function, Path(output_dir), processor=self._processor)
        return True


def code_of(function: str, scope: Construct) -> lambda_.Code:
    """Its hash is that of the sources, pins included: the same sources are never uploaded twice.

    The context's ``processor`` is for a cloud that runs functions on this machine.
    """
    processor = scope.node.try_get_context("processor") or LAMBDAS_PROCESSOR
    return lambda_.Code.from_asset(
        str(ROOT),
        exclude=all_but(sources_of(function)),
        ignore_mode=IgnoreMode.GLOB,
        asset_hash_type=AssetHashType.SOURCE,
        bundling=BundlingOptions(
            image=lambda_.Runtime.PYTHON_3_13.bundling_image,  # named, never pulled
            command=[processor],  # never run, but hashed: what is made for another is another asset
            local=LocalBundling(function, processor),
        ),
    )


def all_but(sources: tuple[str, ...]) -> list[str]:
    """What the asset's hash does not look at; a folder is looked into only if it is let through."""
    folders = {str(parent) for one in sources for parent in Path(one).parents} - {"."}
    through = [f"!{folder}" for folder in sorted(folders)]
    kept = [pattern for one in sources for pattern in (f"!{one}", f"!{one}/**")]
    return ["*", *(f"{folder}/*" for folder in sorted(folders)), *through, *kept, "**/__pycache__"]
