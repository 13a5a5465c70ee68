"""RUN/baselines: no training is needed for it, and the model does not matter."""

import pytest

from l1ae.baselines import load_baselines
from l1ae.data import StoreWriter, open_dataset
from l1ae.errors import UserError
from l1ae.inputs import named_layout
from l1ae.pipeline import Run, baselines_stage
from l1ae.pipeline._baselines_stage import baselines_inputs


@pytest.fixture(scope="module")
def crossings(source, tmp_path_factory):
    """The first 600 background events as a store of their own."""
    store = open_dataset(str(source)).background
    path = tmp_path_factory.mktemp("zb") / "zb.h5"
    with StoreWriter(path, store.layout, sample="zerobias", processes=store.processes, provenance={}) as writer:
        writer.append(store.read(0, 600))
    return path


def _run(make_config, folder, crossings, **changes):
    return Run.create(make_config(trigger={"zero_bias": str(crossings), "bunches": 10}, **changes), folder)


def test_the_stage_writes_what_it_returns_and_is_then_up_to_date(make_config, crossings, tmp_path):
    run = _run(make_config, tmp_path / "run", crossings)
    found = baselines_stage(run)
    assert load_baselines(run.path("baselines") / "baselines.json") == found
    assert (found.layout, found.source, found.events, found.impossible) == ("ugt", "zb.h5", 600, {})
    assert 1000 < found.training_events == found.training_available < 1400, "40 % of 3,000"
    assert {name for item in found.results for point in item.at_rate.points for name in point.efficiency} == {"a4l", "lq"}
    assert run.is_current("baselines", baselines_inputs(run))
    other = _run(make_config, tmp_path / "other", crossings, inputs={"select": {"features": ["pt"]}}, seed=9)
    assert baselines_inputs(other) == baselines_inputs(run), "neither the inputs that a model selects nor its seed matter"
    more = _run(make_config, tmp_path / "more", crossings, data={"source": run.config.data.source, "train": 0.5})
    assert baselines_inputs(more) != baselines_inputs(run)


def test_without_crossings_the_command_says_why(make_config, tmp_path):
    inputs = {"layout": named_layout("gelato").model_dump(mode="json"), "preprocessing": "auto"}
    config = make_config(inputs=inputs, trigger={"zero_bias": "shipped"})
    with pytest.raises(UserError, match="there are no crossings that could set rates: the zero bias that comes with l1ae has layout 'ugt'"):
        baselines_stage(Run.create(config, tmp_path / "run"))
    config = make_config(inputs=inputs, trigger={"zero_bias": "auto"})
    reason = r"nothing says that .*background.h5 is zero bias \(no weights, .*; set trigger.zero_bias: data if it is zero bias"
    with pytest.raises(UserError, match=reason):
        baselines_stage(Run.create(config, tmp_path / "auto"))


def test_rates_are_those_of_the_configuration(make_config, crossings, tmp_path):
    config = make_config(trigger={"zero_bias": str(crossings), "bunches": 10, "rates": [2.0, 20.0], "firmware": 20.0})
    found = baselines_stage(Run.create(config, tmp_path / "run"))
    for item in found.results:
        assert {point.khz for point in item.at_rate.points} == {2.0, 20.0}
        assert item.at_rate.headline.khz == 20.0
