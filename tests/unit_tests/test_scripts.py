"""The project's own scripts: what they promise to notice, they notice."""

import importlib.util
import zipfile
from importlib.metadata import version

import pytest

from unit_tests.source_tree import ROOT


def load(name):
    specification = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


floors = load("dependency_floors")
wheels = load("check_wheel")


def project(tmp_path, *dependencies):
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[project]\ndependencies = {list(dependencies)!r}\n")
    return path


def test_a_floor_is_read_whatever_stands_around_it(tmp_path):
    path = project(tmp_path, "a>=1.2,<2", "b.c [x,y] <3, != 2.5, >= 2.0", "d>=0.1; python_version < '3.12'")

    assert floors.read_floors(path) == {"a": "1.2", "b.c": "2.0", "d": "0.1"}


def test_extras_of_users_count_and_those_of_ours_do_not(tmp_path):
    path = project(tmp_path, "a>=1.2")
    path.write_text(path.read_text() + '[project.optional-dependencies]\ncli = ["b>=2"]\ntest = ["c"]\n')

    assert floors.read_floors(path) == {"a": "1.2", "b": "2"}


@pytest.mark.parametrize("requirement", ["a", "a<2", "a==1.0"])
def test_a_dependency_without_a_floor_is_refused(tmp_path, requirement):
    with pytest.raises(ValueError, match="has no floor"):
        floors.read_floors(project(tmp_path, requirement))


def test_every_dependency_of_ours_has_a_floor():
    assert len(floors.read_floors()) >= 7


def test_versions_off_their_floor_and_missing_packages_are_named():
    installed = version("pytest")

    differences = floors.find_differences({"pytest": installed, "aiohttp": "0.0.1", "no-such-package-here": "1"})

    assert differences == [
        f"aiohttp: floor 0.0.1, installed {version('aiohttp')}",
        "no-such-package-here: floor 1, installed nothing",
    ]


def test_a_floor_may_leave_out_trailing_zeros():
    assert floors._release("2.10") == floors._release("2.10.0") != floors._release("2.1")


def wheel(tmp_path, *names):
    path = tmp_path / "x-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "")
    return path


def test_a_wheel_must_hold_the_source_tree_and_the_licence(tmp_path):
    source = tmp_path / "src" / "x"
    (source / "__pycache__").mkdir(parents=True)
    for name in ("__init__.py", "py.typed", "data.toml", "__pycache__/x.pyc"):
        (source / name).touch()
    complete = [
        "x/__init__.py",
        "x/py.typed",
        "x/data.toml",
        "x-1.dist-info/METADATA",
        "x-1.dist-info/licenses/LICENSE",
    ]

    assert wheels.find_differences(wheel(tmp_path, *complete), source.parent) == []
    assert wheels.find_differences(wheel(tmp_path, *complete[:1], "x/stray.py"), source.parent) == [
        "not in the wheel: x/data.toml",
        "not in the wheel: x/py.typed",
        "only in the wheel: x/stray.py",
        "not in the wheel: LICENSE",
    ]
