"""Sections on data, training and physics performance."""

from dataclasses import asdict, replace

from l1ae.data import is_recorded
from l1ae.evaluation import Metrics, WorkingPoint
from l1ae.inputs import InputSpec
from l1ae.records import ContractSummary
from l1ae.report._at_rate import at_rate_table, shown_variant
from l1ae.report._blocks import Block, Facts, Notice, Paragraph, Picture, Section, Table
from l1ae.report._files import RunFiles
from l1ae.report._inputs import added_text, event_text, inputs_caption, inputs_table
from l1ae.report._key_figures import background_text, selection_text
from l1ae.report._label_free import label_free_blocks
from l1ae.report._text import architecture, count, missing, number, percent, power, sample, score_text, seconds

__all__ = ["data_section", "model_section", "physics_section"]

VARIANTS = {"float": "Float", "quantized": "Quantized", "fixed": "Fixed point"}


def _split(run: RunFiles) -> str:
    data = run.config.data
    if is_recorded(data, () if run.background is None else run.background.extra):
        return "training, validation and test as recorded with the events"
    rest = 1 - data.train - data.validation
    whole = ", by source event" if run.metrics is None or _copies(run.metrics) else ""
    return f"{data.train:.0%} training, {data.validation:.0%} validation, {rest:.0%} test{whole}"


def _copies(metrics: Metrics) -> bool:
    """Whether events share source events."""
    return any(metrics.groups[name] < n for name, n in metrics.events.items())


_SOURCES = {
    "zerobias": "the zero bias that comes with l1ae (zerobias)",
    "shipped": "the sample with a lepton that comes with l1ae (shipped)",
    "shipped_regions": "the sample with a lepton and calorimeter regions that comes with l1ae (shipped_regions)",
}


def data_section(run: RunFiles) -> Section:
    """Which events, how many, from which files."""
    data, layout = run.config.data, run.config.inputs.selected
    source = _SOURCES.get(data.source, data.source)
    blocks: list[Block] = [
        Paragraph(
            f"{event_text(layout)} {added_text(run.config.inputs)}The background is {background_text(run)}; the signals are "
            "others, which the model has never seen during its training."
        ),
        Facts(
            (
                ("Source", source),
                ("Selection of the background", selection_text(run)),
                ("Split of the background", _split(run)),
                ("Inputs of the model", f"{run.config.inputs.columns.size}, type {_input_type(run)}"),
            )
        ),
        inputs_table(run.config, run.contract),
    ]
    if run.metrics is not None:
        blocks.append(_events_table(run.metrics))
    files = _data_files(run)
    if files:
        blocks.append(Table("Data files of this run", ("File", "sha256"), files, 2, folded=True))
    if "inputs" in run.figures:
        blocks.append(replace(run.figures["inputs"], caption=inputs_caption(layout), wide=True))
    return Section("data", "Data", tuple(blocks))


def _input_type(run: RunFiles) -> str:
    """A description brings the type of its inputs with it; a contract without preprocessing takes the codes."""
    tensors = {item.name: item.type for item in run.contract.tensors} if run.contract is not None else {}
    if "hw" in tensors and "inputs" not in tensors:
        return f"{tensors['hw']}, the hardware codes themselves"
    if not run.config.model.described:
        return str(InputSpec.of(run.config.inputs.selected, run.config.inputs.network).network)
    return tensors.get("inputs", "as described")


def _parameters(contract: ContractSummary) -> tuple[str, str]:
    """Weights, or entries where the model is made of tables."""
    if contract.parameters == 0 and contract.tables:
        return "Parameters", f"{count(sum(table.entries for table in contract.tables))} entries of tables, no weights"
    return "Parameters", f"{count(contract.parameters)}, of which {count(contract.nonzero_parameters)} are not zero"


def _events_table(metrics: Metrics) -> Table:
    if not _copies(metrics):
        return Table("Test events", ("Sample", "Events"), tuple((sample(name), count(n)) for name, n in metrics.events.items()))
    rows = tuple((sample(name), count(n), count(metrics.groups[name])) for name, n in metrics.events.items())
    return Table(
        "Test events. Events that share a source event are copies with another detector response and are not independent.",
        ("Sample", "Events", "Source events"),
        rows,
    )


def _data_files(run: RunFiles) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for stage in run.manifest.stages.values():
        found |= {name: digest for name, digest in stage.inputs.items() if name.startswith("data/")}
    return tuple(sorted(found.items()))


