"""Section on the verification: everything that was made, against the contract, on zero-bias crossings."""

from pathlib import Path

from l1ae.contract import wrapped_text
from l1ae.records import VERIFICATION, VerificationReport
from l1ae.report._blocks import Block, Notice, Paragraph, Section, Table
from l1ae.report._files import RunFiles
from l1ae.report._text import bytes_digest, count, missing, seconds

__all__ = ["verification_section"]


def verification_section(run: Path, files: RunFiles) -> Section:
    """What RUN/verification/report.json says. Raises `UserError` when it is damaged."""
    title, report = "Verification", VERIFICATION.find(run)
    if report is None:
        return Section("verification", title, (Notice("missing", missing("The verification", "l1ae verify")),))
    text = (
        "The contract, the C simulation, the RTL, the emulator and the delivered vectors are different programs that must give the same "
        f"bits. Each was given the same crossings of the zero-bias sample “{report.zero_bias.source}”."
    )
    blocks: list[Block] = [Paragraph(text), _verdict(report)]
    if files.contract is not None and report.digest != files.contract.digest:
        found = f"{bytes_digest(report.digest)}, and the contract is now {bytes_digest(files.contract.digest)}"
        blocks.append(Notice("bad", f"This verification is of contract {found}; run “l1ae verify” again."))
    rows = tuple(
        (row.name, row.compared, row.detail or "–", count(row.events), count(row.differing), seconds(row.seconds)) for row in report.rows
    )
    header = ("Against the contract", "Compared", "How", "Crossings", "Crossings that differ", "Time")
    blocks.append(Table("Crossings in which anything that was compared differs.", header, rows, 3))
    if report.rows and (wrapped := wrapped_text(report.wrapped, max(row.events for row in report.rows))):
        blocks.append(
            Notice("bad", f"Of the crossings {wrapped}, as in the deployed network; a score that wraps looks like an ordinary one.")
        )
    blocks += [Notice("missing", f"Not compared: {reason}.") for reason in report.missing]
    return Section("verification", title, tuple(blocks))


def _verdict(report: VerificationReport) -> Notice:
    """Green only when the rows say so themselves."""
    rows = report.rows
    wrong = [row for row in rows if row.differing]
    if wrong or not rows or not report.passed:
        details = tuple(f"{row.name}: {count(row.differing)} of {count(row.events)} crossings differ" for row in wrong)
        return Notice("bad", "The verification failed." if rows else "Nothing was compared with the contract.", details)
    fewest, most = (end(row.events for row in rows) for end in (min, max))
    crossings = count(most) if fewest == most else f"{count(fewest)} to {count(most)}"
    return Notice("good", f"Verification: 0 differing crossings, in {len(rows)} comparisons of {crossings} crossings each.")
