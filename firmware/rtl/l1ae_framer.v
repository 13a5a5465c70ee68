// l1ae_framer: collects an event that arrives over several clocks and hands it on in one.
//
// An event is WORDS words, LANES of them per valid clock ("beat"), hence ceil(WORDS / LANES) beats; word w comes in beat
// w / LANES on lane w % LANES. Lanes beyond the last word are ignored in the last beat.
//
// parameter  meaning
// WORDS      words of an event, e.g. 19 objects
// LANES      words of a beat, e.g. 3 objects per clock
// WORD_BITS  bits of a word, e.g. 3 features of an object
//
// port           dir  width            meaning
// clk            in   1                all ports are synchronous to its rising edge
// rst            in   1                synchronous, active high
// in_valid       in   1                a beat; clocks without one are allowed anywhere
// in_first       in   1                it is the first beat of an event; without meaning when in_valid is 0
// in_words       in   LANES*WORD_BITS  lane 0 lowest
// out_valid      out  1                registered; out_event is a complete event, for one clock
// out_event      out  WORDS*WORD_BITS  registered; word 0 lowest. Without meaning when out_valid is 0.
// framing_error  out  1                registered; an event was lost, for one clock
//
// The last beat, taken at edge k, changes out_valid at edge k. The next event may follow in the next clock.
//
// in_first before an event is complete: that event is dropped with one framing_error, and the new one begins. A beat
// without in_first where an event must begin: a whole event's beats, or those up to the next in_first, are dropped with one
// framing_error. Reset forgets the event that is being collected; its remaining beats then count as one without in_first.
// There is no ready: what follows must take one event per ceil(WORDS / LANES) clocks.
//
// Verilog-2005.

`default_nettype none

module l1ae_framer #(
    parameter WORDS = 19,
    parameter LANES = 3,
    parameter WORD_BITS = 48
) (
    input  wire                       clk,
    input  wire                       rst,
    input  wire                       in_valid,
    input  wire                       in_first,
    input  wire [LANES*WORD_BITS-1:0] in_words,
    output reg                        out_valid,
    output reg  [WORDS*WORD_BITS-1:0] out_event,
    output reg                        framing_error
);

    localparam BEATS = (WORDS + LANES - 1) / LANES;
    localparam BEAT_BITS = $clog2(BEATS + 1);
    localparam [31:0] LAST_BEAT = BEATS - 1;

    reg [BEAT_BITS-1:0] next_beat;
    reg intact;

    // The beat that is taken now, and whether all beats of its event were there.
    wire restart = in_first || next_beat == 0;
    wire [BEAT_BITS-1:0] beat = restart ? {BEAT_BITS{1'b0}} : next_beat;
    wire whole = restart ? in_first : intact;
    wire last = beat == LAST_BEAT[BEAT_BITS-1:0];
    wire lost = in_first ? next_beat != 0 && intact : next_beat == 0;

    initial begin
        next_beat = 0;
        intact = 1'b0;
        out_valid = 1'b0;
        out_event = 0;
        framing_error = 1'b0;
    end

    always @(posedge clk)
        if (rst) begin
            next_beat <= 0;
            intact <= 1'b0;
            out_valid <= 1'b0;
            framing_error <= 1'b0;
        end else begin
            out_valid <= in_valid && last && whole;
            framing_error <= in_valid && lost;
            if (in_valid) begin
                next_beat <= last ? {BEAT_BITS{1'b0}} : beat + 1'b1;
                intact <= whole;
            end
        end

    genvar word;
    generate
        for (word = 0; word < WORDS; word = word + 1) begin : words
            localparam [31:0] OWN_BEAT = word / LANES;
            always @(posedge clk)
                if (in_valid && beat == OWN_BEAT[BEAT_BITS-1:0])
                    out_event[word*WORD_BITS+:WORD_BITS] <= in_words[(word%LANES)*WORD_BITS+:WORD_BITS];
        end
    endgenerate

endmodule

`default_nettype wire
