"""Backend and responses of SQS, registered with moto."""

from types import SimpleNamespace

from moto.sqs import urls

from local.sqs.backend import ModelledBackend
from local.sqs.responses import ModelledResponse


class ModelledService(ModelledBackend):
    @property
    def _url_module(self) -> SimpleNamespace:
        """Module of the URLs; moto would look for a module ``urls`` next to this one."""
        return SimpleNamespace(
            url_bases=urls.url_bases,
            url_paths=dict.fromkeys(urls.url_paths, ModelledResponse.dispatch),
        )
