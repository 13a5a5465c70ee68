-- The shell around a core that hands on its event as the score, through CORE_LATENCY registers without reset. Ports are
-- 40 bits wide whatever SCORE_BITS is; the bits above are ignored and 0.

library ieee;
use ieee.std_logic_1164.all;

entity trigger_case is
    generic (
        SCORE_BITS        : positive;
        SCORE_SIGNED      : natural;
        CORE_LATENCY      : natural;
        DEFAULT_THRESHOLD : std_logic_vector;
        INTERVAL          : positive
    );
    port (
        clk             : in  std_logic;
        rst             : in  std_logic;
        in_valid        : in  std_logic;
        in_ready        : out std_logic;
        accept          : out std_logic;
        in_event        : in  std_logic_vector(39 downto 0);
        threshold_write : in  std_logic;
        threshold_in    : in  std_logic_vector(39 downto 0);
        threshold       : out std_logic_vector(39 downto 0) := (others => '0');
        out_valid       : out std_logic;
        out_score       : out std_logic_vector(39 downto 0) := (others => '0');
        out_trigger     : out std_logic
    );
end entity;

architecture bench of trigger_case is
    type stage_list is array (0 to CORE_LATENCY) of std_logic_vector(SCORE_BITS - 1 downto 0);
    signal stage         : stage_list;
    signal own_threshold : std_logic_vector(SCORE_BITS - 1 downto 0);
    signal own_score     : std_logic_vector(SCORE_BITS - 1 downto 0);
begin
    stage(0) <= in_event(SCORE_BITS - 1 downto 0);

    stages : for i in 1 to CORE_LATENCY generate
        stage(i) <= stage(i - 1) when rising_edge(clk);
    end generate;

    threshold <= (39 downto SCORE_BITS => '0') & own_threshold;
    out_score <= (39 downto SCORE_BITS => '0') & own_score;

    shell : entity work.l1ae_trigger
        generic map (
            SCORE_BITS        => SCORE_BITS,
            SCORE_SIGNED      => SCORE_SIGNED,
            CORE_LATENCY      => CORE_LATENCY,
            DEFAULT_THRESHOLD => DEFAULT_THRESHOLD,
            INTERVAL          => INTERVAL
        )
        port map (
            clk             => clk,
            rst             => rst,
            in_valid        => in_valid,
            in_ready        => in_ready,
            accept          => accept,
            score           => stage(CORE_LATENCY),
            threshold_write => threshold_write,
            threshold_in    => threshold_in(SCORE_BITS - 1 downto 0),
            threshold       => own_threshold,
            out_valid       => out_valid,
            out_score       => own_score,
            out_trigger     => out_trigger
        );
end architecture;
