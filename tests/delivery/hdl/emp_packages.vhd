-- For tests only: the names of emp-fwk and ipbus-firmware that a payload uses, so that it can be compiled without them.
-- Nothing here is the framework's code, and the records have only what is used here.

library ieee;
use ieee.std_logic_1164.all;

package emp_data_types is
    constant LWORD_WIDTH : integer := 64;
    type lword is record
        data           : std_logic_vector(LWORD_WIDTH - 1 downto 0);
        valid          : std_logic;
        start          : std_logic;
        start_of_orbit : std_logic;
        last           : std_logic;
        strobe         : std_logic;
    end record;
    type ldata is array (natural range <>) of lword;
    constant LWORD_NULL : lword := (data => (others => '0'), strobe => '1', others => '0');
end package;

library ieee;
use ieee.std_logic_1164.all;

package ipbus is
    type ipb_wbus is record
        ipb_addr   : std_logic_vector(31 downto 0);
        ipb_wdata  : std_logic_vector(31 downto 0);
        ipb_strobe : std_logic;
        ipb_write  : std_logic;
    end record;
    type ipb_rbus is record
        ipb_rdata : std_logic_vector(31 downto 0);
        ipb_ack   : std_logic;
        ipb_err   : std_logic;
    end record;
end package;

package emp_project_decl is
    constant PAYLOAD_LATENCY : integer := 0;
end package;

package emp_device_decl is
    constant N_REGION : integer := 2;
end package;

library ieee;
use ieee.std_logic_1164.all;

package emp_ttc_decl is
    type ttc_stuff_t is record
        l1a : std_logic;
    end record;
    type ttc_stuff_array is array (natural range <>) of ttc_stuff_t;
end package;

library ieee;
use ieee.std_logic_1164.all;

package emp_slink_types is
    constant SLINK_MAX_QUADS : integer := 1;
    type slink_input_data_array is array (3 downto 0) of std_logic_vector(7 downto 0);
    type slink_input_data_quad_array is array (natural range <>) of slink_input_data_array;
    constant SLINK_INPUT_DATA_ARRAY_NULL : slink_input_data_array := (others => (others => '0'));
end package;
