# C simulation, C synthesis, cosimulation and export of the HLS project in the current folder, a copy of hls/ that run.sh made.
# For Vivado HLS 2020.1 and Vitis HLS 2023.1 and later. options.tcl says which of them this is (generation) and what to do (steps).
# A script of vitis-run gets no arguments, and neither generation needs any.

set scripts [file dirname [file normalize [info script]]]
source [file join $scripts checks.tcl]
source [file join $scripts .. settings.tcl]
source options.tcl

# The order is hls4ml's, which is known to work in both generations.
proc prepare {reset} {
    global project generation hls_part hls_clock_period hls_clock_uncertainty
    if {$reset} {
        open_project -reset ${project}_prj
    } else {
        open_project ${project}_prj
    }
    set_top $project
    add_files firmware/$project.cpp -cflags "-std=c++0x"
    add_files -tb ${project}_test.cpp -cflags "-std=c++0x"
    add_files -tb firmware/weights
    add_files -tb tb_data
    switch -- $generation {
        vivado_hls {
            open_solution solution1
            # hls4ml's limit, above the tool's own. Vitis HLS has none, and refuses the option.
            config_array_partition -maximum_size 4096
        }
        vitis_hls - vitis_run {
            open_solution -flow_target vivado solution1
        }
        default {
            error "generation must be vivado_hls, vitis_hls or vitis_run, not '$generation'"
        }
    }
    config_compile -name_max_length 80
    set_part $hls_part
    # As hls4ml has it: fully registered DSPs cost clock cycles.
    config_schedule -enable_dsp_full_reg=false
    create_clock -period $hls_clock_period -name default
    set_clock_uncertainty $hls_clock_uncertainty default
}

# The lines that the test bench left in a file, one for each event.
proc lines_of {path} {
    if {![file exists $path]} {
        error "the test bench left no $path"
    }
    return [split [string trim [read_file $path]] \n]
}

# The test bench returns 1 on a difference, which makes the command fail. That it ran on every event is checked on what it wrote.
proc judge_events {path} {
    judge "events in [file tail $path]" [llength [lines_of $path]] == [llength [lines_of tb_data/tb_output_predictions.dat]]
}

proc simulate {} {
    file delete tb_data/csim_results.log
    csim_design
    judge_events tb_data/csim_results.log
}

proc cosimulate {} {
    global project
    file delete tb_data/rtl_cosim_results.log
    # The test bench writes into another file, to be compared.
    add_files -tb ${project}_test.cpp -cflags "-std=c++0x -DRTL_SIM"
    cosim_design -rtl verilog -trace_level none
    judge_events tb_data/rtl_cosim_results.log
    if {[file exists tb_data/csim_results.log]} {
        set different 0
        foreach rtl [lines_of tb_data/rtl_cosim_results.log] c [lines_of tb_data/csim_results.log] {
            incr different [expr {$rtl ne $c}]
        }
        judge "events where RTL and C differ" $different == 0
    }
    set report [read_file ${project}_prj/solution1/sim/report/${project}_cosim.rpt]
    judge "cosimulation says Pass" [regexp {Verilog\s*\|\s*Pass} $report] == 1
}

# value XML SECTION TAG: a number of csynth.xml, or absent. The tools write `undef` or `-` for what they do not know.
proc value {xml section tag} {
    if {[regexp "<$section>(.*?)</$section>" $xml all inside] && [regexp "<$tag>\\s*(\[0-9.\]+)\\s*</$tag>" $inside all number]} {
        return $number
    }
    return absent
}

proc judge_synthesis {} {
    global project hls_clock_period
    set xml [read_file ${project}_prj/solution1/syn/report/csynth.xml]
    set section SummaryOfOverallLatency
    judge_latency [value $xml $section Worst-caseLatency] [value $xml $section Interval-max] $hls_clock_period
}

proc export {} {
    global project generation ip_version digest
    set failed [catch {
        export_design -format ip_catalog -vendor l1ae -library trigger -version $ip_version -display_name $project \
            -description "anomaly trigger $project, contract $digest"
    } message]
    if {$failed && $generation eq "vivado_hls"} {
        error "$message\nVivado HLS 2020.1 exports nothing since 2022 without the vendor's patch, see its answer record 76960"
    } elseif {$failed} {
        error $message
    }
    set folder ${project}_prj/solution1/impl/ip
    judge "exported IP" [file exists $folder/component.xml] == 1
    judge "exported Verilog sources" [llength [glob -nocomplain $folder/hdl/verilog/*.v]] >= 1
}

guarded {
    prepare [expr {"csynth" in $steps}]
    foreach step $steps {
        switch -- $step {
            csim {simulate}
            csynth {
                csynth_design
                judge_synthesis
            }
            cosim {cosimulate}
            export {export}
            default {error "steps must be of csim, csynth, cosim and export, not '$step'"}
        }
    }
}
