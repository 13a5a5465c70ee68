"""What was made when, by which tools, from what, and whether the pieces still belong together."""

from l1ae.manifest import same_digest
from l1ae.records import CSIM, RTL, RTL_VERILOG, VERIFICATION, other_settings
from l1ae.report._blocks import Block, Notice, Section, Table
from l1ae.report._files import RunFiles
from l1ae.report._text import bytes_digest, count, seconds

__all__ = ["provenance_section", "stale_stages"]


def stale_stages(run: RunFiles) -> list[str]:
    """One sentence for each stage that was made from files which have since been replaced or edited, with other settings than the
    configuration has, or that did not finish.
    """
    return [*run.outdated.values(), *_of_older_data(run), *_of_other_settings(run), *_edited(run), *_unfinished(run)]


def _of_other_settings(run: RunFiles) -> list[str]:
    """Firmware that is not what the configuration asks for, which therefore is not delivered."""
    made = {"hls": run.hls, "rtl": RTL.find(run.folder)}
    found = {stage: other_settings(run.config, summary) for stage, summary in made.items() if summary is not None}
    sentence = "{} was made with other settings than the configuration has ({}); run this stage again"
    return [sentence.format(stage, others) for stage, others in found.items() if others]


def _of_older_data(run: RunFiles) -> list[str]:
    """Stages that read another content of an event store than the last stage that read it."""
    latest: dict[str, tuple[str, str]] = {}
    # the manifest keeps the order in which stages were first made, and finishing times are whole seconds
    for stage, entry in sorted(run.manifest.stages.items(), key=lambda item: item[1].finished):
        latest |= {name: (digest, stage) for name, digest in entry.inputs.items() if name.startswith("data/")}
    sentences = []
    for stage, entry in run.manifest.stages.items():
        used = entry.inputs
        changed = sorted(name for name, (digest, _) in latest.items() if name in used and not same_digest(used[name], digest))
        if changed:
            others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            sentences.append(f"{stage} was made from another {changed[0]}{others} than {latest[changed[0]][1]}; run this stage again")
    return sentences


def _edited(run: RunFiles) -> list[str]:
    """Stages with files that are not as their stage left them."""
    found = {stage: run.manifest.changed(run.folder, stage) for stage in run.manifest.stages}
    return [
        f"{stage}: {names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''} not as the stage left it; run this stage again"
        for stage, names in found.items()
        if names
    ]


def _unfinished(run: RunFiles) -> list[str]:
    """Stages that compare something, which the manifest knows only when nothing differs, and whose result says so without it."""
    results = {"csim": CSIM.find(run.folder), "rtl": RTL_VERILOG.find(run.folder), "verification": VERIFICATION.find(run.folder)}
    unknown = [stage for stage, found in results.items() if stage not in run.manifest.stages and found is not None and found.passed]
    return [f"{stage} says that it passed, and the manifest does not know of it; run this stage again" for stage in unknown]


def provenance_section(run: RunFiles) -> Section:
    """Stages, tools and digests of the manifest."""
    stages = run.manifest.stages
    if not stages:
        return Section("provenance", "Provenance", (Notice("missing", "This run folder has no manifest: nothing says how it was made."),))
    rows = tuple((name, s.finished, seconds(s.seconds), count(len(s.outputs)), s.git) for name, s in stages.items())
    blocks: list[Block] = [Notice("bad", sentence) for sentence in stale_stages(run)]
    blocks.append(Table("Stages of this run", ("Stage", "Finished", "Wall time", "Files", "Source version"), rows, 2))
    tools = {tool: {} for s in stages.values() for tool in s.tools}  # type: dict[str, dict[str, str]]
    for name, entry in stages.items():
        for tool, version in entry.tools.items():
            tools[tool][name] = version
    blocks.append(Table("Tools", ("Tool", "Version"), tuple((tool, _versions(found)) for tool, found in sorted(tools.items())), 2))
    for kind in ("inputs", "outputs"):
        files = tuple((name, file, bytes_digest(digest)) for name, s in stages.items() for file, digest in sorted(getattr(s, kind).items()))
        if files:
            blocks.append(Table(f"{kind.capitalize()} of every stage", ("Stage", "File", "sha256"), files, 3, folded=True))
    return Section("provenance", "Provenance", tuple(blocks))


def _versions(found: dict[str, str]) -> str:
    different = sorted(set(found.values()))
    return different[0] if len(different) == 1 else "; ".join(f"{version} ({stage})" for stage, version in found.items())
