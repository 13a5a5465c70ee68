-- l1ae_trigger: valid, reset, threshold and trigger bit around a combinational or pipelined score.
--
-- The core computes a score from an event and knows nothing of valid and reset. This shell counts the clocks that the
-- core needs, compares the score with the threshold and registers the outputs.
--
-- generic            meaning
-- SCORE_BITS         width of the score and of the threshold
-- SCORE_SIGNED       1: both are in two's complement; 0: unsigned
-- CORE_LATENCY       rising edges from an event at the core's input to its score at `score`
-- DEFAULT_THRESHOLD  the threshold after power-up and after reset, SCORE_BITS bits, e.g. x"1f40"
-- INTERVAL           clocks between two events (II)
--
-- port             dir  width       meaning
-- clk              in   1           all ports are synchronous to its rising edge
-- rst              in   1           synchronous, active high
-- in_valid         in   1           an event is offered
-- in_ready         out  1           an offered event is taken; always 1 for INTERVAL 1, else 0 for the INTERVAL - 1 clocks
--                                   after an accepted event. An event offered while it is 0 is not taken and not kept.
-- accept           out  1           in_valid and in_ready and not rst, combinational: the next edge takes the event. For the core.
-- score            in   SCORE_BITS  from the core, not registered by it
-- threshold_write  in   1           the next edge loads threshold_in
-- threshold_in     in   SCORE_BITS  the new threshold
-- threshold        out  SCORE_BITS  the threshold in use, registered
-- out_valid        out  1           registered; an answer
-- out_score        out  SCORE_BITS  registered; the score, 0 when out_valid is 0
-- out_trigger      out  1           registered; score >= threshold, 0 when out_valid is 0
--
-- An event taken at edge k changes the outputs at edge k + CORE_LATENCY and is compared with the value that `threshold` has
-- before that edge. Reset wins over everything else: an edge with rst = 1 clears the outputs and forgets every event in
-- flight, so that none of them is answered afterwards, and puts DEFAULT_THRESHOLD into the threshold.
--
-- VHDL-2008.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity l1ae_trigger is
    generic (
        SCORE_BITS        : positive := 16;
        SCORE_SIGNED      : natural range 0 to 1 := 0;
        CORE_LATENCY      : natural := 1;
        DEFAULT_THRESHOLD : std_logic_vector;
        INTERVAL          : positive := 1
    );
    port (
        clk             : in  std_logic;
        rst             : in  std_logic;
        in_valid        : in  std_logic;
        in_ready        : out std_logic;
        accept          : out std_logic;
        score           : in  std_logic_vector(SCORE_BITS - 1 downto 0);
        threshold_write : in  std_logic;
        threshold_in    : in  std_logic_vector(SCORE_BITS - 1 downto 0);
        threshold       : out std_logic_vector(SCORE_BITS - 1 downto 0);
        out_valid       : out std_logic := '0';
        out_score       : out std_logic_vector(SCORE_BITS - 1 downto 0) := (others => '0');
        out_trigger     : out std_logic := '0'
    );
end entity;

architecture rtl of l1ae_trigger is
    constant RESET_THRESHOLD : std_logic_vector(SCORE_BITS - 1 downto 0) := DEFAULT_THRESHOLD;

    signal limit       : std_logic_vector(SCORE_BITS - 1 downto 0) := RESET_THRESHOLD;
    signal wait_clocks : natural range 0 to INTERVAL - 1 := 0;
    signal ready       : std_logic;
    signal accepted    : std_logic;
    signal scored      : std_logic;

    function passes(code, least : std_logic_vector) return std_logic is
        variable yes : boolean;
    begin
        if SCORE_SIGNED = 1 then
            yes := signed(code) >= signed(least);
        else
            yes := unsigned(code) >= unsigned(least);
        end if;
        if yes then
            return '1';
        end if;
        return '0';
    end function;
begin
    accepted  <= in_valid and ready and not rst;
    accept    <= accepted;
    in_ready  <= ready;
    threshold <= limit;

    always_ready : if INTERVAL = 1 generate
        ready <= '1';
    end generate;

    paced : if INTERVAL > 1 generate
        ready <= '1' when wait_clocks = 0 else '0';
        process (clk)
        begin
            if rising_edge(clk) then
                if rst = '1' then
                    wait_clocks <= 0;
                elsif accepted = '1' then
                    wait_clocks <= INTERVAL - 1;
                elsif wait_clocks /= 0 then
                    wait_clocks <= wait_clocks - 1;
                end if;
            end if;
        end process;
    end generate;

    -- One bit per edge that the core still needs; the event whose score is at `score` now is `scored`.
    combinational : if CORE_LATENCY = 0 generate
        scored <= accepted;
    end generate;

    pipelined : if CORE_LATENCY > 0 generate
        signal in_flight : std_logic_vector(CORE_LATENCY - 1 downto 0) := (others => '0');
        signal advanced  : std_logic_vector(CORE_LATENCY downto 0);
    begin
        advanced <= in_flight & accepted;
        scored   <= advanced(CORE_LATENCY);
        process (clk)
        begin
            if rising_edge(clk) then
                if rst = '1' then
                    in_flight <= (others => '0');
                else
                    in_flight <= advanced(CORE_LATENCY - 1 downto 0);
                end if;
            end if;
        end process;
    end generate;

    process (clk)
    begin
        if rising_edge(clk) then
            if rst = '1' then
                limit <= RESET_THRESHOLD;
            elsif threshold_write = '1' then
                limit <= threshold_in;
            end if;
        end if;
    end process;

    process (clk)
    begin
        if rising_edge(clk) then
            if rst = '1' or scored = '0' then
                out_valid   <= '0';
                out_score   <= (others => '0');
                out_trigger <= '0';
            else
                out_valid   <= '1';
                out_score   <= score;
                out_trigger <= passes(score, limit);
            end if;
        end if;
    end process;
end architecture;