def model_section(run: RunFiles) -> Section:
    """Architecture, settings, and how the training went."""
    facts = [("Network", architecture(run.config)), ("Anomaly score", score_text(run.config))]
    if run.config.model.source is None and not run.config.model.family.tabular:
        facts += _settings(run)
    if run.contract is not None:
        facts.insert(1, _parameters(run.contract))
    blocks: list[Block] = [Facts(tuple(facts))]
    if run.training is None:
        blocks.append(Notice("missing", missing("The training", "l1ae train")))
    elif run.config.model.source is not None:
        blocks.append(Notice("info", "The network was made elsewhere; this run imported it as it is, and trained nothing."))
    else:
        rows = tuple((key.replace("_", " "), _value(key, value)) for key, value in asdict(run.training).items())
        blocks.append(Table("What the training reports", ("Quantity", "Value"), rows))
    if "history" in run.figures:
        caption = "Loss per epoch of both phases on training and validation background, and the learning rate."
        blocks.append(replace(run.figures["history"], caption=caption))
    return Section("model", "Model and training", tuple(blocks))


def _settings(run: RunFiles) -> list[tuple[str, str]]:
    """What the configuration asked of the training."""
    model, training = run.config.model, run.config.training
    latent = "" if model.family.code is None else f", latent {model.latent_bits} bits"
    return [
        ("Weights", f"{model.weight_bits} bits{'; exceptions: ' + ', '.join(model.layers) if model.layers else ''}"),
        ("Activations", f"{model.activation_bits} bits{latent}, output {model.output_bits} bits"),
        ("Float phase", f"at most {training.float_phase.epochs} epochs from learning rate {training.float_phase.learning_rate:g}"),
        (
            "Quantization-aware phase",
            f"at most {training.quantized_phase.epochs} epochs from learning rate {training.quantized_phase.learning_rate:g}",
        ),
        *_regularisers(run),
        ("Batch size", count(training.batch_size)),
        ("Random seed", str(run.config.seed)),
    ]


def _regularisers(run: RunFiles) -> list[tuple[str, str]]:
    """What was added to the reconstruction error, and what was done to inputs and weights."""
    training = run.config.training
    defaults = type(training)()
    names = ("weight_power", "kl_warmup", "noise", "sparsity", "contractive", "weight_decay", "pruning", "learned_widths")
    changed = {name: getattr(training, name) for name in names if getattr(training, name) != getattr(defaults, name)}
    return [(name.replace("_", " ").capitalize(), str(value)) for name, value in changed.items()]


