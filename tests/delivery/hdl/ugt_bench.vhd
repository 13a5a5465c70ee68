-- Plays the crossings of vectors.txt, a uGT test-vector file, into WRAPPER and writes what is at its outputs after every
-- edge to answers.txt: valid, trigger, working points and score as binary digits, version and digest as hexadecimal ones.

library ieee;
use ieee.std_logic_1164.all;
use std.textio.all;

use work.l1ae_ugt_pkg.all;
use work.NAME_pkg.all;

entity ugt_bench is
end entity;

architecture bench of ugt_bench is
    signal lhc_clk : std_logic := '0';
    signal mu : l1ae_muons := (others => (others => '0'));
    signal eg, tau, jet : l1ae_calos := (others => (others => '0'));
    type sums_t is array (0 to 5) of l1ae_sum;
    signal sums : sums_t := (others => (others => '0'));
    signal score : std_logic_vector(SCORE_WIDTH - 1 downto 0);
    signal valid, trigger : std_logic;
    signal points : std_logic_vector(WORKING_POINTS - 1 downto 0);
    signal version : std_logic_vector(31 downto 0);
    signal digest : std_logic_vector(63 downto 0);
begin
    wrapper : entity work.WRAPPER
        port map (
            lhc_clk => lhc_clk, mu => mu, eg => eg, jet => jet, tau => tau,
            ett => sums(0), htt => sums(1), etm => sums(2), htm => sums(3), etmhf => sums(4), htmhf => sums(5),
            anomaly_score => score, anomaly_score_valid => valid, trigger => trigger, working_points => points,
            model_version => version, model_digest => digest
        );

    process
        file vectors : text open read_mode is "vectors.txt";
        file answers : text open write_mode is "answers.txt";
        variable row, answer : line;
        variable index : string(1 to 4);
        variable long : std_logic_vector(63 downto 0);
        variable short : std_logic_vector(31 downto 0);
    begin
        while not endfile(vectors) loop
            readline(vectors, row);
            read(row, index);
            for i in mu'range loop
                hread(row, long);
                mu(i) <= long;
            end loop;
            for i in eg'range loop
                hread(row, short);
                eg(i) <= short;
            end loop;
            for i in tau'range loop
                hread(row, short);
                tau(i) <= short;
            end loop;
            for i in jet'range loop
                hread(row, short);
                jet(i) <= short;
            end loop;
            for i in sums'range loop
                hread(row, short);
                sums(i) <= short;
            end loop;
            wait for 12.5 ns;
            lhc_clk <= '1';
            wait for 12.5 ns;
            lhc_clk <= '0';
            write(answer, valid);
            write(answer, trigger);
            write(answer, string'(" "));
            write(answer, points);
            write(answer, string'(" "));
            write(answer, score);
            write(answer, string'(" "));
            hwrite(answer, version);
            write(answer, string'(" "));
            hwrite(answer, digest);
            writeline(answers, answer);
        end loop;
        wait;
    end process;
end architecture;
