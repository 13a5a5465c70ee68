# Commands of Vivado HLS and Vitis HLS that the script uses. Vitis HLS after UG1399, editions 2020.2, 2022.1, 2023.1, 2023.2, 2025.1
# and 2025.2; that it has no `config_array_partition -maximum_size` is also what its message HLS 200-642 says. Vivado HLS 2020.1, whose
# reference (UG902) was not at hand, as hls4ml's script for it and other public scripts use it.

describe open_project {1 1} {
    -reset  flag
}
describe set_top {1 1} {}
describe add_files {1 1} {
    -tb         flag
    -cflags     word
    -csimflags  word
    -blackbox   word
}
describe open_solution {1 1} {
    -reset        flag
    -flow_target  enum:vivado|vitis  2020.2 -
}
describe set_part {1 1} {}
describe create_clock {0 0} {
    -name    word
    -period  word
}
describe set_clock_uncertainty {1 2} {}
describe config_array_partition {0 0} {
    -maximum_size        integer        - 2020.1
    -complete_threshold  integer        2023.1 -
    -throughput_driven   enum:off|auto  2023.1 -
}
describe config_compile {0 0} {
    -name_max_length  integer
}
describe config_schedule {0 0} {
    -enable_dsp_full_reg  boolean
}
describe csim_design {0 0} {
    -O                   flag
    -argv                word
    -clean               flag
    -ldflags             word
    -mflags              word  - 2023.2
    -profile             flag  2023.1 2023.2
    -sanitize_address    flag  2025.1 -
    -sanitize_undefined  flag  2025.1 -
    -setup               flag
}
describe csynth_design {0 0} {}
describe cosim_design {0 0} {
    -O                          flag
    -argv                       word
    -compiled_library_dir       word
    -coverage                   flag
    -ldflags                    word
    -mflags                     word
    -rtl                        enum:verilog|vhdl
    -setup                      flag
    -tool                       word
    -trace_level                enum:none|all|port|port_hier
    -wave_debug                 flag
    -disable_deadlock_detection flag  2023.1 -
    -random_stall               flag  2023.1 -
    -enable_dataflow_profiling  flag  2023.1 -
}
describe export_design {0 0} {
    -description   word
    -display_name  word
    -evaluate      enum:verilog|vhdl              - 2020.1
    -flow          enum:syn|impl                  2020.2 -
    -format        enum:ip_catalog|xo|syn_dcp|sysgen|impl_dcp
    -ipname        word
    -library       word
    -output        output                         2020.2 -
    -rtl           enum:verilog|vhdl
    -vendor        word
    -version       word
}

set solution ""

proc effect::open_project {given words} {
    done project [lindex $words 0]
    if {[dict exists $given -reset]} {
        file delete -force [lindex $words 0]
    }
    file mkdir [lindex $words 0]
    done test_bench 0
}

proc effect::set_top {given words} {
    need project "set_top: there is no project"
    done top [lindex $words 0]
}

proc effect::add_files {given words} {
    need project "add_files: there is no project"
    foreach file [lindex $words 0] {
        if {![file exists $file]} {
            error "add_files: there is no '$file'"
        }
        if {[dict exists $given -cflags] && [dict get $given -cflags] ni {"-std=c++0x" "-std=c++0x -DRTL_SIM"}} {
            error "add_files: the compiler does not take '[dict get $given -cflags]'"
        }
        if {[file extension $file] eq ".cpp"} {
            done [expr {[dict exists $given -tb] ? "bench_source" : "design_source"}]
        }
        done file,[file tail $file]
    }
}

proc effect::open_solution {given words} {
    global solution
    need project "open_solution: there is no project"
    set solution [file join [known project] [lindex $words 0]]
    file mkdir $solution
    done solution
}

foreach name {config_array_partition config_compile config_schedule} {
    proc effect::$name {given words} {
        need solution "configured before there is a solution"
        if {[dict size $given] == 0} {
            error "a configuration of nothing"
        }
    }
}

proc effect::set_part {given words} {
    need solution "set_part: there is no solution"
    record::check set_part part [lindex $words 0]
    done part
}

