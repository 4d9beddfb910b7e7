"""The house rules that a machine can check."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGES = ("bot", "retrieval", "finetune", "channels")
TOP_LEVEL = {"pyproject.toml", *PACKAGES, "tests", "data", "README.md", ".ci", "Makefile", "LICENSE", ".gitignore"}


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    return done.stdout.split()


def test_the_top_level_is_the_owners() -> None:
    assert {name.partition("/")[0] for name in tracked()} <= TOP_LEVEL


def test_no_code_file_is_over_400_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in (*PACKAGES, "tests")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".js", ".css"} and (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert not long


def test_every_public_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for folder in PACKAGES
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "__init__.py" and not path.read_text(encoding="utf-8").lstrip().startswith(('"""', 'r"""'))
    ]
    assert not silent


def test_the_readmes_tree_is_true() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = re.search(r"<!-- tree -->\n```\n(.*?)```", readme, re.DOTALL)
    assert tree, "the README has a tree between <!-- tree --> and the end of the block"
    named = re.findall(r"^(\S+)", tree[1], re.MULTILINE)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("module", ["bot.turn", "channels.cli"])
def test_importing_the_turn_loads_no_model_library(module: str) -> None:
    heavy = [
        "torch",
        "faiss",
        "ray",
        "transformers",
        "onnxruntime",
        "faster_whisper",
        "whisper",
        "sentence_transformers",
    ]
    code = f"import sys, {module}; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_ray_is_named_in_one_file_at_most() -> None:
    naming = [
        path
        for folder in PACKAGES
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"^\s*(import|from) ray\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert len(naming) <= 1


def test_every_command_is_in_the_readme() -> None:
    from channels.cli import COMMANDS

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"frontdesk {name}" not in readme] == []


def test_every_setting_is_in_the_readme() -> None:
    from bot.settings import names

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in names() if f"`{name}`" not in readme] == []


def test_every_dependency_is_in_the_readme_with_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    names = {re.match(r"[\w.-]+", line)[0] for line in [*project["dependencies"], *extras]} - {"frontdesk"}  # type: ignore[index]
    assert sorted(name for name in names if not re.search(rf"^\| [^|]*`{re.escape(name)}`", readme, re.MULTILINE)) == []


def test_the_versions_that_make_installs_are_ones_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [Requirement(each) for each in project["dependencies"] + extras["test"] + extras["postgres"]]
    lines = (ROOT / ".ci/constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [Requirement(line) for line in lines if not line.startswith("#")]
    versions = {canonicalize_name(each.name): str(each.specifier).removeprefix("==") for each in pinned}
    for each in asked:
        if each.name != project["name"]:
            assert each.specifier.contains(versions[canonicalize_name(each.name)]), each
