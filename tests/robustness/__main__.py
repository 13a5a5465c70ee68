"""All campaigns, or some: `python -m tests.robustness [CAMPAIGN...] [--small]`; all of them write docs/robustness.md."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.robustness.commands import preload

from tests.robustness.damaged import damaged_files
from tests.robustness.things import STAGES, make_things
