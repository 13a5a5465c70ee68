"""Sections on the fixed-point contract and on the HLS project with its C simulation."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from l1ae.agreement import CsimReport
from l1ae.contract import wrapped_text
from l1ae.evaluation import LEVEL, format_estimate
from l1ae.inputs import FixedFormat
from l1ae.records import ContractSummary, TensorSummary
from l1ae.report._blocks import Block, Facts, Notice, Paragraph, Section, Table
from l1ae.report._files import RunFiles
from l1ae.report._tables import table_blocks
from l1ae.report._text import count, missing, number, seconds

__all__ = ["contract_section", "csim_notice", "hls_section"]


def csim_notice(run: RunFiles) -> Notice:
    """The verdict of the C simulation: green only when every value and type agreed."""
    report = run.csim
    if report is None:
        return Notice("missing", missing("The C simulation", "l1ae csim"))
    details = [f"and {count(report.corner_vectors)} corner vectors, backend {report.backend}"]
    if report.passed:
        return Notice("good", report.verdict, tuple(details))
    if (first := report.first_mismatch) is not None:
        kind = "corner vector" if first.corner else "event"
        details.append(
            f"first mismatch: layer {first.layer}, {kind} {first.event}, element {first.element}: "
            f"contract {first.contract}, C simulation {first.simulation}"
        )
    details += ["type mismatch: " + ", ".join(f"{key} {value}" for key, value in asdict(item).items()) for item in report.type_mismatches]
    return Notice("bad", report.verdict, tuple(details))


def contract_section(run: RunFiles) -> Section:
    """Types of every tensor, the proven and the observed range, and whether the proof holds."""
    title = "Fixed-point contract"
    contract = run.contract
    if contract is None:
        return Section("contract", title, (Notice("missing", missing("The contract", "l1ae train")),))
    blocks: list[Block] = [
        Paragraph(
            "The contract is the trained network as integers: every weight, every tensor with its fixed-point type, rounding and overflow. "
            "It decides what the right answer is, and the firmware is compared with it bit by bit."
        ),
        Facts(
            (
                ("Project", contract.project),
                ("Digest", contract.digest),
                *_sizes(contract),
                ("Score", contract.score_type),
                (
                    "Trigger threshold",
                    f"{count(contract.threshold)} LSB = {number(contract.threshold_value)}, "
                    f"{_threshold_origin(contract)}" + _threshold_events(contract),
                ),
            )
        ),
        _proof(contract.tensors, contract.wrapped, contract.wrapped_events),
        _tensor_table(contract),
    ]
    blocks += table_blocks(contract, run.config.inputs.columns)
    return Section("contract", title, tuple(blocks))


def _sizes(contract: ContractSummary) -> list[tuple[str, str]]:
    """What the model consists of: weights, or entries of tables alone."""
    rows = []
    if contract.parameters or not contract.tables:
        rows = [
            ("Parameters", f"{count(contract.parameters)}, stored in {contract.weight_bits} bits each"),
            ("Bits of the weights", f"{count(contract.used_bits)} without leading and trailing zeros, signs included"),
            ("Effective bit operations", f"{count(contract.bit_operations)} per event (products of the bits of weight and input)"),
        ]
    if contract.tables:
        rows.append(("Entries of tables", count(sum(table.entries for table in contract.tables))))
    return rows


def _threshold_origin(contract: ContractSummary) -> str:
    if contract.threshold_given:
        return "part of the imported model; on validation background"
    if (rate := contract.threshold_rate) is not None:
        return (
            f"the working point for {rate.khz:g} kHz {rate.kind}: {format_estimate(rate.reached)} kHz on {count(rate.events)} crossings; "
            "on validation background"
        )
    return f"set for a false-positive rate of {contract.target_fpr:g} on validation background"


def _threshold_events(contract: ContractSummary) -> str:
    """How many events decided the threshold."""
    above, total = contract.threshold_events
    warning = "; with so few the rate is uncertain" if 0 < above < 100 else ""
    if not above:
        warning = f"; so many cannot set such a rate, which is only known to be below {number(1 - (1 - LEVEL) ** (1 / total), digits=2)}"
    share = "" if contract.threshold_fraction is None else f", {number(contract.threshold_fraction)} of their weight"
    return f", which {count(above)} of {count(total)} events reach{share}{warning}"


def _proof(tensors: Sequence[TensorSummary], wrapped: Mapping[str, int], events: int) -> Notice:
    """Check the written bounds against the written types once more: the report does not believe, it computes.

    `wrapped` names the tensors of an imported model that wrap as those of the deployed one do, with the number of `events` in which
    they did.
    """
    problems = []
    for tensor in tensors:
        form = FixedFormat.parse(tensor.type)
        if tensor.low < form.low * form.lsb or tensor.high > form.high * form.lsb:
            problems.append(f"{tensor.name}: the proven range exceeds {form}")
        if tensor.accumulator is not None:
            wide = FixedFormat.parse(tensor.accumulator)
            if tensor.low < wide.low * wide.lsb or tensor.high > wide.high * wide.lsb:
                problems.append(f"{tensor.name}: the proven range exceeds the accumulator {wide}")
        if tensor.observed_low < tensor.low or tensor.observed_high > tensor.high:
            problems.append(f"{tensor.name}: observed values lie outside the proven range")
    if problems:
        return Notice("bad", "The bounds do not hold; do not use this contract.", tuple(problems))
    if wrapped:
        text = (
            "This model was imported with sums or casts that some words at the input ports make wrap, as they do where it was deployed: "
            f"{', '.join(wrapped)}. No other one can. Wrapped values are part of the comparison, bit by bit."
        )
        happened = wrapped_text(wrapped, events)
        found = f"Of the validation background {happened}." if happened else f"In none of {count(events)} validation events did one wrap."
        return Notice("bad" if happened else "info", text, (found,))
    text = (
        "Interval arithmetic over every word that fits into the input ports: no tensor leaves its type, so no accumulator can wrap, "
        "whatever arrives. Values saturate only where the type says SAT."
    )
    return Notice("good", text)


def _tensor_table(contract: ContractSummary) -> Table:
    rows = tuple(
        (
            t.name,
            t.op,
            t.type,
            t.accumulator or "–",
            str(t.shape),
            _range(t.low, t.high),
            _range(t.observed_low, t.observed_high),
            t.evaluated_in,
        )
        for t in contract.tensors
    )
    sample = f"{count(contract.observed_events)} validation events"
    return Table(
        f"Every tensor, in real units. Proven: bounds for any input. Observed: extremes on {sample}. Evaluated in: the number type that "
        "is exact for these bounds.",
        ("Tensor", "Operation", "Type", "Accumulator", "Size", "Proven", "Observed", "Evaluated in"),
        rows,
        4,
    )


def _range(low: float, high: float) -> str:
    return f"{number(float(low), digits=10)} … {number(float(high), digits=10)}"


def hls_section(run: RunFiles) -> Section:
    """The project that was written, and the comparison of its C simulation with the contract."""
    blocks: list[Block] = []
    hls = run.hls
    if hls is None:
        blocks.append(Notice("missing", missing("The HLS conversion", "l1ae hls")))
    else:
        blocks.append(
            Facts(
                (
                    ("Project", f"{hls.project}, {count(hls.files)} files, digest {hls.digest}"),
                    ("Backend and part", f"{hls.backend}, {hls.part}"),
                    ("Target clock", f"{hls.clock_period_ns:g} ns, uncertainty {hls.clock_uncertainty_percent:g} %"),
                    ("Strategy", f"{hls.strategy.replace('_', ' ')}, {hls.io_type}"),
                    ("Reuse factor", ", ".join([str(hls.reuse_factor), *(f"{k}: {v}" for k, v in hls.layer_reuse_factors.items())])),
                    ("Multiplications", f"{count(hls.multiplications)} per event with a weight that is not zero"),
                )
            )
        )
    blocks.append(csim_notice(run))
    if run.csim is not None and run.csim.changed_files:
        blocks.append(Notice("bad", "Files of the project were not as they were written: " + ", ".join(run.csim.changed_files) + "."))
    if run.csim is not None:
        blocks += _csim_blocks(run.csim)
    return Section("hls", "HLS project and C simulation", tuple(blocks))


def _csim_blocks(report: CsimReport) -> list[Block]:
    named = [(item.name, item) for item in report.layers] + [(f"output port {item.name}", item) for item in report.outputs]
    rows = tuple((name, item.type, count(item.mismatches), number(item.max_abs_lsb)) for name, item in named)
    caption = (
        "Every layer and output port of the C simulation against the contract: values that differ, and the largest difference. "
        f"Types of the compiled project compared with the contract's: {count(report.types_compared)}, "
        f"differing: {count(len(report.type_mismatches))}."
    )
    wraps = [("Events that wrap", wrapped_text(report.wrapped, report.events) or "none")] if report.wrapped else []
    facts = [*_keras_facts(report), *wraps, ("Compiler", report.compiler or "not recorded")]
    facts += [(f"Time to {name}", seconds(value)) for name, value in asdict(report.seconds).items()]
    return [Table(caption, ("Layer or output", "Type", "Differing values", "Largest difference [LSB]"), rows, 2), Facts(tuple(facts))]


def _keras_facts(report: CsimReport) -> list[tuple[str, str]]:
    """Comparison with the Keras models that exist: an imported model may have none."""
    facts, against, keras = [], report.float, report.quantized
    if against is not None:
        facts = [
            ("Largest score difference to float", number(against.max_abs, digits=4)),
            ("RMS score difference to float", number(against.rms, digits=4)),
            ("Decisions that flip", f"{count(against.decision_flips)} of {count(report.events)}, at score ≥ {number(against.threshold)}"),
        ]
    if keras is not None and keras.events:
        facts.append(
            ("Quantized Keras model", f"{count(keras.mismatches)} values differ from the contract in {count(keras.events)} events")
        )
    return facts
