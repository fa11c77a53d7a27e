"""Rules for every test: what a missing program means, and that a run for CI skips nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

CI: Final = "GRID_CI"  # set by .ci/run

# No deadline: a busy machine is no defect. In CI the same examples every time, so that it fails for a change only.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get(CI) else "here")

# Tests start the program hundreds of times. Where Python is kept from writing bytecode into the tree, each
# of those processes would compile all of it anew: they share in `.venv` what one of them compiled.
VENV: Final = Path(__file__).resolve().parents[1] / ".venv"
if sys.dont_write_bytecode and VENV.is_dir():
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(VENV / "bytecode")


def debian_program(program: str, package: str) -> str:
    """The path of a program; skips the test, naming the Debian package to install, where there is none."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed: apt-get install -y {package}")
    return path


@pytest.fixture(scope="session")
def needs_debian() -> Callable[[str, str], str]:
    """`chromium = needs_debian("chromium", "chromium")`: see `debian_program`."""
    return debian_program


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """With GRID_CI set, a skip becomes a failure that names the test; an expected failure stays what it is."""
    if not os.environ.get(CI) or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid} did not run, and {CI} allows no skipped test. {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test skipped by a mark, a fixture or a call."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A whole file skipped while it is read (importorskip)."""
    report = yield
    _fail_if_skipped(report)
    return report
