"""What tests/conftest.py promises: a run for CI skips nothing; elsewhere a missing program is named."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
SKIPS = {
    "test_by_mark.py": "import pytest\n@pytest.mark.skip(reason='why')\ndef test_one(): pass\n",
    "test_by_fixture.py": "def test_two(needs_debian): needs_debian('no-such-program', 'no-such-package')\n",
    "test_whole_file.py": "import pytest\npytest.importorskip('no_such_module')\n",
}
LIMIT_S = 600
EXPECTED_FAILURE = "import pytest\n@pytest.mark.xfail\ndef test_known(): assert False\n"


def run_pytest(folder: Path, files: dict[str, str], *args: str, ci: bool) -> tuple[int, str]:
    for name, content in {**files, "conftest.py": CONFTEST.read_text("utf-8")}.items():
        (folder / name).write_text(content, "utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "GRID_"))}
    line = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "--rootdir", str(folder), *args]
    done = subprocess.run(
        line, capture_output=True, text=True, cwd=folder, env=env | ({"GRID_CI": "1"} if ci else {}), timeout=LIMIT_S
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("args", [("--continue-on-collection-errors",), ("-n", "2")], ids=["alone", "two workers"])
def test_in_ci_every_skipped_test_fails_the_run_by_name(tmp_path: Path, args: tuple[str, ...]) -> None:
    code, out = run_pytest(tmp_path, SKIPS, *args, ci=True)
    assert code != 0
    named = set(re.findall(r"^(test_\w+\.py)\S* did not run, and GRID_CI allows no skipped test\.", out, re.MULTILINE))
    assert named == set(SKIPS), out


def test_elsewhere_a_missing_program_skips_with_the_line_that_installs_it(tmp_path: Path) -> None:
    code, out = run_pytest(tmp_path, SKIPS, ci=False)
    assert (code, out.splitlines()[-1].split(" in ")[0]) == (0, "3 skipped")
    assert "no-such-program is not installed: apt-get install -y no-such-package" in out


def test_in_ci_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    code, out = run_pytest(tmp_path, {"test_known.py": EXPECTED_FAILURE}, ci=True)
    assert (code, out.splitlines()[-1].split(" in ")[0]) == (0, "1 xfailed")
