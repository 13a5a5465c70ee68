-- Plays input.txt, an EMPv2 buffer file with LINKS links, into emp_payload and writes channel 0 of what comes out to
-- output.txt in the same format, without its head; then what IPbus reads at addresses 0 to 3 to registers.txt.

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use std.textio.all;

use work.ipbus.all;
use work.emp_data_types.all;
use work.emp_device_decl.all;
use work.emp_ttc_decl.all;
use work.emp_slink_types.all;

entity emp_bench is
end entity;

architecture bench of emp_bench is
    signal clk_p : std_logic := '0';
    signal rst_loc : std_logic_vector(N_REGION - 1 downto 0) := (others => '0');
    signal ipb_in : ipb_wbus := (ipb_addr => (others => '0'), ipb_wdata => (others => '0'), ipb_strobe => '0', ipb_write => '0');
    signal ipb_out : ipb_rbus;
    signal d, q : ldata(4 * N_REGION - 1 downto 0) := (others => LWORD_NULL);
begin
    payload : entity work.emp_payload
        port map (
            clk => '0', rst => '0', ipb_in => ipb_in, ipb_out => ipb_out, clk40 => '0', clk_payload => "000", rst_payload => "000",
            clk_p => clk_p, rst_loc => rst_loc, clken_loc => (others => '1'), ctrs => (0 => (l1a => '0')), bc0 => open, d => d, q => q,
            gpio => open, gpio_en => open, slink_q => open, backpressure => (others => '0')
        );

    process
        file inputs : text open read_mode is "input.txt";
        file outputs : text open write_mode is "output.txt";
        file registers : text open write_mode is "registers.txt";
        variable row, answer : line;
        variable prefix : string(1 to 12);
        variable gap : string(1 to 2);
        variable flags : std_logic_vector(3 downto 0);
        variable word : std_logic_vector(63 downto 0);
    begin
        for i in 1 to 4 loop
            readline(inputs, row);
        end loop;
        while not endfile(inputs) loop
            readline(inputs, row);
            read(row, prefix);
            for link in 0 to LINKS - 1 loop
                read(row, gap);
                read(row, flags);
                hread(row, word);
                d(link) <= (data => word, start_of_orbit => flags(3), start => flags(2), last => flags(1), valid => flags(0), strobe => '1');
            end loop;
            wait for 1 ns;
            write(answer, prefix & gap);
            write(answer, std_logic_vector'(q(0).start_of_orbit & q(0).start & q(0).last & q(0).valid));
            write(answer, string'(" "));
            hwrite(answer, q(0).data);
            writeline(outputs, answer);
            clk_p <= '1';
            wait for 1 ns;
            clk_p <= '0';
        end loop;
        for address in 0 to 3 loop
            ipb_in.ipb_addr <= std_logic_vector(to_unsigned(address, 32));
            ipb_in.ipb_strobe <= '1';
            wait for 1 ns;
            write(answer, ipb_out.ipb_ack);
            write(answer, ipb_out.ipb_err);
            write(answer, string'(" "));
            hwrite(answer, ipb_out.ipb_rdata);
            writeline(registers, answer);
        end loop;
        wait;
    end process;
end architecture;
