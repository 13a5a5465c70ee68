"""The commands of a page, in its order, in a folder that has what they name: runs, stores, tables, configurations with short trainings."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from l1ae.cli._main import _cli
from l1ae.data import EventStore

from ..levels import exhaustive
from .shown import ROOT, Shown, pages, shown

SHORTENED = ("density_tree", "surprise_ae", "dnn_ae", "dnn_vae", "cms_like", "table_student")
"""Configurations whose training is shortened for these tests."""
WORDS = {
    "REFERENCE.h5": "STORE.h5",
    "NEW.h5": "STORE.h5",
    "SIGNAL_MAP.yaml": "MAP.yaml",
    "FILE": "events.csv",
    "SIGNAL_FILE": "signal.csv",
    "RUN...": "OTHER",
    "data.source=/path/to/folder": "data.source=zerobias",
}
WORDS |= {name: f"configs/{name}.yaml" for name in SHORTENED}
"""What stands for words of pages; every other one is there under its own name."""


@dataclass(frozen=True)
class Steps:
    """How a page's commands are run: which of them are not, and configurations that the page shows, by the name that commands use."""

    left_out: dict[str, str] = field(default_factory=dict)
    yaml: Sequence[str] = ()


HOURS = "a search takes hours: tests/search runs studies, `tests/search/test_page.py` the one of the page"
RUN = {
    "docs/baselines.md": Steps(),
    "docs/compare.md": Steps(),
    "docs/delivery.md": Steps(),
    "docs/emulator.md": Steps(),
    "docs/howto/bits.md": Steps({"l1ae search STUDY.yaml": HOURS}),
    "docs/howto/clocks.md": Steps(),
    "docs/howto/data.md": Steps(yaml=("mine.yaml", "MAP.yaml", "CONFIG.yaml")),
    "docs/howto/hls.md": Steps(),
    "docs/howto/latent.md": Steps(),
    "docs/howto/menu.md": Steps(),
    "docs/howto/models.md": Steps(),
    "docs/howto/network.md": Steps({"l1ae run mine.yaml": "tests/docs/test_network_page.py makes its network and the contract"}),
    "docs/howto/resume.md": Steps(),
    "docs/howto/watch.md": Steps(),
    "docs/rtl.md": Steps(),
    "docs/start.md": Steps(),
    "docs/table_networks.md": Steps(),
    "docs/trigger.md": Steps(),
    "firmware/README.md": Steps(),
    "l1ae/delivery/templates/ugt/README.md.j2": Steps(),
    "l1ae/delivery/templates/vivado/README.md.j2": Steps(),
}
IN_TEST = ("docs/start.md", "docs/howto/data.md", "docs/rtl.md", "docs/table_networks.md")
NOT_RUN = {
    "README.md": "`make demo` and `make test` set up an installation; CI runs the second",
    "docs/clusters.md": "clusters: tests/engine/test_clusters.py and test_scheduler.py run the same options",
    "docs/front.md": HOURS,
    "docs/generator.md": "a library of pileup takes minutes: tests/data/generator runs the same options on small ones",
    "docs/howto/collisions.md": "as docs/generator.md",
    "docs/import.md": "run by tests/data/tables/test_docs.py, with files that it writes",
    "docs/layouts.md": "the layout and the configuration of the page are read by tests/inputs/test_page.py",
    "docs/record.md": "the public record was not at hand: tests/data/record imports files in its layout",
    "docs/search.md": HOURS,
    "docs/search_throughput.md": HOURS,
    "docs/tables.md": "files of ADC2021: tests/data/test_adc2021.py imports such; the run is that of docs/start.md",
    "docs/tutorials/change_the_model.ipynb": "run when the site is built",
    "docs/tutorials/own_data_to_rates.ipynb": "run when the site is built",
    "docs/tutorials/run_to_firmware.ipynb": "run when the site is built",
    "l1ae/delivery/templates/emp/README.md.j2": "as docs/howto/clocks.md, with the clock of the board filled in",
    "l1ae/delivery/templates/cmssw/README.md.j2": "tests/delivery/test_emulator.py makes these targets",
}


