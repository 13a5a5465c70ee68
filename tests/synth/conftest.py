import pytest

from l1ae.synth import part_of, synthesise

VERILOG = """
module add(input clk, input [7:0] a, input [7:0] b, output reg [8:0] s);
  always @(posedge clk) s <= a + b;
endmodule
module and6(input [5:0] a, output y);
  assign y = &a;
endmodule
module pair(input a, input b, input c, output x, output y);
  assign x = a & b & c;
  assign y = a ^ b ^ c;
endmodule
module xor7(input [6:0] a, output y);
  assign y = ^a;
endmodule
module multiply(input [7:0] a, input [7:0] b, output [15:0] p);
  assign p = a * b;
endmodule
module blocks(input clk, input [7:0] a, input [7:0] b, input [6:0] x, input [5:0] z, input [2:0] t,
              output [8:0] s, output q, output y, output n, output m);
  add adder(clk, a, b, s);
  xor7 parity(x, q);
  and6 all(z, y);
  pair twins(t[0], t[1], t[2], n, m);
endmodule
"""


@pytest.fixture(scope="session")
def part():
    return part_of("xcvu9p")


@pytest.fixture(scope="session")
def blocks(part):
    return synthesise({"blocks.v": VERILOG}, "blocks", part, dsp=False, memory_gb=4, cache=None)
