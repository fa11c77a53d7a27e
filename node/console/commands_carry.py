"""`export FOLDER` and `import FILE`: records on a stick."""

from __future__ import annotations

import argparse
from pathlib import Path

from node import carriage
from node.console.terminal import DONE, language, show
from node.home import Home
from schemas.errors import Invalid
from schemas.labels import label
from sync import carrier


def export(arguments: argparse.Namespace) -> int:
    """Writes what the parent has not got, or everything, as files into a folder, made if the one above it is there:
    a stick that is not plugged in is not mistaken for one.
    """
    folder = Path(arguments.folder)
    if not folder.is_dir() and not folder.absolute().parent.is_dir():
        raise Invalid("not_a_folder", field="FOLDER", value=folder.parent)
    home = Home(Path(arguments.data))
    carriage.make(folder)
    count, paths = 0, []
    for file in carrier.export(home.replica(), everything=arguments.all):
        paths.append(carriage.put(folder, file))
        count += file.count
    home.close()
    document = {"files": [str(path) for path in paths], "count": count}
    key = "cli.exported" if paths else "cli.nothing_to_export"
    words = [label(language(), key, count=count, files=len(paths), folder=folder), *map(str, paths)]
    show(arguments, document, "\n".join(words))
    return DONE


def bring(arguments: argparse.Namespace) -> int:
    """Takes a `.gsync` or `.gack` in; beside a `.gsync` it leaves the receipt to carry back."""
    path = Path(arguments.file)
    home = Home(Path(arguments.data))
    brought = carriage.bring(home.replica(), path.name, carriage.read_file(path))
    home.close()
    document = brought.document()
    if brought.receipt is not None:
        document["receipt"] = str(carriage.put(path.parent, brought.receipt))
    show(arguments, document, words(document))
    return DONE


def words(document: dict[str, object]) -> str:
    """What an import did, in a sentence."""
    return label(language(), f"cli.imported_{document['kind']}", **document)
