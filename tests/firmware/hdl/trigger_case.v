// The shell around a core that hands on its event as the score, through CORE_LATENCY registers without reset. Ports are
// 40 bits wide whatever SCORE_BITS is; the bits above are ignored and 0.

module trigger_case #(
    parameter SCORE_BITS = 8,
    parameter SCORE_SIGNED = 0,
    parameter CORE_LATENCY = 1,
    parameter [SCORE_BITS-1:0] DEFAULT_THRESHOLD = 0,
    parameter INTERVAL = 1
) (
    input  wire        clk,
    input  wire        rst,
    input  wire        in_valid,
    output wire        in_ready,
    output wire        accept,
    input  wire [39:0] in_event,
    input  wire        threshold_write,
    input  wire [39:0] threshold_in,
    output wire [39:0] threshold,
    output wire        out_valid,
    output wire [39:0] out_score,
    output wire        out_trigger
);

    wire [SCORE_BITS-1:0] stage[0:CORE_LATENCY];
    assign stage[0] = in_event[SCORE_BITS-1:0];

    genvar i;
    generate
        for (i = 0; i < CORE_LATENCY; i = i + 1) begin : stages
            reg [SCORE_BITS-1:0] value;
            always @(posedge clk) value <= stage[i];
            assign stage[i+1] = value;
        end
    endgenerate

    wire [SCORE_BITS-1:0] own_threshold, own_score;
    assign threshold = own_threshold;
    assign out_score = own_score;

    l1ae_trigger #(
        .SCORE_BITS(SCORE_BITS),
        .SCORE_SIGNED(SCORE_SIGNED),
        .CORE_LATENCY(CORE_LATENCY),
        .DEFAULT_THRESHOLD(DEFAULT_THRESHOLD),
        .INTERVAL(INTERVAL)
    ) shell (
        .clk(clk),
        .rst(rst),
        .in_valid(in_valid),
        .in_ready(in_ready),
        .accept(accept),
        .score(stage[CORE_LATENCY]),
        .threshold_write(threshold_write),
        .threshold_in(threshold_in[SCORE_BITS-1:0]),
        .threshold(own_threshold),
        .out_valid(out_valid),
        .out_score(own_score),
        .out_trigger(out_trigger)
    );

endmodule
