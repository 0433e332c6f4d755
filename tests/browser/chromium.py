"""Chromium of this machine, else that of an npm package, unpacked once."""

import os
import shutil
import tarfile
from pathlib import Path

from tests.interop.node import HERE as NODE
from tests.interop.node import node

PACKAGE = NODE / "node_modules" / "@sparticuz" / "chromium" / "bin"
UNPACKED = NODE / "node_modules" / ".chromium"
AXE = NODE / "node_modules" / "axe-core" / "axe.min.js"
ARGUMENTS = ("--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage")
ARCHIVES = ("al2023", "swiftshader", "fonts")
_UNPACK = """
const { brotliDecompressSync } = require("node:zlib");
const { readFileSync, writeFileSync } = require("node:fs");
const [from, to] = process.argv.slice(1);
writeFileSync(to, brotliDecompressSync(readFileSync(from)));
"""


def chromium() -> tuple[str, dict[str, str]]:
    """Return the path of Chromium, and the environment that it needs."""
    environment = dict(os.environ)  # noqa: TID251  a browser has its user's
    if system_chromium := environment.get("CHROMIUM") or shutil.which("chromium"):
        return system_chromium, environment
    folder = _unpack()
    libraries = str(folder / "lib")
    fonts = {"FONTCONFIG_PATH": str(folder)} if not shutil.which("fc-list") else {}
    return str(folder / "chromium"), environment | fonts | {"LD_LIBRARY_PATH": libraries}


def _unpack() -> Path:
    if UNPACKED.exists():
        return UNPACKED
    fresh = UNPACKED.with_suffix(f".{os.getpid()}")
    fresh.mkdir(parents=True)
    _decompress(PACKAGE / "chromium.br", fresh / "chromium")
    (fresh / "chromium").chmod(0o755)
    for name in ARCHIVES:
        archive = fresh / f"{name}.tar"
        _decompress(PACKAGE / f"{name}.tar.br", archive)
        with tarfile.open(archive) as tar:
            tar.extractall(fresh, filter="data")
        archive.unlink()
    fresh.replace(UNPACKED)
    return UNPACKED


def _decompress(source: Path, target: Path) -> None:
    node("-e", _UNPACK, str(source), str(target))
