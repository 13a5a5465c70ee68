"""Section on latency, timing and resources: one table of every design at every stage, and the budget."""

from collections.abc import Sequence

from l1ae.delivery import Amount, BudgetLine, StageFigures
from l1ae.records import HlsSummary
from l1ae.report._blocks import Block, Notice, Paragraph, Section, Table
from l1ae.report._files import RunFiles
from l1ae.report._text import count, number

__all__ = ["budget_notice", "resources_section"]

_RESOURCES = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram": "BRAM, blocks of 36 kbit", "uram": "URAM"}
_QUANTITIES = {
    **{key: name.partition(",")[0] for key, name in _RESOURCES.items()},
    "latency_ns": "Latency [ns]",
    "latency_cycles": "Latency [clock cycles]",
    "interval": "Initiation interval (II)",
    "slack_ns": "Slack [ns]",
}
# What no report says, because these stages are l1ae's own.
_OWN = {"estimate", "open synthesis"}
_IMPLEMENTED = {"synth", "place", "route"}


def resources_section(run: RunFiles) -> Section:
    """What every stage says, with tool and version, or the plain statement that nobody knows."""
    title = "Latency and resources"
    rows = _rows(run)
    blocks: list[Block] = []
    if rows:
        text = (
            "The further right within a design, the more is real: an estimate counts, open synthesis maps to cells, C synthesis predicts "
            "what HLS will make, synthesis makes it, and only place and route says what the part needs and which clock it reaches. Slack "
            "is what the slowest path leaves of the clock period after uncertainty; below zero the clock is too fast. HLS and RTL are two "
            "designs of one contract."
        )
        blocks += [Paragraph(text), _table(rows), *_notices(rows)]
    designs = {row.design for row in rows}
    if "rtl" not in designs:
        blocks.append(Notice("missing", _unknown("the RTL"), ("needs the RTL and its synthesis: run “l1ae rtl” and “l1ae synth”",)))
    if "hls" not in designs:
        blocks.append(Notice("missing", _unknown("the HLS project"), (_remedy(run.hls),)))
    blocks += _budget(run)
    return Section("resources", title, tuple(blocks))


def budget_notice(run: RunFiles) -> tuple[Notice, ...]:
    """One line for the summary: what the budget says of each design; nothing where there is no budget."""
    budget = None if run.resources is None else run.resources.budget
    if budget is None or not any(limit is not None for limit in budget.limits.values()):
        return ()
    if not budget.verdicts:
        return (Notice("missing", "There is a budget, and nothing is known yet of latency and resources."),)
    found: dict[str, dict[str, list[str]]] = {}
    for verdict in budget.verdicts:
        found.setdefault(verdict.design.upper(), {}).setdefault(verdict.outcome, []).append(_QUANTITIES[verdict.quantity])
    return tuple(_verdict(design, outcomes) for design, outcomes in found.items())


def _verdict(design: str, outcomes: dict[str, list[str]]) -> Notice:
    tone = "failed" if "failed" in outcomes else "not known" if "not known" in outcomes else "passed"
    words = {"failed": "is beyond its budget", "not known": "may or may not keep its budget", "passed": "keeps its budget"}
    details = tuple(f"{outcome}: {', '.join(names)}" for outcome, names in sorted(outcomes.items()))
    return Notice("good" if tone == "passed" else "bad" if tone == "failed" else "missing", f"The {design} design {words[tone]}.", details)


def _rows(run: RunFiles) -> Sequence[StageFigures]:
    return () if run.resources is None else run.resources.rows


def _unknown(what: str) -> str:
    return f"Latency, II, slack, LUT, FF, DSP, BRAM and URAM of {what} are not known."


def _remedy(hls: HlsSummary | None) -> str:
    """Which tool, and which command leads to it."""
    if hls is None:
        return "needs the HLS project and C synthesis: run “l1ae hls” first"
    tool = "Vivado HLS" if hls.backend == "Vivado" else "Vitis HLS"
    commands = "“l1ae deliver --target vivado”, then “./run.sh hls” in the delivered folder and “l1ae report” again"
    return f"needs C synthesis by {tool}: run {commands}"


