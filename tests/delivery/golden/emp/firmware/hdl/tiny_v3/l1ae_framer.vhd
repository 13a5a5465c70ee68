-- l1ae_framer: collects an event that arrives over several clocks and hands it on in one.
--
-- An event is WORDS words, LANES of them per valid clock ("beat"), hence ceil(WORDS / LANES) beats; word w comes in beat
-- w / LANES on lane w mod LANES. Lanes beyond the last word are ignored in the last beat.
--
-- generic    meaning
-- WORDS      words of an event, e.g. 19 objects
-- LANES      words of a beat, e.g. 3 objects per clock
-- WORD_BITS  bits of a word, e.g. 3 features of an object
--
-- port           dir  width            meaning
-- clk            in   1                all ports are synchronous to its rising edge
-- rst            in   1                synchronous, active high
-- in_valid       in   1                a beat; clocks without one are allowed anywhere
-- in_first       in   1                it is the first beat of an event; without meaning when in_valid is 0
-- in_words       in   LANES*WORD_BITS  lane 0 lowest
-- out_valid      out  1                registered; out_event is a complete event, for one clock
-- out_event      out  WORDS*WORD_BITS  registered; word 0 lowest. Without meaning when out_valid is 0.
-- framing_error  out  1                registered; an event was lost, for one clock
--
-- The last beat, taken at edge k, changes out_valid at edge k. The next event may follow in the next clock.
--
-- in_first before an event is complete: that event is dropped with one framing_error, and the new one begins. A beat
-- without in_first where an event must begin: a whole event's beats, or those up to the next in_first, are dropped with one
-- framing_error. Reset forgets the event that is being collected; its remaining beats then count as one without in_first.
-- There is no ready: what follows must take one event per ceil(WORDS / LANES) clocks.
--
-- VHDL-2008.

library ieee;
use ieee.std_logic_1164.all;

entity l1ae_framer is
    generic (
        WORDS     : positive := 19;
        LANES     : positive := 3;
        WORD_BITS : positive := 48
    );
    port (
        clk           : in  std_logic;
        rst           : in  std_logic;
        in_valid      : in  std_logic;
        in_first      : in  std_logic;
        in_words      : in  std_logic_vector(LANES * WORD_BITS - 1 downto 0);
        out_valid     : out std_logic := '0';
        out_event     : out std_logic_vector(WORDS * WORD_BITS - 1 downto 0) := (others => '0');
        framing_error : out std_logic := '0'
    );
end entity;

architecture rtl of l1ae_framer is
    constant BEATS : positive := (WORDS + LANES - 1) / LANES;

    signal next_beat : natural range 0 to BEATS - 1 := 0;
    signal beat      : natural range 0 to BEATS - 1;
    signal intact    : std_logic := '0';
    signal whole     : std_logic;
    signal lost      : std_logic;
begin
    -- The beat that is taken now, and whether all beats of its event were there.
    beat  <= 0 when in_first = '1' else next_beat;
    whole <= in_first when in_first = '1' or next_beat = 0 else intact;
    lost  <= '1' when (in_first = '1' and next_beat /= 0 and intact = '1') or (in_first = '0' and next_beat = 0) else '0';

    process (clk)
    begin
        if rising_edge(clk) then
            out_valid     <= '0';
            framing_error <= '0';
            if rst = '1' then
                next_beat <= 0;
                intact    <= '0';
            elsif in_valid = '1' then
                framing_error <= lost;
                intact        <= whole;
                if beat = BEATS - 1 then
                    next_beat <= 0;
                    out_valid <= whole;
                else
                    next_beat <= beat + 1;
                end if;
            end if;
        end if;
    end process;

    word_registers : for word in 0 to WORDS - 1 generate
        constant LANE : natural := word mod LANES;
    begin
        process (clk)
        begin
            if rising_edge(clk) then
                if in_valid = '1' and beat = word / LANES then
                    out_event((word + 1) * WORD_BITS - 1 downto word * WORD_BITS) <=
                        in_words((LANE + 1) * WORD_BITS - 1 downto LANE * WORD_BITS);
                end if;
            end if;
        end process;
    end generate;
end architecture;
