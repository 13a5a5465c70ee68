// out = (in0 + in1 * 2**SHIFT1) >> DROP_LSBS, or the difference for IS_SUB 1, the lowest BW_OUT bits of it.
//
// One carry chain whatever the shift. alkaid's module of this name and these ports, in the place of which it stands, takes the bits of a
// subtracted term that lie below the other one apart and gives their borrow to a sum of three terms: two levels of LUTs more.
module shift_adder #(
    parameter BW_INPUT0 = 1,  // bits of in0
    parameter BW_INPUT1 = 1,  // bits of in1
    parameter SIGNED0   = 0,  // 1: in0 is in two's complement
    parameter SIGNED1   = 0,  // 1: in1 is in two's complement
    parameter BW_OUT    = 1,  // bits of out
    parameter DROP_LSBS = 0,  // lowest bits of the result that are left out
    parameter SHIFT1    = 0,  // binary point of in1 against that of in0; below 0: in0 is shifted
    parameter IS_SUB    = 0   // 1: in0 - in1
) (
    input  wire [BW_INPUT0-1:0] in0,
    input  wire [BW_INPUT1-1:0] in1,
    output wire [   BW_OUT-1:0] out
);
  localparam WIDTH = BW_OUT + DROP_LSBS;
  localparam LOW = (SHIFT1 < 0) ? -SHIFT1 : SHIFT1;
  localparam UP0 = (SHIFT1 < 0) ? LOW : 0;
  localparam UP1 = (SHIFT1 < 0) ? 0 : LOW;
  // Wide enough for every part, so that nothing has to be cut before it is extended.
  localparam FULL = WIDTH + BW_INPUT0 + BW_INPUT1 + LOW;

  wire sign0 = (SIGNED0 != 0) & in0[BW_INPUT0-1];
  wire sign1 = (SIGNED1 != 0) & in1[BW_INPUT1-1];

  // verilator lint_off UNUSEDSIGNAL
  wire [FULL-1:0] term0 = {{(FULL - BW_INPUT0) {sign0}}, in0} << UP0;
  wire [FULL-1:0] term1 = {{(FULL - BW_INPUT1) {sign1}}, in1} << UP1;
  wire [WIDTH-1:0] total;
  // verilator lint_on UNUSEDSIGNAL

  // Bits below the shifted term are those of the other one; only where it is subtracted do they borrow.
  localparam COPIED = (IS_SUB != 0 && SHIFT1 < 0) ? 0 : (LOW < WIDTH) ? LOW : WIDTH;
  localparam APART = IS_SUB == 0 && ((SHIFT1 >= BW_INPUT0 && SIGNED0 == 0) || (-SHIFT1 >= BW_INPUT1 && SIGNED1 == 0));

  generate
    if (APART) begin : beside
      assign total = term0[WIDTH-1:0] | term1[WIDTH-1:0];
    end else begin : chain
      if (COPIED > 0) begin : below
        assign total[COPIED-1:0] = (SHIFT1 < 0) ? term1[COPIED-1:0] : term0[COPIED-1:0];
      end
      if (COPIED < WIDTH) begin : above
        if (IS_SUB != 0) begin : minus
          assign total[WIDTH-1:COPIED] = term0[WIDTH-1:COPIED] - term1[WIDTH-1:COPIED];
        end else begin : plus
          assign total[WIDTH-1:COPIED] = term0[WIDTH-1:COPIED] + term1[WIDTH-1:COPIED];
        end
      end
    end
  endgenerate

  assign out = total[WIDTH-1:DROP_LSBS];
endmodule
