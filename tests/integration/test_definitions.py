"""What figures mean: beside them in JSON, in a sheet of a workbook, in a file of its own for CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

from builders import City, told


def test_json_says_what_its_figures_mean_and_csv_has_a_file_of_definitions() -> None:
    city = City()
    headers = city.hub.user("reads-words", "admin")

    def asked(**query: str) -> Any:
        return city.hub.browser().get("/api/v1/rollup", query_string={"period": "2026-11", **query}, headers=headers)

    document = told(asked())
    said = document["definitions"]
    assert set(said["measures"]) == set(document["measures"])
    assert set(said["rates"]) == set(document["rates"])
    assert said["measures"]["checks_due"]["label"] == "应报"
    assert set(said["rates"]["coverage"]) == {"label", "definition", "numerator", "denominator"}
    assert all(words for one in (*said["measures"].values(), *said["rates"].values()) for words in one.values())
    reply = asked(format="csv", part="definitions")
    assert (reply.status_code, reply.mimetype) == (200, "text/csv")
    rows = list(csv.reader(io.StringIO(reply.get_data().decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:-2]] == [
        *(one["label"] for one in said["measures"].values()),
        *(f"{one['label']} %" for one in said["rates"].values()),
    ]
    assert {row[1] for row in rows[1:-2]} == {
        one["definition"] for one in (*said["measures"].values(), *said["rates"].values())
    }
    for kind in ("json", "xlsx"):
        refused = asked(format=kind, part="definitions")
        assert (refused.status_code, refused.json["code"], refused.json["field"]) == (422, "definitions_of_csv", "part")
