"""The first command, where it is a log that knows: what functions have said in the last hour."""

from infra.measures import Measures

OWN_TROUBLE = "'\"own_trouble\"'"
ENDED_BADLY = """'?ERROR ?Error ?"timed out"'"""
"""What our code raised, what ended the process, and what Lambda stopped.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""


def tail(measures: Measures, *services: str, pattern: str = "") -> str:
    """One log after the other, for ``aws logs tail`` reads a single one."""
    chosen = f" --filter-pattern {pattern}" if pattern else ""
    logs = [measures.log_of(one) for one in services]
    if len(logs) == 1:
        return f"aws logs tail {logs[0]} --since 1h{chosen}"
    return f"for log in {' '.join(logs)}; do echo $log; aws logs tail $log --since 1h{chosen}; done"
