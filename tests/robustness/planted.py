"""Faults drawn at random: one change of one text of a project, of one kind each. The seed says which."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Change = Callable[[re.Match[str], np.random.Generator], str]


@dataclass(frozen=True)
class Rule:
    """Faults of one kind: a match of `pattern` in one of `files` (a glob) becomes what `change` makes of it."""

    kind: str
    files: str
    pattern: str
    change: Change


@dataclass(frozen=True)
class Fault:
    """`old` at `place` of a file becomes `new`."""

    kind: str
    file: str
    place: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.file}, character {self.place}: '{self.old}' becomes '{self.new}'"

    def plant(self, folder: Path) -> None:
        path = folder / self.file
        text = path.read_text()
        assert text[self.place :].startswith(self.old)
        path.write_text(text[: self.place] + self.new + text[self.place + len(self.old) :])


def draw(folder: Path, rules: tuple[Rule, ...], per_rule: int, seed: int) -> Iterator[Fault]:
    """At most `per_rule` different faults of each rule, drawn from every place where it applies."""
    for number, rule in enumerate(rules):
        rng = np.random.default_rng([seed, number])
        texts = {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.glob(rule.files))}
        places = [(file, match) for file, text in texts.items() for match in re.finditer(rule.pattern, text)]
        assert places, rule
        found: set[Fault] = set()
        for index in rng.permutation(len(places)).tolist() * 4:
            file, match = places[index]
            new = rule.change(match, rng)
            if new != match[0] and len(found) < per_rule:
                found.add(Fault(rule.kind, file, match.start(), match[0], new))
        yield from sorted(found, key=str)


def step(*sizes: float) -> Change:
    """A number plus or minus one of some sizes."""

    def change(match: re.Match[str], rng: np.random.Generator) -> str:
        return f"{float(match[0]) + rng.choice([-1, 1]) * rng.choice(sizes):g}"

    return change


def bit(match: re.Match[str], rng: np.random.Generator) -> str:
    """Another bit in a text of bits."""
    k = int(rng.integers(len(match[0])))
    return match[0][:k] + "10"[int(match[0][k])] + match[0][k + 1 :]


def one_of(*texts: str) -> Change:
    """One of some texts."""
    return lambda match, rng: str(rng.choice(texts))


def digit(match: re.Match[str], rng: np.random.Generator) -> str:
    """Another decimal digit in a number."""
    k = int(rng.choice([k for k, character in enumerate(match[0]) if character.isdigit()]))
    return match[0][:k] + str((int(match[0][k]) + int(rng.integers(1, 10))) % 10) + match[0][k + 1 :]


def hexadecimal(match: re.Match[str], rng: np.random.Generator) -> str:
    """Another hexadecimal digit at the end of a number."""
    return match[0][:-1] + f"{(int(match[0][-1], 16) + int(rng.integers(1, 16))) % 16:x}"


def moved(match: re.Match[str], rng: np.random.Generator) -> str:
    """A slice of bits one place lower, or one higher where it is the lowest."""
    high, low = int(match[1]), int(match[2])
    by = -1 if low else 1
    return match[0].replace(f"({high} downto {low})", f"({high + by} downto {low + by})")


_ENTRY = r"(?<=[{ ])-?\d+(?:\.\d+)?(?=[,}])"
HLS_CONSTANTS = (
    Rule("weight", "firmware/weights/w3.h", _ENTRY, step(0.125, 0.25, 0.5)),
    Rule("weight", "firmware/weights/b3.h", _ENTRY, step(0.125, 0.25, 1)),
    Rule("shift", "firmware/weights/shift2.h", _ENTRY, step(1)),
    Rule("shift", "firmware/weights/offset2.h", _ENTRY, step(1, 2)),
    Rule("table entry", "firmware/weights/table5.h", _ENTRY, step(0.25, 1)),
    Rule("threshold", "firmware/weights/threshold8.h", _ENTRY, step(0.25, 0.5, 4)),
)
HLS_TYPES = (
    Rule("rounding", "firmware/defines.h", r"AP_RND_CONV(?=[^;]*layer)", one_of("AP_TRN", "AP_RND", "AP_RND_ZERO")),
    Rule("rounding", "firmware/defines.h", r"AP_SAT(?=[^;]*layer)", one_of("AP_WRAP")),
    Rule("width", "firmware/defines.h", r"(?<=fixed<)\d+(?=,\d+[^;]*> (?:layer\d_t|enc_(?:accum|weight|bias)_t|\w+work_t);)", step(1)),
    Rule("width", "firmware/defines.h", r"(?<=,)\d+(?=(?:,AP\w+,AP\w+,0)?> (?:layer\d_t|enc_(?:accum|weight|bias)_t|\w+work_t);)", step(1)),
)

_STAGES = "vhdl/small_v1_stage*.vhd"
RTL = (
    Rule("weight", _STAGES, r'(?<=in1=>")[01]+(?=")', bit),
    Rule("weight", _STAGES, r"(?<=IS_SUB=>)[01]", bit),
    Rule("shift", _STAGES, r"(?<=SHIFT1=>)-?\d+", step(1)),
    Rule("rounding", _STAGES, r"or_reduce\(v\d+\)", one_of("'0'", "'1'")),
    Rule("rounding", _STAGES, r"(?<=SUBOP=>)[012]", lambda match, rng: str((int(match[0]) + int(rng.integers(1, 3))) % 3)),
    Rule("width", _STAGES, r"(?<=<= )v\d+\((\d+) downto ([1-9]\d*)\)", moved),
    Rule("table entry", "vhdl/tables.vhd", r'(?<=outp <= ")[01]+(?=")', bit),
    Rule("threshold", "vhdl/small_v1.vhd", r'(?<=DEFAULT_THRESHOLD => ")[01]+(?=")', bit),
    Rule("threshold", "vhdl/l1ae_trigger.vhd", r"(?<=yes := unsigned\(code\) )>=", one_of(">", "<=", "=")),
)

RESETS = (
    # '0' would be no fault here: with registers in the core an event that is accepted during reset enters none of them
    Rule("reset", "vhdl/l1ae_trigger.vhd", r"(?<=not )rst(?=;)", one_of("'1'", "in_valid")),
    Rule("reset", "vhdl/l1ae_trigger.vhd", r"rst = '1'(?= then\n\s+in_flight)", one_of("false", "rst = '0'", "scored = '1'")),
    Rule("reset", "vhdl/l1ae_trigger.vhd", r"rst = '1'(?= then\n\s+limit)", one_of("false", "rst = '0'", "in_valid = '1'")),
    Rule(
        "reset",
        "vhdl/l1ae_trigger.vhd",
        r"RESET_THRESHOLD(?=;\n\s+elsif threshold_write)",
        one_of("limit", "threshold_in", "(others => '0')"),
    ),
    Rule("reset", "vhdl/l1ae_trigger.vhd", r"rst = '1'(?= or scored = '0')", one_of("false", "rst = '0'")),
)

# What a delivered folder says of itself, and is compared with the contract in it, whatever checksums it states.
EMULATOR = (
    Rule("threshold", "tiny_v3/interface/tiny_v3_model.h", r"(?<=THRESHOLD = )\d+", digit),
    Rule("width", "tiny_v3/interface/tiny_v3_model.h", r"(?<=SCORE_TYPE\[\] = \"ap_ufixed<)\d+", digit),
    Rule("rounding", "tiny_v3/interface/tiny_v3_model.h", r"AP_SAT", one_of("AP_WRAP", "AP_SAT_SYM")),
    Rule("shift", "tiny_v3/interface/tiny_v3_scales.h", r"(?<=    \{)[\d.]+, -?\d(?=, (?:true|false), )", digit),
    Rule("answer", "tiny_v3/test/events.txt", r"(?<= )\d+ [01](?=\n)", digit),
)
GLOBAL_TRIGGER = (
    Rule("threshold", "firmware/hdl/tiny_v3/tiny_v3_pkg.vhd", r"(?<= => )\d+(?=,? +--)", digit),
    Rule("threshold", "firmware/hdl/tiny_v3/tiny_v3_pkg.vhd", r"(?<=MODEL_THRESHOLD : integer := )\d+", digit),
    Rule("answer", "vectors/TestVector_tiny_v3_000_score.txt", r"(?<=\n\d{4} )[0-9a-f]{4}[0-9a-f]", hexadecimal),
    Rule("answer", "vectors/TestVector_tiny_v3_000.txt", r"(?<= )[01](?=\n)", bit),
)
BOARD = (Rule("answer", "buffers/tiny_v3_000_out.txt", r"(?<= 0111 )[0-9a-f]{16}", hexadecimal),)

# What only checksums know: weights are compared where they are compiled, rates are measured and not computed.
SUMMED = (
    Rule("weight", "tiny_v3/firmware/weights/w3.h", _ENTRY, step(0.125)),
    Rule("threshold", "tiny_v3/firmware/weights/threshold*.h", _ENTRY, step(0.0625)),
    Rule("rounding", "tiny_v3/firmware/defines.h", r"AP_RND_CONV", one_of("AP_TRN", "AP_RND")),
    Rule("pure rate", "tiny_v3/interface/tiny_v3_model.h", r"[\d.]+(?=\},\n)", digit),
    Rule("raw rate", "tiny_v3/interface/tiny_v3_model.h", r"[\d.]+(?=, [\d.]+\},\n)", digit),
)
RATES = (Rule("pure rate", "trigger/working_points.json", r'(?<="pure_khz": )[\d.]+', digit),)
