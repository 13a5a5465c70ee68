-- Parts of the cores of folded designs, whose events come at least II clocks apart.
--
-- No state outlives an event: `load`, `first` and the clocks after them overwrite all of it. So nothing but the chain of
-- pulses needs a reset, and an event that a reset cut off cannot disturb the next one.
--
-- l1ae_pulses       pulses(k) is `start`, k clocks ago
-- l1ae_delay        CLOCKS registers in a row; taps: the input in the lowest WIDTH bits, then one register after the other
-- l1ae_hold         keeps the word of the clock with load = 1
-- l1ae_unload       takes a word when load = 1 and shifts it down by STEP bits per clock; in two's complement if SIGNED
-- l1ae_collect      word: the last STEPS slices, the oldest in the lowest bits, the present one (not registered) in the highest
-- l1ae_select       keeps STEPS slices when load = 1 and gives out one per clock, the first one two clocks later
-- l1ae_digit_shift  times 2**SHIFT: digits (least significant first) of DIGIT bits; first = 1 with the lowest digit
-- l1ae_digit_adder  a * 2**SHIFT_A +- b * 2**SHIFT_B, one digit per clock, one clock later
--
-- Digit-serial arithmetic: R. Hartley, P. Corbett, "Digit-serial processing techniques", IEEE Trans. Circuits and
-- Systems 37 (1990) 707.
--
-- VHDL-2008.

library ieee;
use ieee.std_logic_1164.all;

entity l1ae_pulses is
    generic (CLOCKS : positive := 1);
    port (
        clk    : in  std_logic;
        rst    : in  std_logic;
        start  : in  std_logic;
        pulses : out std_logic_vector(CLOCKS downto 0)
    );
end entity l1ae_pulses;

architecture rtl of l1ae_pulses is
    signal past : std_logic_vector(CLOCKS - 1 downto 0) := (others => '0');
    signal all_pulses : std_logic_vector(CLOCKS downto 0);
begin
    all_pulses <= past & (start and not rst);
    pulses <= all_pulses;
    process (clk)
    begin
        if rising_edge(clk) then
            if rst = '1' then
                past <= (others => '0');
            else
                past <= all_pulses(CLOCKS - 1 downto 0);
            end if;
        end if;
    end process;
end architecture rtl;

library ieee;
use ieee.std_logic_1164.all;

entity l1ae_delay is
    generic (WIDTH : positive := 1; CLOCKS : positive := 1);
    port (
        clk  : in  std_logic;
        d    : in  std_logic_vector(WIDTH - 1 downto 0);
        taps : out std_logic_vector(WIDTH * (CLOCKS + 1) - 1 downto 0)
    );
end entity l1ae_delay;

architecture rtl of l1ae_delay is
    signal past : std_logic_vector(WIDTH * CLOCKS - 1 downto 0);
    signal present : std_logic_vector(WIDTH * (CLOCKS + 1) - 1 downto 0);
begin
    present <= past & d;
    taps <= present;
    process (clk)
    begin
        if rising_edge(clk) then
            past <= present(WIDTH * CLOCKS - 1 downto 0);
        end if;
    end process;
end architecture rtl;

library ieee;
use ieee.std_logic_1164.all;

entity l1ae_hold is
    generic (WIDTH : positive := 1);
    port (
        clk  : in  std_logic;
        load : in  std_logic;
        d    : in  std_logic_vector(WIDTH - 1 downto 0);
        q    : out std_logic_vector(WIDTH - 1 downto 0)
    );
end entity l1ae_hold;

architecture rtl of l1ae_hold is
begin
    process (clk)
    begin
        if rising_edge(clk) then
            if load = '1' then
                q <= d;
            end if;
        end if;
    end process;
end architecture rtl;

library ieee;
use ieee.std_logic_1164.all;

entity l1ae_unload is
    generic (WIDTH : positive := 2; STEP : positive := 1; SIGNED : natural := 0);
    port (
        clk  : in  std_logic;
        load : in  std_logic;
        d    : in  std_logic_vector(WIDTH - 1 downto 0);
        q    : out std_logic_vector(WIDTH - 1 downto 0)
    );
end entity l1ae_unload;

architecture rtl of l1ae_unload is
    signal kept : std_logic_vector(WIDTH - 1 downto 0);
    signal fill : std_logic_vector(STEP - 1 downto 0);
    signal extended : std_logic_vector(WIDTH + STEP - 1 downto 0);
begin
    fill <= (others => kept(WIDTH - 1)) when SIGNED /= 0 else (others => '0');
    extended <= fill & kept;
    q <= kept;
    process (clk)
    begin
        if rising_edge(clk) then
            if load = '1' then
                kept <= d;
            else
                kept <= extended(WIDTH + STEP - 1 downto STEP);
            end if;
        end if;
    end process;
end architecture rtl;

library ieee;
use ieee.std_logic_1164.all;