def test_every_page_with_commands_is_run_or_says_why_not():
    found = {page.relative_to(ROOT).as_posix() for page in pages() if list(shown(page))}
    assert found == set(RUN) | set(NOT_RUN)


def short(path: Path, data: Path) -> dict:
    """A configuration with a short training on a small data set."""
    content = yaml.safe_load(path.read_text())
    content["data"] = {"source": str(data)}
    if content["model"]["architecture"] not in {"density_tree", "imported"}:
        phase = {"epochs": 1}
        content.setdefault("training", {}).update({"batch_size": 256, "float_phase": phase, "quantized_phase": phase})
    content["csim"], content["rtl"] = {"events": 500}, content.get("rtl", {}) | {"events": 500, "vhdl_events": 20}
    return content


def invoke(words: Sequence[str]) -> None:
    result = CliRunner().invoke(_cli, list(words), catch_exceptions=False)
    assert result.exit_code == 0, f"l1ae {' '.join(words)}: {result.output[-2000:]}"


@pytest.fixture(scope="module")
def kitchen(small_zero_bias, tmp_path_factory):
    """A folder with all that pages name."""
    folder = tmp_path_factory.mktemp("kitchen")
    (folder / "configs").mkdir()
    for name in SHORTENED:
        (folder / "configs" / f"{name}.yaml").write_text(yaml.safe_dump(short(ROOT / "configs" / f"{name}.yaml", small_zero_bias)))
    shutil.copytree(ROOT / "configs" / "imported", folder / "configs" / "imported")
    shutil.copytree(small_zero_bias, folder / "zerobias")
    shutil.copy(small_zero_bias / "background.h5", folder / "STORE.h5")
    content = yaml.safe_load((folder / "configs" / "density_tree.yaml").read_text())
    del content["rtl"]["crossings"]
    (folder / "CONFIG.yaml").write_text(yaml.safe_dump(content))
    for name, store in (("events", "background"), ("signal", "a4l")):
        table(small_zero_bias / f"{store}.h5", folder / f"{name}.csv")
    for run in ("RUN", "OTHER"):
        invoke(["run", str(folder / "CONFIG.yaml"), "--run", str(folder / run), "--to", "csim"])
    invoke(["run", str(folder / "CONFIG.yaml"), "--run", str(folder / "RUN"), "--to", "rtl"])
    return folder


def table(store: Path, path: Path) -> None:
    """The pT of two jets and MET of a store, in GeV, and the weight, as somebody else's CSV file."""
    opened = EventStore.open(store)
    weighted = ("weight",) if "weight" in opened.extra else ()
    events, names = opened.read(extra=weighted), opened.layout.names
    columns = [events.hw[:, names.index(name)] * 0.5 for name in ("met_pt", "jet0_pt", "jet1_pt")]
    columns.append(events.extra.get("weight", np.ones(len(events))))
    np.savetxt(path, np.stack(columns, axis=1), delimiter=",", header="missing,lead,sub,w", comments="", fmt="%.6f")


def words_of(command: Shown) -> list[str]:
    return [WORDS.get(word, word).replace("_period=NS", "_period=5") for word in command.words[1:]]


def shown_yaml(page: Path) -> list[str]:
    """Blocks of YAML of a page, in order."""
    return re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", exhaustive(RUN, IN_TEST))
def test_the_commands_of_a_page_succeed(name, kitchen, tmp_path, monkeypatch):
    page, sequence = ROOT / name, RUN[name]
    folder = tmp_path / "work"
    shutil.copytree(kitchen, folder)
    for file, content in zip(sequence.yaml, shown_yaml(page), strict=False):
        (folder / file).write_text(content)
    monkeypatch.chdir(folder)
    commands = [command for command in shown(page) if command.words[0] == "l1ae"]
    run = [command for command in commands if not any(command.line.startswith(start) for start in sequence.left_out)]
    assert run
    for command in run:
        invoke(words_of(command))
