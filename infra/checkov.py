"""Checkov's rules on the template, in an environment of its own, and why some are suppressed.

https://github.com/bridgecrewio/checkov
"""

import json
import subprocess
import sys
from pathlib import Path

from infra.local_template import SNAPSHOT

OWNED_BY_AWS = "Encrypted at rest by a key that AWS owns; signing secrets by a key of the stack"

SUPPRESSED = {
    "CKV_AWS_26 AWS::SNS::Topic.": "It carries the names and numbers of alarms, no events",
    "CKV_AWS_27 AWS::SQS::Queue.": "Encrypted at rest by SQS's own key, unknown to the rule",
    "CKV_AWS_115 AWS::Lambda::Function.Scheduler": "Each run ends before the next one starts",
    "CKV_AWS_115 AWS::Lambda::Function.Deliver": "Its event source mapping limits the concurrency",
    "CKV_AWS_115 AWS::Lambda::Function.Fanout": "Its event source mapping limits the concurrency",
    "CKV_AWS_116 AWS::Lambda::Function.": "Only the scheduler is invoked asynchronously, and its"
    " next run makes up for a failed one",
    "CKV_AWS_117 AWS::Lambda::Function.": "Receivers are on the internet; a VPC can be set in"
    " stages.toml",
    "CKV_AWS_119 AWS::DynamoDB::Table.": OWNED_BY_AWS,
    "CKV_AWS_149 AWS::SecretsManager::Secret.Notifications": "Read only in this account, by one"
    " role; only another account would need a customer key",
    "CKV_AWS_158 AWS::Logs::LogGroup.": "CloudWatch encrypts every log, and none has secrets",
    "CKV_AWS_173 AWS::Lambda::Function.": "Lambda encrypts them, and they contain no secrets",
    "CKV_AWS_258 AWS::Lambda::Url.Notifications": "DevLake can't sign for IAM: its own signature is"
    " verified instead",
}
"""Reasons by rule and by resource, or by the resource's prefix."""


def broken(checkov: str, template: Path) -> set[str]:
    """Return all rules that the template violates, suppressed or not."""
    options = ("--framework", "cloudformation", "--skip-download", "--compact", "--output", "json")
    result = subprocess.run(  # noqa: S603
        [checkov, *options, "--file", str(template)], capture_output=True, text=True, check=False
    )
    if not result.stdout:
        raise SystemExit(result.stderr)
    failed = json.loads(result.stdout)["results"]["failed_checks"]
    return {f"{finding['check_id']} {finding['resource']}" for finding in failed}


def count_differences(found: set[str]) -> int:
    """Count violations without a suppression, and suppressions without a violation."""
    suppressed = tuple(SUPPRESSED)
    worse = sorted(finding for finding in found if not finding.startswith(suppressed))
    better = [key for key in suppressed if not any(each.startswith(key) for each in found)]
    for finding in worse:
        print(f"violated without a suppression: {finding}")  # noqa: T201  the command's output
    for finding in better:
        print(f"suppressed but not violated: {finding}")  # noqa: T201
    return len(worse) + len(better)


if __name__ == "__main__":
    sys.exit(min(1, count_differences(broken(sys.argv[1], SNAPSHOT))))
