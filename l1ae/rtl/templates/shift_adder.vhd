-- result = (in0 + in1 * 2**SHIFT1) >> DROP_LSBS, or the difference for IS_SUB 1, the lowest BW_OUT bits of it.
--
-- One carry chain whatever the shift. alkaid's entity of this name and these ports, in the place of which it stands, takes the bits of
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
  -- Wide enough for every part, so that nothing has to be cut before it is extended.
  constant FULL  : positive := WIDTH + BW_INPUT0 + BW_INPUT1 + abs SHIFT1;

  function term(bits : std_logic_vector; is_signed : natural; shift : natural) return unsigned is
  begin
    if is_signed /= 0 then
      return shift_left(unsigned(resize(signed(bits), FULL)), shift);
    end if;
    return shift_left(resize(unsigned(bits), FULL), shift);
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

  signal term0, term1 : unsigned(FULL - 1 downto 0);
  signal total        : unsigned(WIDTH - 1 downto 0);
begin
  term0 <= term(in0, SIGNED0, maximum(-SHIFT1, 0));
  term1 <= term(in1, SIGNED1, maximum(SHIFT1, 0));

  beside : if apart generate
    total <= term0(WIDTH - 1 downto 0) or term1(WIDTH - 1 downto 0);
  end generate;

  chain : if not apart generate
    below : if copied > 0 generate
      from_in0 : if SHIFT1 > 0 generate
        total(copied - 1 downto 0) <= term0(copied - 1 downto 0);
      end generate;
      from_in1 : if SHIFT1 < 0 generate
        total(copied - 1 downto 0) <= term1(copied - 1 downto 0);
      end generate;
    end generate;
    above : if copied < WIDTH generate
      minus : if IS_SUB /= 0 generate
        total(WIDTH - 1 downto copied) <= term0(WIDTH - 1 downto copied) - term1(WIDTH - 1 downto copied);
      end generate;
      plus : if IS_SUB = 0 generate
        total(WIDTH - 1 downto copied) <= term0(WIDTH - 1 downto copied) + term1(WIDTH - 1 downto copied);
      end generate;
    end generate;
  end generate;

  result <= std_logic_vector(total(WIDTH - 1 downto DROP_LSBS));
end architecture rtl;
