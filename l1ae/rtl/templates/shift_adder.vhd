-- result = (in0 + in1 * 2**SHIFT1) >> DROP_LSBS, or the difference for IS_SUB 1, the lowest BW_OUT bits of it.
--
-- One carry chain whatever the shift, and one process without signals of its own, which simulators evaluate once per change of a port.
-- alkaid's entity of this name and these ports, in the place of which it stands, takes the bits of
-- a subtracted term that lie below the other one apart and decides by them between two differences.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity shift_adder is
  generic (
    BW_INPUT0 : positive := 1;  -- bits of in0
    BW_INPUT1 : positive := 1;  -- bits of in1
    SIGNED0   : natural  := 0;  -- 1: in0 is in two's complement
    SIGNED1   : natural  := 0;  -- 1: in1 is in two's complement
    BW_OUT    : positive := 1;  -- bits of result
    DROP_LSBS : natural  := 0;  -- lowest bits that are left out
    SHIFT1    : integer  := 0;  -- binary point of in1 against that of in0; below 0: in0 is shifted
    IS_SUB    : natural  := 0   -- 1: in0 - in1
  );
  port (
    in0    : in  std_logic_vector(BW_INPUT0 - 1 downto 0);
    in1    : in  std_logic_vector(BW_INPUT1 - 1 downto 0);
    result : out std_logic_vector(BW_OUT - 1 downto 0)
  );
end entity shift_adder;

architecture rtl of shift_adder is
  constant WIDTH : positive := BW_OUT + DROP_LSBS;

  -- The lowest WIDTH bits of bits * 2**shift.
  function term(bits : std_logic_vector; is_signed : natural; shift : natural) return unsigned is
    constant TAKEN : integer := minimum(bits'length, WIDTH - shift);
    variable found : unsigned(WIDTH - 1 downto 0) := (others => '0');
  begin
    if TAKEN > 0 then
      found(shift + TAKEN - 1 downto shift) := unsigned(bits(TAKEN - 1 downto 0));
      if is_signed /= 0 and WIDTH > shift + TAKEN then
        found(WIDTH - 1 downto shift + TAKEN) := (others => bits(bits'high));
      end if;
    end if;
    return found;
  end function;

  -- Bits below the shifted term are those of the other one; only where it is subtracted do they borrow.
  function copied return natural is
  begin
    if IS_SUB /= 0 and SHIFT1 < 0 then
      return 0;
    end if;
    return minimum(abs SHIFT1, WIDTH);
  end function;

  function apart return boolean is
  begin
    return IS_SUB = 0 and ((SHIFT1 >= BW_INPUT0 and SIGNED0 = 0) or (-SHIFT1 >= BW_INPUT1 and SIGNED1 = 0));
  end function;

  function total(bits0, bits1 : std_logic_vector) return unsigned is
    constant TERM0 : unsigned(WIDTH - 1 downto 0) := term(bits0, SIGNED0, maximum(-SHIFT1, 0));
    constant TERM1 : unsigned(WIDTH - 1 downto 0) := term(bits1, SIGNED1, maximum(SHIFT1, 0));
    variable found : unsigned(WIDTH - 1 downto 0);
  begin
    if apart then
      return TERM0 or TERM1;
    end if;
    if copied > 0 and SHIFT1 > 0 then
      found(copied - 1 downto 0) := TERM0(copied - 1 downto 0);
    elsif copied > 0 then
      found(copied - 1 downto 0) := TERM1(copied - 1 downto 0);
    end if;
    if copied < WIDTH then
      if IS_SUB /= 0 then
        found(WIDTH - 1 downto copied) := TERM0(WIDTH - 1 downto copied) - TERM1(WIDTH - 1 downto copied);
      else
        found(WIDTH - 1 downto copied) := TERM0(WIDTH - 1 downto copied) + TERM1(WIDTH - 1 downto copied);
      end if;
    end if;
    return found;
  end function;
begin
  combine : process (in0, in1)
    variable found : unsigned(WIDTH - 1 downto 0);
  begin
    found := total(in0, in1);
    result <= std_logic_vector(found(WIDTH - 1 downto DROP_LSBS));
  end process;
end architecture rtl;
