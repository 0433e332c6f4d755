"""Types of a stage's settings: what AWS takes, and the way out for each other value."""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StrictInt, StrictStr
from pydantic_core import PydanticCustomError

MAX_TIMEOUT_SECONDS = 900
"""https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

MIN_CONCURRENCY, MAX_CONCURRENCY = 2, 1000
"""https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html"""

THIS_ACCOUNT = "this account"
"""Every role of the account that IAM allows. A stage that lists roles excludes the others."""

REGIONS_WITHOUT_FUNCTION_URLS = frozenset(
    (
        *("ap-east-2", "ap-south-2", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6"),
        *("ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-2", "il-central-1"),
        "me-central-1",
    )
)
"""https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html, read 2026-11-30"""

MAX_TAGS = 50
"""https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html"""

CODEDEPLOY_CONFIGS = (
    *("LambdaCanary10Percent5Minutes", "LambdaCanary10Percent10Minutes"),
    *("LambdaCanary10Percent15Minutes", "LambdaCanary10Percent30Minutes"),
    *("LambdaLinear10PercentEvery1Minute", "LambdaLinear10PercentEvery2Minutes"),
    *("LambdaLinear10PercentEvery3Minutes", "LambdaLinear10PercentEvery10Minutes"),
    "LambdaAllAtOnce",
)
"""https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html"""

TYPE_ERRORS = {
    "int_type": "choose a whole number, without quotes",
    "bool_type": "choose true or false, without quotes",
    "string_type": "choose a text, in quotes",
    "list_of_texts": 'choose a list of texts, each in quotes: ["…", "…"]',
}

ACCOUNT_ID = re.compile(r"[0-9]{12}")
PRINCIPAL_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+", re.ASCII)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_QUALIFIER = re.compile(r"[A-Za-z0-9_-]{1,10}")
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[\w-]{1,256}", re.ASCII)
_KEY = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[0-9a-z-]{36}")
_CA_BUNDLE = re.compile(
    r"arn:aws[a-z-]*:(ssm:[a-z0-9-]+:[0-9]{12}:parameter/[\w./-]+"
    r"|secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6})",
    re.ASCII,
)
_POLICY = re.compile(r"(arn:aws[a-z-]*:iam::[0-9]{12}:policy/)?[\w+=,.@/-]{1,512}", re.ASCII)
_TAG_KEY = re.compile(r"(?!aws:)[\w\s.:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w\s.:/=+@-]{0,256}")


def check(holds: object, allowed_: str) -> None:
    if not holds:
        raise PydanticCustomError("not_allowed", "{allowed}", {"allowed": allowed_})


def allowed(text: str, test: Callable[[Any], object]) -> AfterValidator:
    def validate(value: Any) -> Any:
        check(test(value), text)
        return value

    return AfterValidator(validate)


def _to_number_or_none(value: object) -> object:
    """Read ``"none"``, by which TOML says what Python calls ``None``."""
    text = f'{TYPE_ERRORS["int_type"]}, or "none"'
    check(value == "none" or not isinstance(value, str), text)
    return None if value == "none" else value


def to_texts(value: object) -> object:
    """Reject a list as a whole if an item is not text; producers may be given as they are."""
    is_list = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    check(is_list, TYPE_ERRORS["list_of_texts"])
    return value


def of_ids(prefix: str, maximum: int) -> AfterValidator:
    form = re.compile(rf"{prefix}-[0-9a-f]{{8}}([0-9a-f]{{9}})?")
    return allowed(
        f"name 1 to {maximum}, each {prefix}- and 8 or 17 digits",
        lambda ids: 1 <= len(ids) <= maximum and all(map(form.fullmatch, ids)),
    )


def _are_tags(tags: Mapping[str, str]) -> bool:
    texts = tags.items()
    return len(tags) <= MAX_TAGS and all(
        _TAG_KEY.fullmatch(key) and _TAG_VALUE.fullmatch(value) for key, value in texts
    )


Timeout = Annotated[
    StrictInt,
    allowed(
        f"choose 1 to {MAX_TIMEOUT_SECONDS}, the range of Lambda",
        lambda seconds: 1 <= seconds <= MAX_TIMEOUT_SECONDS,
    ),
]
Concurrency = Annotated[
    StrictInt,
    allowed(
        f"choose {MIN_CONCURRENCY} to {MAX_CONCURRENCY}, the range of an event source mapping",
        lambda number: MIN_CONCURRENCY <= number <= MAX_CONCURRENCY,
    ),
]
ReservedConcurrency = Annotated[
    StrictInt | None,
    BeforeValidator(_to_number_or_none),
    allowed(
        'choose at least 1, or "none" for no reservation; 0 would refuse every caller',
        lambda number: number is None or number >= 1,
    ),
]
Texts = Annotated[tuple[StrictStr, ...], BeforeValidator(to_texts)]
Principal = Annotated[
    StrictStr,
    allowed(
        f'name "{THIS_ACCOUNT}", an account by its 12 digits, or a role or user by its ARN',
        lambda name: (
            name == THIS_ACCOUNT or ACCOUNT_ID.fullmatch(name) or PRINCIPAL_ARN.fullmatch(name)
        ),
    ),
]
AccountId = Annotated[
    StrictStr, allowed("name an account by its 12 digits, in quotes", ACCOUNT_ID.fullmatch)
]
Region = Annotated[
    StrictStr,
    allowed("choose a region by its code, such as eu-central-1", _REGION.fullmatch),
    allowed(
        "choose another region, Lambda has no function URLs in this one",
        lambda region: region not in REGIONS_WITHOUT_FUNCTION_URLS,
    ),
]
Qualifier = Annotated[
    StrictStr,
    allowed("choose 1 to 10 letters and digits, as `cdk bootstrap` got", _QUALIFIER.fullmatch),
]
TopicArn = Annotated[
    StrictStr,
    allowed("choose the ARN of an SNS topic that CloudWatch may publish to", _TOPIC.fullmatch),
]
KeyArn = Annotated[
    StrictStr,
    allowed("choose the ARN of a KMS key, not of an alias: arn:…:key/…", _KEY.fullmatch),
]
BundleArn = Annotated[
    StrictStr,
    allowed(
        "choose the ARN of a parameter of Systems Manager, or of a secret of Secrets"
        " Manager with the six characters at its end",
        _CA_BUNDLE.fullmatch,
    ),
]
PolicyName = Annotated[
    StrictStr, allowed("choose the name or the ARN of a managed policy", _POLICY.fullmatch)
]
Tags = Annotated[
    dict[StrictStr, StrictStr],
    allowed(
        f"choose up to {MAX_TAGS} tags of letters, digits, spaces and _.:/=+-@: keys of up to 128"
        " characters that do not begin with aws:, values of up to 256",
        _are_tags,
    ),
]
CodeDeployConfig = Annotated[
    StrictStr,
    allowed(
        f"choose one of {', '.join(CODEDEPLOY_CONFIGS)}", lambda name: name in CODEDEPLOY_CONFIGS
    ),
]
