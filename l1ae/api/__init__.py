"""Opening data, runs and contracts, running stages, thresholds and figures, for notebooks and scripts: docs/api.md.

What is public is in `l1ae` itself: `l1ae.open_store`, `l1ae.load_run` and so on.
"""

__all__: list[str] = []
