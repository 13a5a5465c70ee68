// l1ae_trigger: valid, reset, threshold and trigger bit around a combinational or pipelined score.
//
// The core computes a score from an event and knows nothing of valid and reset. This shell counts the clocks that the
// core needs, compares the score with the threshold and registers the outputs.
//
// parameter          meaning
// SCORE_BITS         width of the score and of the threshold, >= 1
// SCORE_SIGNED       1: both are in two's complement; 0: unsigned
// CORE_LATENCY       rising edges from an event at the core's input to its score at `score`, >= 0
// DEFAULT_THRESHOLD  the threshold after power-up and after reset
// INTERVAL           clocks between two events (II), >= 1
//
// port             dir  width       meaning
// clk              in   1           all ports are synchronous to its rising edge
// rst              in   1           synchronous, active high
// in_valid         in   1           an event is offered
// in_ready         out  1           an offered event is taken; always 1 for INTERVAL 1, else 0 for the INTERVAL - 1 clocks
//                                   after an accepted event. An event offered while it is 0 is not taken and not kept.
// accept           out  1           in_valid & in_ready & ~rst, combinational: the next edge takes the event. For the core.
// score            in   SCORE_BITS  from the core, not registered by it
// threshold_write  in   1           the next edge loads threshold_in
// threshold_in     in   SCORE_BITS  the new threshold
// threshold        out  SCORE_BITS  the threshold in use, registered
// out_valid        out  1           registered; an answer
// out_score        out  SCORE_BITS  registered; the score, 0 when out_valid is 0
// out_trigger      out  1           registered; score >= threshold, 0 when out_valid is 0
//
// An event taken at edge k changes the outputs at edge k + CORE_LATENCY and is compared with the value that `threshold` has
// before that edge. Reset wins over everything else: an edge with rst = 1 clears the outputs and forgets every event in
// flight, so that none of them is answered afterwards, and puts DEFAULT_THRESHOLD into the threshold.
//
// Verilog-2005.

`default_nettype none

module l1ae_trigger #(
    parameter SCORE_BITS = 16,
    parameter SCORE_SIGNED = 0,
    parameter CORE_LATENCY = 1,
    parameter [SCORE_BITS-1:0] DEFAULT_THRESHOLD = {SCORE_BITS{1'b1}},
    parameter INTERVAL = 1
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire                  in_valid,
    output wire                  in_ready,
    output wire                  accept,
    input  wire [SCORE_BITS-1:0] score,
    input  wire                  threshold_write,
    input  wire [SCORE_BITS-1:0] threshold_in,
    output reg  [SCORE_BITS-1:0] threshold,
    output reg                   out_valid,
    output reg  [SCORE_BITS-1:0] out_score,
    output reg                   out_trigger
);

    assign accept = in_valid & in_ready & ~rst;

    generate
        if (INTERVAL == 1) begin : always_ready
            assign in_ready = 1'b1;
        end else begin : paced
            localparam WAIT_BITS = $clog2(INTERVAL);
            localparam [31:0] LAST_WAIT = INTERVAL - 1;
            reg [WAIT_BITS-1:0] wait_clocks;
            initial wait_clocks = 0;
            assign in_ready = wait_clocks == 0;
            always @(posedge clk)
                if (rst) wait_clocks <= 0;
                else if (accept) wait_clocks <= LAST_WAIT[WAIT_BITS-1:0];
                else if (wait_clocks != 0) wait_clocks <= wait_clocks - 1'b1;
        end
    endgenerate

    // One bit per edge that the core still needs; the event whose score is at `score` now is `scored`.
    wire scored;
    generate
        if (CORE_LATENCY == 0) begin : combinational
            assign scored = accept;
        end else begin : pipelined
            reg  [CORE_LATENCY-1:0] in_flight;
            wire [CORE_LATENCY:0] advanced = {in_flight, accept};
            initial in_flight = 0;
            assign scored = advanced[CORE_LATENCY];
            always @(posedge clk)
                if (rst) in_flight <= 0;
                else in_flight <= advanced[CORE_LATENCY-1:0];
        end
    endgenerate

    wire passes = SCORE_SIGNED != 0 ? $signed(score) >= $signed(threshold) : score >= threshold;

    initial begin
        threshold = DEFAULT_THRESHOLD;
        out_valid = 1'b0;
        out_score = 0;
        out_trigger = 1'b0;
    end

    always @(posedge clk)
        if (rst) threshold <= DEFAULT_THRESHOLD;
        else if (threshold_write) threshold <= threshold_in;

    always @(posedge clk)
        if (rst || !scored) begin
            out_valid <= 1'b0;
            out_score <= 0;
            out_trigger <= 1'b0;
        end else begin
            out_valid <= 1'b1;
            out_score <= score;
            out_trigger <= passes;
        end

endmodule

`default_nettype wire
