"""The wheel holds what it should, and works in a project with a `models.py` of its own.

The environment is fresh and its dependencies are linked to those of the tests, which is quick.
With KSPEC_WHEEL=empty it is really empty: pip fetches every dependency that the wheel names.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from kspec.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
IS_EMPTY = os.environ.get("KSPEC_WHEEL") == "empty"
PACKAGES = ("kspec", "kspec_models", "kspec_properties")

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("pip", "hatchling")),
    reason="building the wheel needs pip and hatchling: install kspec[test] in an environment "
    "made by `python -m venv`",
)

USER_FILES = {
    "models.py": '''"""The user's own, which no package of kspec may hide or be hidden by."""

from kspec.property import invariant

OWNER = "the user"


@invariant(source="my own", companion="a-pod-is-bound")
def time_goes_on(state):
    """An invariant of the user's own."""
    return True
''',
    "properties.py": 'OWNER = "the user"\n',
    "test_own.py": """import models, properties


def test_own_modules_are_own():
    assert models.OWNER == properties.OWNER == "the user"
""",
    "imports.py": """import pathlib, sys
import kspec.cli, kspec.check, kspec.smt, kspec.stateful
import kspec_models.cluster, kspec_models.strategies, kspec_properties.suite
import models, properties

assert models.OWNER == properties.OWNER == "the user"
for package in (kspec, kspec_models, kspec_properties):
    assert pathlib.Path(package.__file__).is_relative_to(sys.prefix), package.__file__
""",
}


def run(*command, cwd):
    """Run a command as the user would, with nothing of this test run in its environment."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "PYTHON", "KSPEC_", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=inherited,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout + done.stderr


def must(*command, cwd):
    status, text = run(*command, cwd=cwd)
    assert status == 0, text
    return text


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation")
    must(*pip, "--wheel-dir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def scripts(wheel, tmp_path_factory):
    """The folder of the commands of a fresh environment in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("environment")
    must(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    where = {"base": str(folder / "venv"), "platbase": str(folder / "venv")}
    scripts = Path(sysconfig.get_path("scripts", "venv", vars=where))
    pip = (sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--quiet")
    if IS_EMPTY:
        must(*pip, wheel, cwd=folder)
    else:
        must(*pip, "--no-deps", wheel, cwd=folder)
        site = Path(sysconfig.get_path("purelib", "venv", vars=where))
        (site / "dependencies.pth").write_text(f"{linked_dependencies(folder)}\n")
    return scripts


def linked_dependencies(folder):
    """A folder of links to everything the tests have installed, but for kspec itself."""
    links = folder / "dependencies"
    links.mkdir()
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(place).iterdir():
            if not entry.name.startswith(("kspec", "_kspec")) and entry.suffix != ".pth":
                (links / entry.name).symlink_to(entry)
    return links


@pytest.fixture
def project(tmp_path):
    for name, text in USER_FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_wheel_holds_packages_schemas_and_types_and_no_test(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    schemas = {
        str(path.relative_to(folder))
        for folder in (ROOT, ROOT / "models")
        for path in folder.glob("kspec*/schemas/*.json")
    }
    assert len(schemas) >= 3 and schemas <= names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not [name for name in names if Path(name).name.startswith(("test_", "conftest"))]


def test_imports_find_the_wheel_beside_the_users_own_models(scripts, project):
    must(scripts / "python", "imports.py", cwd=project)


def test_help_names_every_command(scripts, project):
    text = must(scripts / "kspec", "--help", cwd=project)
    assert all(name in text for name in COMMANDS)


def test_check_needs_no_file_and_takes_a_property_of_the_users_models(scripts, project):
    own = ("--property", "models:time_goes_on")
    assert "time-goes-on" in must(scripts / "kspec", "check", "--steps", "2000", *own, cwd=project)
    assert "eventual-binding" in must(scripts / "kspec", "check", "--steps", "2000", cwd=project)


def test_every_schema_is_installed(scripts, project):
    for name in ("world", "trace", "report"):
        assert '"$schema"' in must(scripts / "kspec", "schema", name, cwd=project)


def test_the_plugin_is_silent_until_it_is_asked(scripts, project):
    pytest_command = (scripts / "python", "-m", "pytest", "-p", "no:cacheprovider")
    text = must(*pytest_command, cwd=project)
    assert "1 passed" in text and "kspec:" not in text
    asked = must(*pytest_command, "--kspec", "--collect-only", "-q", cwd=project)
    assert "no-over-committed-binding[none]" in asked and "test_own.py::test_own" in asked
