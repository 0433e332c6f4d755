"""Checkov's rules on the template, in an environment of its own, and why some are suppressed.

https://github.com/bridgecrewio/checkov
"""

import json
import subprocess
import sys
from pathlib import Path

from infra.local_template import SNAPSHOT

OWNED_BY_AWS = "Encrypted at rest by a key that AWS owns; signing secrets are sealed by one of ours"

SUPPRESSED = {
    "CKV_AWS_26 AWS::SNS::Topic.": "An alarm's name and numbers pass through it, and no event",
    "CKV_AWS_27 AWS::SQS::Queue.": "Encrypted at rest by SQS's own key, which the rule overlooks",
    "CKV_AWS_115 AWS::Lambda::Function.Scheduler": "A minute's tick ends before the next one comes",
    "CKV_AWS_115 AWS::Lambda::Function.Deliver": "Its event source has a bound, which costs nobody",
    "CKV_AWS_115 AWS::Lambda::Function.Fanout": "Its event source has a bound, which costs nobody",
    "CKV_AWS_116 AWS::Lambda::Function.": "Nothing is invoked asynchronously but the clock, and the"
    " next minute makes up for a tick that failed",
    "CKV_AWS_117 AWS::Lambda::Function.": "Receivers are on the internet; who has a network says so"
    " in stages.toml",
    "CKV_AWS_119 AWS::DynamoDB::Table.": OWNED_BY_AWS,
    "CKV_AWS_149 AWS::SecretsManager::Secret.Notifications": "Read in this account alone, by one"
    " role; only another account would need a key of our own",
    "CKV_AWS_158 AWS::Logs::LogGroup.": "CloudWatch encrypts every log, and no secret is in ours",
    "CKV_AWS_173 AWS::Lambda::Function.": "Lambda encrypts them, and they name things: no secret is"
    " among them",
    "CKV_AWS_258 AWS::Lambda::Url.Notifications": "DevLake can't sign for IAM: its own signature is"
    " judged instead",
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


def judge(found: set[str]) -> int:
    """Count violations without a suppression, and suppressions without a violation."""
    excuses = tuple(SUPPRESSED)
    worse = sorted(finding for finding in found if not finding.startswith(excuses))
    better = [excuse for excuse in excuses if not any(each.startswith(excuse) for each in found)]
    for finding in worse:
        print(f"broken without an excuse: {finding}")  # noqa: T201  it is what one asked for
    for finding in better:
        print(f"excused though not broken: {finding}")  # noqa: T201
    return len(worse) + len(better)


if __name__ == "__main__":
    sys.exit(min(1, judge(broken(sys.argv[1], SNAPSHOT))))
