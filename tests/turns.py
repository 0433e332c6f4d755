"""Distribution of tests over workers: tests that share an expensive fixture run on one worker."""

from pathlib import PurePosixPath

from xdist.scheduler import LoadScopeScheduling

SHARED = (
    "infra",
    "e2e",
    "observed",
    "browser",
)  # folders whose tests share an expensive fixture
ALONE = {  # long, and worth another turn
    "test_addresses.py": "troubles",
    "test_bundle.py": "bundles",
    "test_canaries.py": "troubles",
    "test_crash.py": "troubles",
    "test_delivery.py": "recovery",
    "test_demo.py": "demo",
    "test_failures.py": "troubles",
    "test_isolation.py": "troubles",
    "test_on_call.py": "troubles",
    "test_rarities.py": "troubles",
    "test_recovery.py": "recovery",
    "test_rotation.py": "troubles",
    "test_shipped.py": "bundles",
}
"""Files apart from ``e2e``: other end-to-end tests make the functions' same calls to AWS."""
LONGEST = ("troubles", "e2e", "observed", "browser", "demo", "bundles", "recovery", "infra")


def turn_of(nodeid: str) -> str:
    path = PurePosixPath(nodeid.partition("::")[0])
    folder = path.relative_to("tests").parts[0]
    return ALONE.get(path.name, folder if folder in SHARED else path.name)


def rank(turn: str) -> int:
    return LONGEST.index(turn) if turn in LONGEST else len(LONGEST)


class Turns(LoadScopeScheduling):  # type: ignore[misc]  # xdist is not typed
    """https://pytest-xdist.readthedocs.io/en/stable/distribution.html"""

    def _split_scope(self, nodeid: str) -> str:
        return turn_of(nodeid)