proc effect::create_clock {given words} {
    need solution "create_clock: there is no solution"
    record::check create_clock positive [dict get $given -period]
    done clock [dict get $given -name]
}

proc effect::set_clock_uncertainty {given words} {
    record::check set_clock_uncertainty percentage [lindex $words 0]
    if {[llength $words] > 1 && [lindex $words 1] ne [known clock]} {
        error "set_clock_uncertainty: there is no clock '[lindex $words 1]'"
    }
    done uncertainty
}

# What a test bench leaves: one line for each expected one.
proc bench_results {path how} {
    set stream [open tb_data/tb_output_predictions.dat r]
    set lines [split [string trim [read $stream]] \n]
    close $stream
    switch -- $how {
        silent {return}
        short {set lines [lrange $lines 1 end]}
        differ {set lines [lreplace $lines end end "0 0 0"]}
    }
    write $path [join $lines \n]
}

proc effect::csim_design {given words} {
    global scenario
    foreach {key what} {top "no top" design_source "no source" bench_source "no test bench" file,tb_data "no test vectors" \
        file,weights "no weights"} {
        need $key "csim_design: $what"
    }
    bench_results tb_data/csim_results.log $scenario(csim)
    if {$scenario(csim) eq "fail"} {
        error "ERROR: \[SIM 211-100\] CSim failed with errors."
    }
}

proc effect::csynth_design {given words} {
    global scenario solution
    foreach key {top design_source part clock uncertainty} {
        need $key "csynth_design: $key is missing"
    }
    if {$scenario(csynth) eq "fail"} {
        error "ERROR: \[HLS 200-70\] Pre-synthesis failed."
    }
    write $solution/syn/report/csynth.xml "<profile><PerformanceEstimates><SummaryOfOverallLatency>
<Best-caseLatency>1</Best-caseLatency><Worst-caseLatency>$scenario(latency)</Worst-caseLatency>
<Interval-min>1</Interval-min><Interval-max>$scenario(interval)</Interval-max>
</SummaryOfOverallLatency></PerformanceEstimates></profile>"
}

proc synthesised {command} {
    global solution
    if {![file exists $solution/syn/report/csynth.xml]} {
        error "$command: nothing was synthesised"
    }
}

proc effect::cosim_design {given words} {
    global scenario solution
    synthesised cosim_design
    need bench_source "cosim_design: no test bench"
    bench_results tb_data/rtl_cosim_results.log $scenario(cosim)
    set status [expr {$scenario(cosim) in {fail says_fail} ? "Fail" : "Pass"}]
    write $solution/sim/report/[known top]_cosim.rpt "|      VHDL|        NA|\n|   Verilog|      $status|                1|"
    if {$scenario(cosim) eq "fail"} {
        error "ERROR: \[COSIM 212-4\] *** C/RTL co-simulation finished: FAIL ***"
    }
}

proc effect::export_design {given words} {
    global scenario solution
    synthesised export_design
    if {![dict exists $given -format] || [dict get $given -format] ne "ip_catalog"} {
        error "export_design: not for the IP catalog"
    }
    if {![regexp {^\d+\.\d+(\.\d+)?$} [dict get $given -version]]} {
        error "export_design: '[dict get $given -version]' is no version of an IP"
    }
    if {$scenario(export) eq "fail"} {
        error "ERROR: '2211221234' is an invalid argument. Please specify an integer value."
    }
    if {$scenario(export) ne "pass"} {
        return
    }
    set top [known top]
    write $solution/impl/ip/component.xml "<spirit:component/>"
    write $solution/impl/ip/hdl/verilog/$top.v "module $top (\n  input ap_clk,\n  input ap_rst,\n  input \[3:0\] hw,\n  output \[1:0\] score\n);\nendmodule"
    write $solution/impl/ip/hdl/verilog/${top}_table.dat "0"
    write $solution/impl/ip/hdl/vhdl/$top.vhd \
        "entity $top is port (\n  ap_clk : IN STD_LOGIC;\n  ap_rst : IN STD_LOGIC;\n  hw : IN STD_LOGIC;\n  score : OUT STD_LOGIC );\nend;"
}