entity l1ae_collect is
    generic (STEP : positive := 1; STEPS : positive := 2);
    port (
        clk  : in  std_logic;
        d    : in  std_logic_vector(STEP - 1 downto 0);
        word : out std_logic_vector(STEP * STEPS - 1 downto 0)
    );
end entity l1ae_collect;

architecture rtl of l1ae_collect is
begin
    one : if STEPS = 1 generate
        word <= d;
    end generate;
    many : if STEPS > 1 generate
        signal past : std_logic_vector(STEP * (STEPS - 1) - 1 downto 0);
        signal present : std_logic_vector(STEP * STEPS - 1 downto 0);
    begin
        present <= d & past;
        word <= present;
        process (clk)
        begin
            if rising_edge(clk) then
                past <= present(STEP * STEPS - 1 downto STEP);
            end if;
        end process;
    end generate;
end architecture rtl;

library ieee;
use ieee.std_logic_1164.all;

entity l1ae_select is
    generic (STEP : positive := 1; STEPS : positive := 2);
    port (
        clk  : in  std_logic;
        load : in  std_logic;
        d    : in  std_logic_vector(STEP * STEPS - 1 downto 0);
        q    : out std_logic_vector(STEP - 1 downto 0)
    );
end entity l1ae_select;

architecture rtl of l1ae_select is
    signal kept : std_logic_vector(STEP * STEPS - 1 downto 0);
    signal phase : natural range 0 to STEPS - 1 := 0;
begin
    process (clk)
    begin
        if rising_edge(clk) then
            if load = '1' then
                kept <= d;
                phase <= 0;
            elsif phase < STEPS - 1 then
                phase <= phase + 1;
            end if;
            for k in 0 to STEPS - 1 loop
                if phase = k then
                    q <= kept(STEP * (k + 1) - 1 downto STEP * k);
                end if;
            end loop;
        end if;
    end process;
end architecture rtl;

library ieee;
use ieee.std_logic_1164.all;

entity l1ae_digit_shift is
    generic (DIGIT : positive := 1; SHIFT : natural := 0);
    port (
        clk   : in  std_logic;
        first : in  std_logic;
        d     : in  std_logic_vector(DIGIT - 1 downto 0);
        q     : out std_logic_vector(DIGIT - 1 downto 0)
    );
end entity l1ae_digit_shift;

architecture rtl of l1ae_digit_shift is
begin
    straight : if SHIFT = 0 generate
        q <= d;
    end generate;
    shifted : if SHIFT > 0 generate
        signal past : std_logic_vector(SHIFT - 1 downto 0);
        signal present : std_logic_vector(SHIFT - 1 downto 0);
        signal bits : std_logic_vector(SHIFT + DIGIT - 1 downto 0);
    begin
        present <= (others => '0') when first = '1' else past;
        bits <= d & present;
        q <= bits(DIGIT - 1 downto 0);
        process (clk)
        begin
            if rising_edge(clk) then
                past <= bits(SHIFT + DIGIT - 1 downto DIGIT);
            end if;
        end process;
    end generate;
end architecture rtl;

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity l1ae_digit_adder is
    generic (DIGIT : positive := 1; SHIFT_A : natural := 0; SHIFT_B : natural := 0; SUBTRACT : natural := 0);
    port (
        clk   : in  std_logic;
        first : in  std_logic;
        a     : in  std_logic_vector(DIGIT - 1 downto 0);
        b     : in  std_logic_vector(DIGIT - 1 downto 0);
        sum   : out std_logic_vector(DIGIT - 1 downto 0)
    );
end entity l1ae_digit_adder;

architecture rtl of l1ae_digit_adder is
    signal shifted_a, shifted_b, term : std_logic_vector(DIGIT - 1 downto 0);
    signal carry : std_logic;
    signal carry_in : unsigned(0 downto 0);
    signal total : unsigned(DIGIT downto 0);
begin
    shift_a_unit : entity work.l1ae_digit_shift
        generic map (DIGIT => DIGIT, SHIFT => SHIFT_A)
        port map (clk => clk, first => first, d => a, q => shifted_a);
    shift_b_unit : entity work.l1ae_digit_shift
        generic map (DIGIT => DIGIT, SHIFT => SHIFT_B)
        port map (clk => clk, first => first, d => b, q => shifted_b);
    term <= not shifted_b when SUBTRACT /= 0 else shifted_b;
    carry_in(0) <= carry when first = '0' else '1' when SUBTRACT /= 0 else '0';
    total <= resize(unsigned(shifted_a), DIGIT + 1) + resize(unsigned(term), DIGIT + 1) + carry_in;
    process (clk)
    begin
        if rising_edge(clk) then
            sum <= std_logic_vector(total(DIGIT - 1 downto 0));
            carry <= total(DIGIT);
        end if;
    end process;
end architecture rtl;
