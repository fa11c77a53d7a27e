"""PDF by WeasyPrint, in a process of its own with bounds on time and memory: whatever a document does to it, the node
goes on. `python -m hub.pdf MEMORY CPU` is that process, with its bounds in bytes and seconds: HTML in, PDF out.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from typing import Final

from schemas.errors import Conflict, TooLarge, Unavailable

MAX_HTML_BYTES: Final = 2 * 1024 * 1024
MAX_PDF_BYTES: Final = 16 * 1024 * 1024
MAX_MEMORY_BYTES: Final = 1024 * 1024 * 1024
MAX_CPU_S: Final = 40
MAX_WAIT_S: Final = 60
QUEUE_WAIT_S: Final = 30
# The worker's own exit codes.
_NO_PROGRAM: Final = 3
_NO_LIBRARY: Final = 4
_TURN: Final = threading.BoundedSemaphore(1)  # one at a time: a node may be an old PC


def installed() -> bool:
    """Whether the extra `pdf` is there."""
    return importlib.util.find_spec("weasyprint") is not None


def made(html: bytes) -> bytes:
    """The PDF of a document. Raises Conflict where the extra or its libraries are missing, TooLarge, and Unavailable
    when another one is being made or the process runs out of time or memory.
    """
    if len(html) > MAX_HTML_BYTES:
        raise TooLarge("pdf_too_large", field="pdf", value=len(html), limit=MAX_HTML_BYTES)
    if not installed():
        raise Conflict("pdf_missing", field="pdf", value="weasyprint")
    if not _TURN.acquire(timeout=QUEUE_WAIT_S):
        raise Unavailable("pdf_busy", field="pdf", retry_after_s=QUEUE_WAIT_S)
    try:
        done = subprocess.run(  # noqa: S603 - this very module, with two numbers
            [sys.executable, "-P", "-m", "hub.pdf", str(MAX_MEMORY_BYTES), str(MAX_CPU_S)], input=html,
            capture_output=True, timeout=MAX_WAIT_S, check=False, env=_surroundings(),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise Unavailable("pdf_failed", field="pdf", why=f"{MAX_WAIT_S} s") from error
    finally:
        _TURN.release()
    if done.returncode in (_NO_PROGRAM, _NO_LIBRARY):
        raise Conflict("pdf_missing", field="pdf", value=_last_line(done.stderr))
    if done.returncode or not done.stdout.startswith(b"%PDF-"):
        raise Unavailable("pdf_failed", field="pdf", why=_last_line(done.stderr) or f"exit {done.returncode}")
    if len(done.stdout) > MAX_PDF_BYTES:
        raise TooLarge("pdf_too_large", field="pdf", value=len(done.stdout), limit=MAX_PDF_BYTES)
    return done.stdout


def _surroundings() -> dict[str, str]:
    """What the process may know: where programs, fonts and their caches are."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "XDG_CACHE_HOME", "FONTCONFIG_FILE", "FONTCONFIG_PATH", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"SOURCE_DATE_EPOCH": "0"}


def _last_line(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:200] if lines else ""


def main(memory_bytes: int, cpu_s: int) -> int:
    """Reads HTML from stdin, writes its PDF to stdout."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    html = sys.stdin.buffer.read(MAX_HTML_BYTES + 1)
    try:
        from weasyprint import HTML, urls
    except ImportError as error:
        print(error, file=sys.stderr)
        return _NO_PROGRAM
    except OSError as error:  # a library of the system is missing
        print(error, file=sys.stderr)
        return _NO_LIBRARY
    # A document brings everything along: no protocol is allowed, so nothing is fetched, from network or disk.
    nothing = urls.URLFetcher(allowed_protocols=())
    sys.stdout.buffer.write(HTML(string=html.decode("utf-8"), url_fetcher=nothing).write_pdf())
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
