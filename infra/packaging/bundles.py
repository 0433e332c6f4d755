"""Build of every function's package, with the size of each."""

import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from infra.packaging.bundle import function_names, write_bundle

MEGABYTE = 1_000_000


def digest(bundle: Path) -> str:
    """Hash every file's name and content: the same sources give the same digest on any machine."""
    whole = sha256()
    for path in files(bundle):
        content = sha256(path.read_bytes()).hexdigest()
        whole.update(f"{content} {path.relative_to(bundle)}\n".encode())
    return whole.hexdigest()


def size(bundle: Path) -> int:
    return sum(path.stat().st_size for path in files(bundle))


def files(bundle: Path) -> Iterator[Path]:
    return (path for path in sorted(bundle.rglob("*")) if path.is_file())


def main(out: Path) -> None:
    for name in function_names():
        write_bundle(name, out / name)
        line = f"{size(out / name) / MEGABYTE:5.1f} MB  {digest(out / name)[:16]}"
        print(f"{name:<12}{line}")  # noqa: T201  it is what one asked for


if __name__ == "__main__":
    main(Path(sys.argv[1]))
