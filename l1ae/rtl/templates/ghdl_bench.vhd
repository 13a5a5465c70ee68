-- Bench of the RTL simulation: drives the ports cycle by cycle as cycles.txt says and writes what they show to shows.txt.
-- A line of cycles.txt: rst, in_valid, threshold_write, threshold_in, in_event, as binary digits without spaces.
-- A line of shows.txt: in_ready, out_valid, out_trigger, out_score, threshold.
library ieee;
use ieee.std_logic_1164.all;
use std.textio.all;

entity l1ae_bench is
end entity;

architecture bench of l1ae_bench is
  constant EVENT_BITS : positive := $event_bits;
  constant SCORE_BITS : positive := $score_bits;
  constant PERIOD : time := 10 ns;
  signal clk, rst, in_valid, in_ready, threshold_write, out_valid, out_trigger : std_logic := '0';
  signal in_event : std_logic_vector(EVENT_BITS - 1 downto 0) := (others => '0');
  signal threshold_in, threshold, out_score : std_logic_vector(SCORE_BITS - 1 downto 0);
begin
  dut : entity work.$name
    port map (
      clk => clk, rst => rst, in_valid => in_valid, in_ready => in_ready, in_event => in_event,
      threshold_write => threshold_write, threshold_in => threshold_in, threshold => threshold,
      out_valid => out_valid, out_score => out_score, out_trigger => out_trigger
    );

  process
    file cycles : text open read_mode is "cycles.txt";
    file shows : text open write_mode is "shows.txt";
    variable from_file, to_file : line;
    variable drive : bit_vector(0 to EVENT_BITS + SCORE_BITS + 2);
    variable ready : std_logic;
    variable shown : std_logic_vector(0 to 2 * SCORE_BITS + 2);
  begin
    while not endfile(cycles) loop
      readline(cycles, from_file);
      read(from_file, drive);
      clk <= '0';
      rst <= to_stdulogic(drive(0));
      in_valid <= to_stdulogic(drive(1));
      threshold_write <= to_stdulogic(drive(2));
      threshold_in <= to_stdlogicvector(drive(3 to SCORE_BITS + 2));
      in_event <= to_stdlogicvector(drive(SCORE_BITS + 3 to EVENT_BITS + SCORE_BITS + 2));
      wait for PERIOD / 2;
      ready := in_ready;
      clk <= '1';
      wait for PERIOD / 2;
      shown := ready & out_valid & out_trigger & out_score & threshold;
      write(to_file, shown);
      writeline(shows, to_file);
    end loop;
    wait;
  end process;
end architecture;
