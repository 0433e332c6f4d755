"""The ingress for DevLake: open to all, limited in concurrency, with a secret of its own."""

from tests.infra.blueprint import Blueprint, Json


def urls(blueprint: Blueprint) -> dict[str, Json]:
    """Function URLs by the handler of the function."""
    functions = blueprint.resources("AWS::Lambda::Function")
    return {
        functions[url["TargetFunctionArn"]["Fn::GetAtt"][0]]["Handler"]: url
        for url in blueprint.resources("AWS::Lambda::Url").values()
    }


def test_anybody_may_call_the_ingress_and_no_other_function(production: Blueprint) -> None:
    called = urls(production)

    assert {handler: url["AuthType"] for handler, url in called.items()} == {
        "functions.ingress.handler.lambda_handler": "NONE",
        "functions.api.handler.lambda_handler": "AWS_IAM",
    }
    assert not [url for url in called.values() if "Cors" in url]


def test_the_public_may_invoke_the_ingress_only_by_its_url(production: Blueprint) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"""
    permissions = [
        permission
        for permission in production.resources("AWS::Lambda::Permission").values()
        if permission["Principal"] == "*"
    ]

    terms = {
        permission["Action"]: (
            permission.get("FunctionUrlAuthType"),
            permission.get("InvokedViaFunctionUrl"),
        )
        for permission in permissions
    }
    assert terms == {
        "lambda:InvokeFunctionUrl": ("NONE", None),
        "lambda:InvokeFunction": (None, True),
    }


def test_a_flood_uses_only_its_reserved_concurrency(
    production: Blueprint, rehearsal: Blueprint
) -> None:
    reserved = [
        {
            name: function["ReservedConcurrentExecutions"]
            for name, function in blueprint.functions.items()
            if "ReservedConcurrentExecutions" in function
        }
        for blueprint in (production, rehearsal)
    ]

    assert reserved == [{"ingress": 10, "api": 5}, {"ingress": 2, "api": 2}]


def test_the_secret_is_generated_for_an_env_file_and_outlives_the_stack(
    production: Blueprint,
) -> None:
    resource = production.resource_of_output("NotificationSecretArn")

    assert resource["Type"] == "AWS::SecretsManager::Secret"
    assert resource["Properties"]["GenerateSecretString"] == {
        "ExcludePunctuation": True,
        "PasswordLength": 48,
    }
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_no_secret_stands_in_the_template(production: Blueprint) -> None:
    environment = production.environment("ingress")

    assert (
        environment["NOTIFICATION_SECRET_ARN"]
        == production.template["Outputs"]["NotificationSecretArn"]["Value"]
    )
    assert "{{resolve" not in str(production.template)


def test_the_headers_for_devlakes_api_are_a_secret_that_holds_none_at_first(
    production: Blueprint,
) -> None:
    resource = production.resource_of_output("DevlakeApiSecretArn")

    assert resource["Type"] == "AWS::SecretsManager::Secret"
    assert resource["Condition"] == "AsksDevlake"
    assert resource["Properties"]["SecretString"] == "-"
    assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_an_operator_may_allow_the_empty_secret(production: Blueprint) -> None:
    environment, parameters = production.environment("ingress"), production.template["Parameters"]

    assert environment["EMPTY_SECRET"] == {"Ref": "EmptyNotificationSecret"}
    assert parameters["EmptyNotificationSecret"]["Default"] == "refused"
    assert parameters["EmptyNotificationSecret"]["AllowedPattern"] == "^(refused|allowed)$"


def test_functions_that_call_devlake_have_its_urls_and_none_is_set_by_default(
    production: Blueprint,
) -> None:
    parameters, outputs = production.template["Parameters"], production.template["Outputs"]
    names = {"DevlakeApiUrl": "-", "DevlakeUiUrl": "-", "DevlakeSources": "{}"}

    assert {name: parameters[name]["Default"] for name in names} == names
    assert {name: outputs[name]["Value"]["Ref"] for name in names} == {name: name for name in names}
    for function in ("ingress", "scheduler"):
        environment = production.environment(function)
        assert environment["DEVLAKE_API_URL"] == {"Ref": "DevlakeApiUrl"}
        assert environment["DEVLAKE_UI_URL"] == {"Ref": "DevlakeUiUrl"}
        assert environment["DEVLAKE_SOURCES"] == {"Ref": "DevlakeSources"}
        assert environment["DEVLAKE_API_SECRET_ARN"] == outputs["DevlakeApiSecretArn"]["Value"]
