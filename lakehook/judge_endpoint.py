"""Judge an endpoint by the sender's own rule, before anything is ever sent to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from lakehook.domain.address import Network
from lakehook.domain.channel import Channel
from lakehook.domain.destination import Destination, destination_of
from lakehook.domain.endpoint import Endpoint
from lakehook.domain.errors import BadEndpoint
from lakehook.ports.endpoints import Resolve, Warn


@dataclass(frozen=True)
class JudgeEndpoint:
    resolve: Resolve
    opened: Sequence[Network]
    warn: Warn
    email_sender: str | None = None

    def __call__(self, url: str, channel: Channel) -> Destination:
        """What is at a URL, or ``BadEndpoint``.

        A name that only the sender's network knows is warned of and no more, but then judged
        as a public one: what cannot be seen to be opened is not.
        """
        destination = destination_of(url)
        if objection := channel.objection(destination):
            raise BadEndpoint(f"url: {objection}")
        if isinstance(destination, Endpoint):
            destination.judge(self._addresses(destination), opened=self.opened)
        elif self.email_sender is None:
            raise BadEndpoint(
                "url: no mail goes out; deploy with --parameters EmailSender=lakehook@team.example,"
                " an identity that SES has verified"
            )
        return destination

    def _addresses(self, endpoint: Endpoint) -> Sequence[str]:
        try:
            return self.resolve(endpoint.host, endpoint.port)
        except OSError:
            self.warn(f"{endpoint.host} does not resolve from here; the sender will judge it again")
            return ()
