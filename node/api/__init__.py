"""The JSON API: shapes at the edge (marshmallow), meaning in node's own modules. One module per subject."""
