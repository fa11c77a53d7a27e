"""config.toml: what IT staff may change of a node."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from node.cases.disclosing import KEEP_DAYS
from node.desk.waits import DEFAULT_WAITS, Waits
from node.folder import CA_FILE, CONFIG
from node.keeping.keeping import DEFAULT_COPIES, Copies
from schemas.errors import Invalid
from sync.retry import Pace

MAX_KEEP_DAYS: Final = 36_500
DEFAULT_BIND: Final = "127.0.0.1:8080"
DEFAULT_PACE: Final = Pace()


@dataclass(frozen=True, slots=True)
class Config:
    """What IT staff may change in config.toml. Times in seconds, but for `keep_days` and `waits`."""

    parent: str | None = None
    bind: str = DEFAULT_BIND
    ca_file: str | None = None
    address: str | None = None
    pace: Pace = DEFAULT_PACE
    keep_days: int = KEEP_DAYS
    waits: Waits = DEFAULT_WAITS
    copies: Copies = DEFAULT_COPIES


def config_text(parent: str | None, *, own_ca: bool = False) -> str:
    """A first config.toml; with `own_ca` the parent is known by the CA whose certificate is in the folder."""
    lines = ["# 本文件可以修改，改后重启 serve 生效。This file may be changed; restart serve afterwards."]
    if parent is not None:
        lines += ["[sync]", f'parent = "{parent}"', "interval_s = 60", "first_retry_s = 120"]
        lines += [f'ca_file = "{CA_FILE}"'] if own_ca else []
    lines += ["", "[serve]", 'bind = "127.0.0.1:8080"', ""]
    lines += ["# 待办：几天没有接收、没有同步算静默；截止前几小时提示未报。"]
    lines += ["# When silence is an alarm, in days; how many hours before a deadline to-do lists name it."]
    lines += ["[todo]", *(f"{name} = {value}" for name, value in asdict(DEFAULT_WAITS).items()), ""]
    lines += ["# 备份：数据文件夹里留几份，隔几小时一份；另存一处请写绝对路径，最好在另一块盘上。"]
    lines += ["# Copies kept in this folder, hours between them; a second place (absolute path), best on another disk."]
    lines += ["[backup]", f"keep = {DEFAULT_COPIES.keep}", f"every_hours = {DEFAULT_COPIES.every_h}"]
    lines += ['# second = "/mnt/backup/grid"', ""]
    return "\n".join(lines)


def read_config(folder: Path) -> Config:
    """The folder's config. Raises Invalid naming the key that can't be read."""
    try:
        tables = tomllib.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, FileNotFoundError) as error:
        raise Invalid("bad_config", field=CONFIG, value=error) from error
    sync, serve, todo, backup = (tables.get(name, {}) for name in ("sync", "serve", "todo", "backup"))
    pace = Pace(
        interval_s=_seconds(sync, "interval_s", DEFAULT_PACE.interval_s),
        first_retry_s=_seconds(sync, "first_retry_s", DEFAULT_PACE.first_retry_s),
        retry_cap_s=_seconds(sync, "retry_cap_s", DEFAULT_PACE.retry_cap_s),
    )
    return Config(
        parent=_text(sync, "parent"),
        bind=_text(serve, "bind") or DEFAULT_BIND,
        address=_text(serve, "address"),
        ca_file=None if (ca := _text(sync, "ca_file")) is None else str(folder / ca),
        pace=pace,
        keep_days=_days(tables.get("private", {}), "keep_days", KEEP_DAYS),
        waits=Waits(
            offer_days=_days(todo, "offer_days", DEFAULT_WAITS.offer_days),
            child_days=_days(todo, "child_days", DEFAULT_WAITS.child_days),
            due_hours=_days(todo, "due_hours", DEFAULT_WAITS.due_hours),
        ),
        copies=Copies(
            keep=_days(backup, "keep", DEFAULT_COPIES.keep),
            every_h=_days(backup, "every_hours", DEFAULT_COPIES.every_h),
            second=None if (second := _text(backup, "second")) is None else folder / second,
        ),
    )


def _text(table: dict[str, object], name: str) -> str | None:
    value = table.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid("bad_config", field=f"{CONFIG}: {name}", value=value)
    return value or None


def _days(table: dict[str, object], name: str, default: int) -> int:
    value = table.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_KEEP_DAYS:
        raise Invalid("bad_config", field=f"{CONFIG}: {name}", value=value)
    return value


def _seconds(table: dict[str, object], name: str, default: float) -> float:
    value = table.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.05 <= value <= 86_400:
        raise Invalid("bad_config", field=f"{CONFIG}: {name}", value=value)
    return float(value)
