"""Message catalogue of the notifications, in English and Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass

from lakehook.domain.subscription import Language


@dataclass(frozen=True, kw_only=True)
class Translations:
    """Texts in one language; ``{}`` marks a value to fill in."""

    labels: Mapping[str, str]  # names of the facts
    states: Mapping[str, str]
    headline: str
    in_project: str
    pipeline: str
    task: str  # a task of a known pipeline
    unknown_task: str
    brackets: str
    triggers: Mapping[str, str]
    blueprint: str
    tasks: str  # finished tasks, of all tasks
    tasks_of_all_runs: str  # used when reruns make finished exceed the total
    failed: str  # appended to either count
    failed_at_least: str
    failed_tasks: str
    more: str
    more_at_least: str
    link: str
    units: tuple[str, str, str, str]  # days, hours, minutes, seconds
    colon: str
    stalled: str
    inferred: str
    late: str
    replayed: str
    ping_headline: str
    ping_message: str


_ENGLISH = Translations(
    labels={
        "project": "Project",
        "pipeline": "Pipeline",
        "task": "Task",
        "trigger": "Trigger",
        "tasks": "Tasks",
        "duration": "Duration",
        "time": "Time",
    },
    states={
        "CREATED": "created",
        "RUNNING": "running",
        "COMPLETED": "completed",
        "FAILED": "failed",
        "PARTIAL": "completed in part",
        "CANCELLED": "cancelled",
        "STALLED": "stalled",
    },
    headline="{what} {state}",
    in_project="{project}: {what}",
    pipeline="pipeline {}",
    task="task {task} of {pipeline}",
    unknown_task="a task of {pipeline}",
    brackets=" ({})",
    triggers={"manual": "by hand", "automatic": "automatic"},
    blueprint="blueprint {}",
    tasks="{finished} of {total} finished",
    tasks_of_all_runs="{total}, run {finished} times with reruns",
    failed=", {} of them failed",
    failed_at_least=", {} or more of them failed",
    failed_tasks="Failed tasks:",
    more="and {} more",
    more_at_least="and {} or more others",
    link="Open the pipeline",
    units=("{} d", "{} h", "{} min", "{} s"),
    colon=": ",
    stalled="{state} for {duration}, and no change of state was reported.",
    inferred="This was not reported: it is inferred from a later event.",
    late="This message is late: newer messages of this pipeline were sent before it.",
    replayed="This is a replay of an earlier event.",
    ping_headline="Lakehook: a test message",
    ping_message="Messages of subscription {} will arrive here.",
)

_CHINESE = Translations(
    labels={
        "project": "项目",
        "pipeline": "流水线",
        "task": "任务",
        "trigger": "触发方式",
        "tasks": "任务数",
        "duration": "耗时",
        "time": "时间",
    },
    states={
        "CREATED": "已创建",
        "RUNNING": "运行中",
        "COMPLETED": "已完成",
        "FAILED": "运行失败",
        "PARTIAL": "部分完成",
        "CANCELLED": "已取消",
        "STALLED": "已停滞",
    },
    headline="{what} {state}",
    in_project="{project}：{what}",
    pipeline="流水线 {}",
    task="{pipeline} 的任务 {task}",
    unknown_task="{pipeline} 的一个任务",
    brackets="（{}）",
    triggers={"manual": "手动", "automatic": "自动"},
    blueprint="蓝图 {}",
    tasks="共 {total} 个，已结束 {finished} 个",
    tasks_of_all_runs="共 {total} 个，含重跑共执行 {finished} 次",
    failed="，其中失败 {} 个",
    failed_at_least="，其中失败至少 {} 个",
    failed_tasks="失败的任务：",
    more="另有 {} 个",
    more_at_least="另有至少 {} 个",
    link="查看流水线",
    units=("{} 天", "{} 小时", "{} 分", "{} 秒"),
    colon="：",
    stalled="停留在“{state}”状态已达 {duration}，其间未收到状态变化。",
    inferred="来源未上报此状态，由后续事件推断得出。",
    late="此消息迟到：该流水线较新的消息已先行发出。",
    replayed="此消息为重放：再次发送过去的事件。",
    ping_headline="Lakehook：测试消息",
    ping_message="订阅 {} 的消息将发送到这里。",
)

_TRANSLATIONS = {Language.ENGLISH: _ENGLISH, Language.CHINESE: _CHINESE}


def translations_for(language: Language) -> Translations:
    return _TRANSLATIONS[language]
