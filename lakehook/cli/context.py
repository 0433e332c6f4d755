"""Context of a command: the use cases that it can run, made of their ports."""

from collections.abc import Callable
from dataclasses import dataclass

from lakehook import operations
from lakehook.domain.devlake.sources import DevLakeSources
from lakehook.ingestion.check_devlake import CheckDevLake, PostNotice
from lakehook.ingestion.reconcile import ConnectDevLake, Reconcile
from lakehook.operations import OperatorPorts, build_operator_service
from lakehook.operations.events import FollowEvents, TriggerEvent
from lakehook.ports.ingress import ApiCredentials, HeardReader, NotificationSecretReader
from lakehook.ports.stores import Reconciliations


@dataclass(frozen=True, kw_only=True)
class CommandService(operations.OperatorService):
    reconcile: Reconcile
    check_devlake: CheckDevLake
    devlake_sources: DevLakeSources
    ingress_url: str
    follow_events: FollowEvents
    trigger: TriggerEvent
    is_laptop: bool  # whether the sender runs on this machine, and reaches it


OpenService = Callable[[str], CommandService]
"""Builds the operations of a stack."""


@dataclass(frozen=True, kw_only=True)
class CommandPorts:
    operator: OperatorPorts
    connect: ConnectDevLake
    notification_secrets: NotificationSecretReader
    api_credentials: Callable[[str | None], ApiCredentials]
    post_notice: PostNotice
    heard: HeardReader
    reconciliations: Reconciliations
    devlake_sources: DevLakeSources
    ingress_url: str
    is_laptop: bool


def build_command_service(ports: CommandPorts) -> CommandService:
    operator, clock = ports.operator, ports.operator.clock
    return CommandService(
        **vars(build_operator_service(operator)),
        reconcile=Reconcile(ports.connect, operator.publish, clock, operator.warn),
        check_devlake=CheckDevLake(
            secrets=ports.notification_secrets,
            post=ports.post_notice,
            heard=ports.heard,
            journal=operator.journal,
            reconciliations=ports.reconciliations,
            credentials=ports.api_credentials,
            connect=ports.connect,
            clock=clock,
            random=operator.random,
        ),
        devlake_sources=ports.devlake_sources,
        ingress_url=ports.ingress_url,
        trigger=TriggerEvent(operator.publish, operator.queue, clock),
        follow_events=FollowEvents(operator.journal, clock),
        is_laptop=ports.is_laptop,
    )
