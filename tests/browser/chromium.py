"""Chromium of this machine, else the one that an npm package carries, unpacked beside it once."""

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
    if own := environment.get("CHROMIUM") or shutil.which("chromium"):
        return own, environment
    unpacked = _unpacked()
    libraries = str(unpacked / "lib")
    fonts = {"FONTCONFIG_PATH": str(unpacked)} if not shutil.which("fc-list") else {}
    return str(unpacked / "chromium"), environment | fonts | {"LD_LIBRARY_PATH": libraries}


def _unpacked() -> Path:
    if UNPACKED.exists():
        return UNPACKED
    fresh = UNPACKED.with_suffix(f".{os.getpid()}")
    fresh.mkdir(parents=True)
    _decompress(PACKAGE / "chromium.br", fresh / "chromium")
    (fresh / "chromium").chmod(0o755)
    for name in ARCHIVES:
        archive = fresh / f"{name}.tar"
        _decompress(PACKAGE / f"{name}.tar.br", archive)
        with tarfile.open(archive) as opened:
            opened.extractall(fresh, filter="data")
        archive.unlink()
    fresh.replace(UNPACKED)
    return UNPACKED


def _decompress(packed: Path, to: Path) -> None:
    node("-e", _UNPACK, str(packed), str(to))
