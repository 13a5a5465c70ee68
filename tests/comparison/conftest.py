"""Run folders that hold a contract, which is all that a comparison needs, and the data that they are judged on."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from l1ae.config import Config
from l1ae.data import Events, StoreWriter
from l1ae.inputs import named_layout
from l1ae.pipeline import Run
from l1ae.records import CONTRACT

from ..records.examples import contract

UGT = named_layout("ugt")


def _write(path, sample, count, seed, scale):
    """Falling spectra; with weights and a recorded split where it is zero bias."""
    rng = np.random.default_rng(seed)
    low, high = UGT.code_range
    hardware, pt = rng.integers(low // 2, high // 2 + 1, (count, UGT.size)), UGT.with_role("energy")
    hardware[:, pt] = np.minimum(rng.exponential(scale, (count, 1)) * rng.uniform(0.3, 2.0, (count, pt.sum())), 511)
    hardware[:, pt] = np.where(rng.random((count, pt.sum())) < 0.6, 0, hardware[:, pt])
    hardware = np.where(UGT.mask(hardware), hardware, 0).astype(np.int16)
    n = np.arange(count)
    extra = {"weight": np.where(n % 2 == 0, 0.5, 1.5), "split": (n % 3).astype(np.int8)} if sample == "zerobias" else {}
    events = Events(hardware, np.zeros(count, np.int16), n // 2, rng.poisson(30, count).astype(np.int16), extra)
    with StoreWriter(path, UGT, sample=sample, processes=[sample], provenance={"seed": seed}) as writer:
        writer.append(events)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A zero-bias background of 9,000 crossings, a third of them to test on, and two signals."""
    folder = tmp_path_factory.mktemp("data")
    _write(folder / "background.h5", "zerobias", 9000, 1, 20.0)
    _write(folder / "a4l.h5", "a4l", 600, 2, 60.0)
    _write(folder / "lq.h5", "lq", 500, 3, 40.0)
    return folder


@pytest.fixture(scope="session")
def make_run(make_network, data, tmp_path_factory):
    """A run with random weights: `make(name, score)`; other arguments are sections of its configuration."""
    parent = tmp_path_factory.mktemp("runs")

    def make(name, score="mu2", threshold=300, **sections):
        network = make_network(score, threshold=threshold)
        content = network.config.model_dump(mode="json") | {"data": {"source": str(data)}}
        content["trigger"] = {"bunches": 1, "revolution_khz": 40.0, **sections.pop("trigger", {})}
        content.pop("training", None)
        run = Run.create(Config.model_validate(content | sections), parent / name)

        def write(target):
            network.contract.save(target / "contract.json")
            CONTRACT.write(target, replace(contract(), used_bits=1234 if score == "mu2" else 4321, parameters=567))

        run.produce("contract", {}, write)
        return run.folder

    return make


@pytest.fixture(scope="session")
def runs(make_run):
    """`one`; its copy `same`; `two` with another network; `harder` with another menu; `other` judged on other crossings."""
    one = make_run("one")
    shutil.copytree(one, one.with_name("same"))
    found = {"one": one, "same": one.with_name("same"), "two": make_run("two", "squared_error", 2000)}
    found["harder"] = make_run("harder", "squared_error", trigger={"menu": [{"name": "SingleMu5", "object": "mu", "pt": [5]}]})
    found["other"] = make_run("other", data={"source": Run.open(one).config.data.source, "train": 0.5, "validation": 0.1})
    return found
