"""A design written by hand, with the ports of every generated one and a score that needs no network."""

import numpy as np

from l1ae.contract import Contract, Dense, HardwareInput, Preprocess, Quantize, Threshold
from l1ae.inputs import FixedFormat
from l1ae.rtl import RtlProject
from l1ae.rtl._firmware import firmware_source
from l1ae.rtl_results import Design

WEIGHTS, OFFSET, SHIFT, BIAS = (5, -3, 7), (4, -9, 0), (0, 1, 2), 11
THRESHOLD = 1500
INPUT_BITS, SCORE_BITS = 11, 17


def toy_contract(threshold: int = THRESHOLD) -> Contract:
    """`sum(weight * ((input - offset) >> shift)) + bias`, a signed score; three inputs of which the last is never negative."""
    form, everywhere = FixedFormat.parse("fixed<12,12>"), np.ones(3, bool)
    low, high = np.array([-1024, -1024, 0]), np.full(3, 1023)
    score = FixedFormat.parse(f"fixed<{SCORE_BITS},15,TRN,SAT>")
    codes = {"weights": np.array(WEIGHTS)[:, None], "bias": np.array([BIAS])}
    formats = {"weight_format": FixedFormat.parse("fixed<5,3>"), "bias_format": FixedFormat.parse("fixed<6,4>")}
    return Contract(
        "toy_v1",
        (
            HardwareInput(name="hw", inputs=(), format=FixedFormat(True, INPUT_BITS, INPUT_BITS), size=3, low=low, high=high),
            Preprocess(
                name="inputs",
                inputs=("hw",),
                format=form,
                size=3,
                offset=np.array(OFFSET),
                shift=np.array(SHIFT),
                present=everywhere,
                gate=np.full(3, -1),
                work=form,
            ),
            Dense(name="sum", inputs=("inputs",), format=FixedFormat.parse("fixed<18,16>"), size=1, **codes, **formats),
            Quantize(name="score", inputs=("sum",), format=score, size=1),
            Threshold(name="trigger", inputs=("score",), format=FixedFormat.parse("ufixed<1,1>"), size=1, threshold=threshold),
        ),
    )


# Three stages: the inputs, the terms, and the output register of the shell.
_VERILOG = """
module toy_v1(
    input wire clk, input wire rst, input wire in_valid, output wire in_ready, input wire [32:0] in_event,
    input wire threshold_write, input wire [16:0] threshold_in, output wire [16:0] threshold,
    output wire out_valid, output wire [16:0] out_score, output wire out_trigger
);
    reg [32:0] event_r;
    always @(posedge clk) event_r <= in_event;
    wire signed [11:0] x0 = $signed(event_r[10:0]) - 12'sd4;
    wire signed [11:0] x1 = ($signed(event_r[21:11]) + 12'sd9) >>> 1;
    wire signed [11:0] x2 = $signed(event_r[32:22]) >>> 2;
    reg signed [17:0] t0, t1, t2;
    always @(posedge clk) begin
        t0 <= x0 * 18'sd5;
        t1 <= x1 * -18'sd3;
        t2 <= x2 * 18'sd7 + 18'sd11;
    end
    wire signed [17:0] score = t0 + t1 + t2;
    wire accept;
    l1ae_trigger #(.SCORE_BITS(17), .SCORE_SIGNED(1), .CORE_LATENCY(2), .DEFAULT_THRESHOLD(17'd1500), .INTERVAL(@INTERVAL@)) shell (
        .clk(clk), .rst(rst), .in_valid(in_valid), .in_ready(in_ready), .accept(accept), .score(score[16:0]),
        .threshold_write(threshold_write), .threshold_in(threshold_in), .threshold(threshold),
        .out_valid(out_valid), .out_score(out_score), .out_trigger(out_trigger)
    );
endmodule
"""

_VHDL = """
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity toy_v1 is
    port (
        clk, rst, in_valid : in std_logic; in_ready : out std_logic; in_event : in std_logic_vector(32 downto 0);
        threshold_write : in std_logic; threshold_in : in std_logic_vector(16 downto 0);
        threshold : out std_logic_vector(16 downto 0); out_valid : out std_logic;
        out_score : out std_logic_vector(16 downto 0); out_trigger : out std_logic
    );
end entity;

architecture rtl of toy_v1 is
    signal event_r : std_logic_vector(32 downto 0);
    signal t0, t1, t2, sum : signed(17 downto 0);
begin
    process (clk)
        variable x0, x1, x2 : signed(11 downto 0);
    begin
        if rising_edge(clk) then
            event_r <= in_event;
            x0 := resize(signed(event_r(10 downto 0)), 12) - 4;
            x1 := shift_right(resize(signed(event_r(21 downto 11)), 12) + 9, 1);
            x2 := shift_right(resize(signed(event_r(32 downto 22)), 12), 2);
            t0 <= resize(x0 * 5, 18);
            t1 <= resize(x1 * (-3), 18);
            t2 <= resize(x2 * 7, 18) + 11;
        end if;
    end process;
    sum <= t0 + t1 + t2;
    shell : entity work.l1ae_trigger
        generic map (SCORE_BITS => 17, SCORE_SIGNED => 1, CORE_LATENCY => 2,
                     DEFAULT_THRESHOLD => std_logic_vector(to_signed(1500, 17)), INTERVAL => @INTERVAL@)
        port map (
            clk => clk, rst => rst, in_valid => in_valid, in_ready => in_ready, accept => open, score => std_logic_vector(sum(16 downto 0)),
            threshold_write => threshold_write, threshold_in => threshold_in, threshold => threshold,
            out_valid => out_valid, out_score => out_score, out_trigger => out_trigger
        );
end architecture;
"""


def toy_project(interval: int = 1) -> RtlProject:
    """The toy in both languages, around the shell in `firmware/`."""
    design = Design(
        name="toy_v1",
        inputs=3,
        input_bits=INPUT_BITS,
        score_bits=SCORE_BITS,
        score_signed=True,
        score_fraction=2,
        threshold=THRESHOLD,
        latency=2,
        interval=interval,
        clock_period=2.78,
        part="xcvu13p-flga2577-2-e",
        digest=toy_contract().digest,
    )
    files = {f"src/l1ae_trigger.{kind}": firmware_source(f"l1ae_trigger.{kind}") for kind in ("v", "vhd")}
    files |= {f"src/toy_v1.{kind}": text.replace("@INTERVAL@", str(interval)) for kind, text in (("v", _VERILOG), ("vhd", _VHDL))}
    verilog, vhdl = (tuple(name for name in files if name.endswith(kind)) for kind in (".v", ".vhd"))
    return RtlProject(design, files, verilog, vhdl)
