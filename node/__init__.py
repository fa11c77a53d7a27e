"""One level that works alone: entry, review, own rollup, pages, commands."""