def _table(rows: Sequence[StageFigures]) -> Table:
    lines = (
        ("Tool", [row.tool for row in rows]),
        ("Part", [row.part or _none(row) for row in rows]),
        ("Clock period, target", [_value(row, row.clock_ns, "ns") for row in rows]),
        ("Clock uncertainty", [_value(row, row.uncertainty_ns, "ns") for row in rows]),
        ("Slack of setup (WNS)", [_value(row, row.slack_ns, "ns") for row in rows]),
        ("Slack of hold (WHS)", [_value(row, row.hold_slack_ns, "ns") for row in rows]),
        ("Latency", [_latency(row) for row in rows]),
        ("Initiation interval (II)", [_value(row, row.interval, "clock cycles") for row in rows]),
        *((name, [_amount(row, key) for row in rows]) for key, name in _RESOURCES.items()),
        ("Power on chip", [_power(row) for row in rows]),
    )
    header = ("", *(f"{row.design.upper()}: {row.stage}" + (" (doubtful)" if row.doubts else "") for row in rows))
    caption = "Every design at every stage that was reached: what it uses, of what the part has."
    return Table(caption, header, tuple((name, *cells) for name, cells in lines))


def _none(row: StageFigures) -> str:
    return "not known" if row.stage in _OWN else "not in the report"


def _value(row: StageFigures, value: float | None, unit: str) -> str:
    return _none(row) if value is None else number(value, unit, digits=4)


def _latency(row: StageFigures) -> str:
    low, high, time = row.latency_cycles_min, row.latency_cycles, row.latency_ns
    if high is None:
        return _none(row)
    cycles = f"{high}" if low is None or low == high else f"{low} to {high}"
    return f"{cycles} clock cycles" + ("" if time is None else f", {number(float(time), 'ns')}")


def _amount(row: StageFigures, key: str) -> str:
    amount = row.resources.get(key, Amount())
    if amount.used is None:
        return _none(row)
    total = "" if amount.available is None else f" of {count(amount.available)}"
    return _plain(amount.used) + total + ("" if amount.share is None else f" ({100 * amount.share:.2f} %)")


def _power(row: StageFigures) -> str:
    if row.power_w is None:
        return _none(row)
    return number(float(row.power_w), "W", digits=4) + (f", confidence {row.power_confidence}" if row.power_confidence else "")


def _notices(rows: Sequence[StageFigures]) -> list[Notice]:
    """What is wrong with a row, or worth knowing."""
    notices = []
    for row in rows:
        name = f"{row.design.upper()}, {row.stage}"
        if row.doubts:
            notices.append(Notice("bad", f"{name}: shown, but not used for any verdict.", row.doubts))
        notices += _timing(row, name)
        beyond = [_RESOURCES[key].partition(",")[0] for key, amount in row.resources.items() if (amount.share or 0) > 1]
        if beyond:
            notices.append(Notice("bad", f"{name}: the design does not fit into the part: {', '.join(beyond)}."))
        if row.notes:
            notices.append(Notice("info", f"{name}: {'; '.join(row.notes)}."))
    return notices


def _timing(row: StageFigures, name: str) -> list[Notice]:
    """Slack below zero: a fact once there is a netlist of the vendor's, before that a warning."""
    setup, hold = row.slack_ns, row.hold_slack_ns
    notices = []
    if setup is not None and setup < 0:
        if row.stage in _IMPLEMENTED:
            notices.append(Notice("bad", f"{name}: the timing of setup is not met, by {number(-setup, 'ns', digits=4)}."))
        else:
            text = (
                f"{name}: the slowest path is expected to miss the clock period less its uncertainty by {number(-setup, 'ns', digits=4)}."
            )
            notices.append(Notice("info", text))
    # hold is repaired by routing; before, it says nothing
    if hold is not None and hold < 0 and row.stage == "route":
        notices.append(Notice("bad", f"{name}: the timing of hold is not met, by {number(-hold, 'ns', digits=4)}."))
    return notices


def _budget(run: RunFiles) -> list[Block]:
    verdicts = budget_notice(run)
    if run.resources is None or not verdicts:
        return []
    header = ("Design", "Quantity", "Verdict", "Value", "Limit", "Stage and tool")
    caption = "Budget. The latest stage that knows a quantity decides; what is not known does not pass."
    decided, every = (tuple(_budget_row(line) for line in lines) for lines in (run.resources.budget.verdicts, run.resources.budget.lines))
    if not decided:
        return list(verdicts)
    return [Table(caption, header, decided, 3), *verdicts, Table("Budget at every stage", header, every, 3, folded=True)]


def _budget_row(line: BudgetLine) -> tuple[str, ...]:
    bound = "≥" if line.quantity == "slack_ns" else "≤"
    value = "not known" if line.value is None else _plain(line.value)
    stage = "–" if line.stage is None else f"{line.stage}, {line.tool}"
    return (line.design.upper(), _QUANTITIES[line.quantity], line.outcome, value, f"{bound} {_plain(line.limit)}", stage)


def _plain(value: float) -> str:
    return f"{value:,.10g}".replace("-", "−")
