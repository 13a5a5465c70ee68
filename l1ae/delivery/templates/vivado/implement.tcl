# Synthesis, placement and routing out of context, of what HLS exported (design hls) or of rtl/ (design rtl), with reports of both
# stages and a judgement. Vivado 2020.1 and later, non-project batch mode; the current folder is build/hls_impl or build/rtl_impl.
# options.tcl says the design, the language and the last stage.

set scripts [file dirname [file normalize [info script]]]
source [file join $scripts checks.tcl]
source [file join $scripts .. settings.tcl]
source options.tcl
set root [file dirname $scripts]

proc hls_sources {} {
    global root project language
    set folder [file join $root build hls ${project}_prj solution1 impl ip hdl $language]
    set suffix [expr {$language eq "vhdl" ? "vhd" : "v"}]
    set sources [lsort [glob -nocomplain -directory $folder *.$suffix]]
    if {[llength $sources] == 0} {
        error "there is no $language in $folder; run make hls first, with export among its STEPS"
    }
    # Contents of ROMs, which the sources name relative to where synthesis runs.
    foreach table [glob -nocomplain -directory $folder *.dat] {
        file copy -force $table .
    }
    return $sources
}

proc rtl_sources {} {
    global root language rtl_verilog rtl_vhdl
    set sources {}
    foreach name [expr {$language eq "vhdl" ? $rtl_vhdl : $rtl_verilog}] {
        lappend sources [file join $root rtl $name]
    }
    return $sources
}

proc read_sources {} {
    global root design language part
    create_project -in_memory -part $part
    set sources [${design}_sources]
    if {$language eq "vhdl"} {
        # HLS writes VHDL of 1993 with packages of its vendor, l1ae VHDL of 2008.
        if {$design eq "rtl"} {
            read_vhdl -vhdl2008 $sources
        } else {
            read_vhdl $sources
        }
    } else {
        read_verilog $sources
    }
    read_xdc [file join $root constraints $design.xdc]
}

# Reports of one stage: reports/DESIGN_STAGE_KIND.rpt, names that `l1ae` looks for, and the checkpoint STAGE.dcp.
proc report {stage} {
    file mkdir reports
    report_utilization -file [report_file $stage utilization]
    report_utilization -hierarchical -file [report_file $stage hierarchy]
    report_timing_summary -delay_type min_max -report_unconstrained -check_timing_verbose -max_paths 10 -input_pins \
        -file [report_file $stage timing]
    report_power -file [report_file $stage power]
    report_methodology -file [report_file $stage methodology]
    write_checkpoint -force $stage.dcp
}

proc report_file {stage kind} {
    global design
    return reports/${design}_${stage}_$kind.rpt
}

# The worst slack in ns of setup (max) or hold (min), or absent where no path is constrained.
proc worst_slack {type} {
    set paths [get_timing_paths -delay_type $type -max_paths 1 -nworst 1]
    if {[llength $paths] == 0} {
        return absent
    }
    return [get_property SLACK [lindex $paths 0]]
}

# utilisation REPORT NAMES: column Used of the first row with one of NAMES, or absent. Vivado 2021.2 added a column, and synthesis
# marks names with an asterisk, so both columns and rows are found by their names.
proc utilisation {report names} {
    set column -1
    foreach line [split $report \n] {
        set cells {}
        foreach cell [split $line |] {
            lappend cells [string trim $cell " *"]
        }
        if {"Site Type" in $cells} {
            set column [lsearch -exact $cells Used]
        } elseif {$column > 0 && [lindex $cells 1] in $names} {
            return [lindex $cells $column]
        }
    }
    return absent
}

proc judge_resources {stage} {
    set report [read_file [report_file $stage utilization]]
    foreach {quantity names} {
        lut {"CLB LUTs" "Slice LUTs"}
        ff {"CLB Registers" "Slice Registers" "Registers"}
        dsp {"DSPs" "DSP Slices"}
        bram {"Block RAM Tile"}
        uram {"URAM" "URAMs"}
    } {
        judge_budget $quantity [utilisation $report $names] $stage
    }
}

# Hold is judged after routing only: before, nothing was done for it.
proc judge_timing {stage} {
    judge "$stage clocks" [llength [get_clocks]] == 1
    set setup [worst_slack max]
    judge "$stage WNS, ns" $setup >= 0
    judge_budget slack_ns $setup $stage
    if {$stage eq "route"} {
        judge "$stage WHS, ns" [worst_slack min] >= 0
    }
}

# A net that could not be routed has an estimated delay, with which timing may look good.
proc judge_routing {} {
    report_route_status -file [report_file route status]
    set errors absent
    regexp {# of nets with routing errors[ .]*:\s*(\d+)} [read_file [report_file route status]] all errors
    judge "nets with routing errors" $errors == 0
}

proc place_and_route {} {
    opt_design
    place_design
    phys_opt_design
    route_design
    report route
    report_drc -file [report_file route drc]
    judge_routing
}

guarded {
    set part [set ${design}_part]
    read_sources
    synth_design -top $project -part $part -mode out_of_context -flatten_hierarchy rebuilt
    report synth
    if {$last_stage eq "route"} {
        place_and_route
    }
    judge_timing $last_stage
    judge_resources $last_stage
    if {$design eq "rtl"} {
        judge_latency $rtl_latency $rtl_interval $rtl_clock_period
    }
}
