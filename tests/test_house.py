"""Rules of the house that a tool can check."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
COMMITTED = (".ci", "bench", "bridge", "docs", "examples", "src", "tests")
MADE = {"__pycache__", ".cache", "_bridge"}

# Spelt in pieces, or this file would break its own rule.
MACHINE = re.compile(rb"(?<![\w.])/(?:" + rb"ro" + rb"ot|ho" + rb"me|Us" + rb"ers|wo" + rb"rk)/")
REGISTRY = re.compile(rb"ind" + rb"ex-url|GOPRO" + rb"XY=")
FENCE = re.compile(r"^```(python|bash)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, in the language that its fence names."""

    page: Path
    line: int
    language: str
    text: str

    def run(self, folder: Path, known: dict[str, object]) -> None:
        """Run the block in a folder; Python blocks of one page share what they define."""
        if self.language == "bash":
            path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
            subprocess.run(
                ["bash", "-euo", "pipefail", "-c", self.text],
                cwd=folder,
                env=os.environ | {"PATH": path},
                check=True,
            )
            return
        # The empty lines make a traceback point at the page's own line.
        code = compile("\n" * self.line + self.text, str(self.page), "exec")
        exec(code, known)  # noqa: S102 (what the documentation says is run as the reader would)


def blocks(page: Path) -> Iterator[Block]:
    """Every block of a page that is meant to be run, those in HTML comments too."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])


def runnable_pages() -> Iterator[object]:
    """Every page with blocks that run; those that need torch or start workers are slow."""
    for page in PAGES:
        text = "".join(block.text for block in blocks(page))
        is_slow = "import torch" in text or "tacit worker" in text
        marks = [pytest.mark.slow] if is_slow else []
        if text:
            yield pytest.param(page, id=str(page.relative_to(ROOT)), marks=marks)


def committed_files() -> Iterator[Path]:
    """Every file of the repository that is not made by a tool."""
    yield from (path for path in ROOT.iterdir() if path.is_file())
    for folder in COMMITTED:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and MADE.isdisjoint(path.parts):
                yield path


def targets() -> dict[str, bool]:
    """The Makefile's phony targets, and whether each says what it does."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    names = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    assert names is not None
    return {name: bool(re.search(rf"^{name}:.*## ", text, re.M)) for name in names[1].split()}


def named_in(page: str, command: str) -> set[str]:
    """The words that follow a command in a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return set(re.findall(rf"(?:^|`){command} ([a-z][a-z-]*)", text, re.MULTILINE))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/guide.md", "docs/index.md"])
def test_every_make_command_of_a_page_is_a_target(page: str) -> None:
    assert named_in(page, "make") <= set(targets())


def test_the_readme_names_its_two_commands() -> None:
    assert {"demo", "test"} <= named_in("README.md", "make")


def test_every_target_says_what_it_does() -> None:
    assert all(targets().values())


@pytest.mark.parametrize("page", list(runnable_pages()))
def test_every_block_of_the_documentation_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known: dict[str, object] = {"__name__": "__main__"}

    for block in blocks(page):
        block.run(tmp_path, known)


@pytest.mark.parametrize("rule", [MACHINE, REGISTRY], ids=["paths", "registries"])
def test_no_file_names_a_machine_or_a_registry(rule: re.Pattern[bytes]) -> None:
    offenders = [path for path in committed_files() if rule.search(path.read_bytes())]

    assert offenders == []


def test_no_type_is_ignored_in_the_package() -> None:
    ignored = re.compile(r"#\s*type:\s*ignore")

    offenders = [
        path for path in (ROOT / "src").rglob("*.py") if ignored.search(path.read_text("utf-8"))
    ]

    assert offenders == []


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "src" / "tacit" / "py.typed").is_file()


def test_the_changelog_tells_of_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert f"## {project['version']}" in changelog


def test_the_package_opens_without_any_framework() -> None:
    script = (
        "import sys, tacit, tacit.cli, tacit.serve\n"
        "print(sorted({'torch', 'onnx', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )

    printed = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout

    assert printed.strip() == "[]"


@pytest.mark.parametrize("name", ["digits.onnx", "digits-integers.onnx"])
def test_a_shipped_network_holds_its_own_weights(name: str) -> None:
    network = ROOT / "src" / "tacit" / "demo" / name

    # 200 KB: far more than its 5,000 weights need, far less than what would burden the package.
    assert network.stat().st_size < 200_000
    assert not network.with_suffix(".onnx.data").exists()
