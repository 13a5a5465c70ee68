// Parts of the cores of folded designs, whose events come at least II clocks apart.
//
// No state outlives an event: `load`, `first` and the clocks after them overwrite all of it. So nothing but the chain of
// pulses needs a reset, and an event that a reset cut off cannot disturb the next one.
//
// l1ae_pulses       pulses[k] is `start`, k clocks ago
// l1ae_delay        CLOCKS registers in a row; taps: the input in the lowest WIDTH bits, then one register after the other
// l1ae_hold         keeps the word of the clock with load = 1
// l1ae_unload       takes a word when load = 1 and shifts it down by STEP bits per clock; in two's complement if SIGNED
// l1ae_collect      word: the last STEPS slices, the oldest in the lowest bits, the present one (not registered) in the highest
// l1ae_select       keeps STEPS slices when load = 1 and gives out one per clock, the first one two clocks later
// l1ae_digit_shift  times 2**SHIFT: digits (least significant first) of DIGIT bits; first = 1 with the lowest digit
// l1ae_digit_adder  a * 2**SHIFT_A +- b * 2**SHIFT_B, one digit per clock, one clock later
//
// Digit-serial arithmetic: R. Hartley, P. Corbett, "Digit-serial processing techniques", IEEE Trans. Circuits and
// Systems 37 (1990) 707.
//
// Verilog-2005.

`default_nettype none

module l1ae_pulses #(
    parameter CLOCKS = 1
) (
    input  wire            clk,
    input  wire            rst,
    input  wire            start,
    output wire [CLOCKS:0] pulses
);
    reg [CLOCKS-1:0] past;
    initial past = 0;
    assign pulses = {past, start & ~rst};
    always @(posedge clk)
        if (rst) past <= 0;
        else past <= pulses[CLOCKS-1:0];
endmodule

module l1ae_delay #(
    parameter WIDTH = 1,
    parameter CLOCKS = 1
) (
    input  wire                        clk,
    input  wire [WIDTH-1:0]            d,
    output wire [WIDTH*(CLOCKS+1)-1:0] taps
);
    reg [WIDTH*CLOCKS-1:0] past;
    assign taps = {past, d};
    always @(posedge clk) past <= taps[WIDTH*CLOCKS-1:0];
endmodule

module l1ae_hold #(
    parameter WIDTH = 1
) (
    input  wire             clk,
    input  wire             load,
    input  wire [WIDTH-1:0] d,
    output reg  [WIDTH-1:0] q
);
    always @(posedge clk) if (load) q <= d;
endmodule

module l1ae_unload #(
    parameter WIDTH = 2,
    parameter STEP = 1,
    parameter SIGNED = 0
) (
    input  wire             clk,
    input  wire             load,
    input  wire [WIDTH-1:0] d,
    output reg  [WIDTH-1:0] q
);
    wire fill = SIGNED != 0 ? q[WIDTH-1] : 1'b0;
    wire [WIDTH+STEP-1:0] extended = {{STEP{fill}}, q};
    always @(posedge clk) q <= load ? d : extended[WIDTH+STEP-1:STEP];
endmodule

module l1ae_collect #(
    parameter STEP = 1,
    parameter STEPS = 2
) (
    input  wire                  clk,
    input  wire [STEP-1:0]       d,
    output wire [STEP*STEPS-1:0] word
);
    generate
        if (STEPS == 1) begin : one
            assign word = d;
        end else begin : many
            reg [STEP*(STEPS-1)-1:0] past;
            assign word = {d, past};
            always @(posedge clk) past <= word[STEP*STEPS-1:STEP];
        end
    endgenerate
endmodule

module l1ae_select #(
    parameter STEP = 1,
    parameter STEPS = 2
) (
    input  wire                  clk,
    input  wire                  load,
    input  wire [STEP*STEPS-1:0] d,
    output reg  [STEP-1:0]       q
);
    localparam BITS = STEPS > 1 ? $clog2(STEPS) : 1;
    reg [STEP*STEPS-1:0] kept;
    reg [BITS-1:0] phase;
    always @(posedge clk) begin
        if (load) kept <= d;
        phase <= load ? 0 : phase + 1'b1;
        q <= kept[phase*STEP +: STEP];
    end
endmodule

module l1ae_digit_shift #(
    parameter DIGIT = 1,
    parameter SHIFT = 0
) (
    input  wire             clk,
    input  wire             first,
    input  wire [DIGIT-1:0] d,
    output wire [DIGIT-1:0] q
);
    generate
        if (SHIFT == 0) begin : straight
            assign q = d;
        end else begin : shifted
            reg  [SHIFT-1:0] past;
            wire [SHIFT+DIGIT-1:0] bits = {d, first ? {SHIFT{1'b0}} : past};
            assign q = bits[DIGIT-1:0];
            always @(posedge clk) past <= bits[SHIFT+DIGIT-1:DIGIT];
        end
    endgenerate
endmodule

module l1ae_digit_adder #(
    parameter DIGIT = 1,
    parameter SHIFT_A = 0,
    parameter SHIFT_B = 0,
    parameter SUBTRACT = 0
) (
    input  wire             clk,
    input  wire             first,
    input  wire [DIGIT-1:0] a,
    input  wire [DIGIT-1:0] b,
    output reg  [DIGIT-1:0] sum
);
    wire [DIGIT-1:0] shifted_a, shifted_b;
    l1ae_digit_shift #(.DIGIT(DIGIT), .SHIFT(SHIFT_A)) shift_a (.clk(clk), .first(first), .d(a), .q(shifted_a));
    l1ae_digit_shift #(.DIGIT(DIGIT), .SHIFT(SHIFT_B)) shift_b (.clk(clk), .first(first), .d(b), .q(shifted_b));
    wire [DIGIT-1:0] term = SUBTRACT != 0 ? ~shifted_b : shifted_b;
    reg  carry;
    wire carry_in = first ? SUBTRACT != 0 : carry;
    wire [DIGIT:0] total = {1'b0, shifted_a} + {1'b0, term} + {{DIGIT{1'b0}}, carry_in};
    always @(posedge clk) begin
        sum <= total[DIGIT-1:0];
        carry <= total[DIGIT];
    end
endmodule

`default_nettype wire
