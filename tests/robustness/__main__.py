"""All campaigns, or some: `python -m tests.robustness [CAMPAIGN...] [--small]`; all of them write docs/robustness.md."""