def _value(key: str, value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return seconds(value) if key.endswith("seconds") else number(value)
    return str(value)


def physics_section(run: RunFiles) -> Section:
    """AUC, TPR at fixed FPR, decisions at the threshold, float against fixed point."""
    metrics = run.metrics
    if metrics is None:
        return Section("physics", "Physics performance", (Notice("missing", missing("The evaluation", "l1ae evaluate")),))
    blocks: list[Block] = [
        Paragraph(
            "Errors and intervals hold with 68.3 % confidence and are statistical only. Differences to the float model are taken on "
            "the same events and are therefore known far better than the values themselves." + _weighted(metrics)
        ),
        *_signal_blocks(run, metrics),
        *label_free_blocks(metrics, VARIANTS),
        *_pictures(run, "scores"),
        *_threshold_table(metrics),
        *_difference_tables(metrics),
        *_pictures(run, *sorted(name for name in run.figures if name.startswith("difference_"))),
    ]
    return Section("physics", "Physics performance", tuple(blocks))


def _weighted(metrics: Metrics) -> str:
    """What weights do, where events have some."""
    if not metrics.effective:
        return ""
    worth = ", ".join(f"{sample(name)} {count(round(value))} of {count(metrics.events[name])}" for name, value in metrics.effective.items())
    return f" All fractions are by weight; so many independent events of equal weight would be worth as much: {worth}."


def _signals(metrics: Metrics) -> list[str]:
    return [name for name in metrics.events if name != "background"]


def _signal_blocks(run: RunFiles, metrics: Metrics) -> tuple[Block, ...]:
    """What is measured on signals; why nothing is, where the data set has none."""
    rates = tuple(_rates(metrics, variant) for variant in metrics.at_rate if not _in_summary(metrics, variant))
    if not _signals(metrics):
        text = (
            "The data set has no signal, which training and thresholds do not need: there is no AUC and no efficiency. Add stores of "
            "signals to the folder of the data and run `l1ae evaluate`."
        )
        return (Notice("missing", text), *rates)
    tables = (_tpr_table(metrics, variant) for variant in metrics.working_points)
    return (*rates, _auc_table(metrics), *_pictures(run, "roc"), *_unmeasurable(metrics), *tables)


def _in_summary(metrics: Metrics, variant: str) -> bool:
    """Whether the summary shows all rates of a variant."""
    found = metrics.at_rate[variant]
    return variant == shown_variant(metrics) and found.brief.points == found.points


def _rates(metrics: Metrics, variant: str) -> Table:
    """Of a variant of which the summary does not show all."""
    caption = f"Efficiency at the rates that a trigger can afford, {VARIANTS.get(variant, variant).lower()}"
    return replace(at_rate_table(metrics.at_rate[variant], caption), folded=True)


def _auc_table(metrics: Metrics) -> Table:
    header = ["Signal", *(VARIANTS.get(v, v) for v in metrics.auc), *(f"{VARIANTS.get(v, v)} − float" for v in metrics.comparisons)]
    rows = [
        (
            sample(name),
            *(str(metrics.auc[variant][name]) for variant in metrics.auc),
            *(str(metrics.comparisons[variant].auc[name]) for variant in metrics.comparisons),
        )
        for name in _signals(metrics)
    ]
    return Table(f"AUC of each signal against the background (intervals: {metrics.auc_method}).", tuple(header), tuple(rows))


def _tpr_table(metrics: Metrics, variant: str) -> Table:
    points = metrics.working_points[variant]
    targets = [point.target_fpr for point in next(iter(points.values()))]
    rows = tuple((sample(name), *(_tpr(point) for point in row)) for name, row in points.items())
    reached = next(iter(points.values()))
    return Table(
        f"True-positive rate at fixed false-positive rate, {VARIANTS.get(variant, variant).lower()}. Read at the lowest threshold that "
        "does not exceed the target on this background; errors include that of the threshold.",
        ("Signal", *(f"FPR {power(target)}" for target in targets)),
        (*rows, ("FPR reached", *(_reached(point) for point in reached)), ("Threshold", *(_threshold(point) for point in reached))),
        closing=2,
    )


def _unmeasurable(metrics: Metrics) -> tuple[Notice, ...]:
    """One notice for each false-positive rate that the background cannot resolve, whatever the signal and variant."""
    points = (point for signals in metrics.working_points.values() for row in signals.values() for point in row)
    found = {point.target_fpr: point.note for point in points if point.tpr is None}
    return tuple(Notice("missing", f"True-positive rate at FPR {power(fpr)}: {note}.") for fpr, note in found.items())


def _tpr(point: WorkingPoint) -> str:
    return "not measurable" if point.tpr is None else percent(point.tpr) + (f" ({point.note})" if point.note else "")


def _reached(point: WorkingPoint) -> str:
    return "–" if point.fpr is None else percent(point.fpr)


def _threshold(point: WorkingPoint) -> str:
    return "–" if point.threshold is None else number(point.threshold)


def _threshold_table(metrics: Metrics) -> tuple[Table, ...]:
    if metrics.threshold is None:
        return ()
    samples = list(metrics.events)
    rows = tuple((sample(name), *(percent(metrics.accepted[variant][name]) for variant in metrics.accepted)) for name in samples)
    caption = f"Fraction of test events accepted at the trigger threshold of the firmware, score ≥ {number(metrics.threshold)}."
    return (Table(caption, ("Sample", *(VARIANTS.get(v, v) for v in metrics.accepted)), rows),)


def _difference_tables(metrics: Metrics) -> list[Table]:
    tables = []
    for variant, comparison in metrics.comparisons.items():
        rows = tuple(
            (
                sample(name),
                count(d.events),
                number(d.max_abs, digits=4),
                number(d.rms, digits=4),
                number(d.mean, digits=4),
                "–" if d.flips is None else f"{count(d.flips)} of {count(d.events)}",
            )
            for name, d in comparison.scores.items()
        )
        header = ("Sample", "Events", "Largest difference", "RMS", "Mean", "Decisions that flip")
        name = VARIANTS.get(variant, variant)
        tables.append(Table(f"Score of the {name.lower()} model minus score of the float model, in units of the score.", header, rows))
    return tables


def _pictures(run: RunFiles, *names: str) -> list[Picture]:
    captions = {
        "roc": "True-positive against false-positive rate. The bands show the 68.3 % interval of the solid lines.",
        "scores": "Distribution of the score; everything right of the dashed line is accepted by the trigger.",
        "difference_fixed": "Score of the fixed-point model against that of the float model, on the test background.",
        "difference_quantized": "Score of the quantized Keras model against that of the float model, on the test background.",
    }
    return [replace(run.figures[name], caption=captions.get(name, name)) for name in names if name in run.figures]
