# Vivado's commands that the scripts use, after its command reference UG835: editions 2020.2, 2021.1, 2021.2, 2022.1, 2023.1, 2025.1,
# 2025.2 and 2026.1. Where an option is not in every edition it counts as known from the oldest to the newest of these that has it, so
# what nobody looked up is refused. 2020.1 is taken to be like 2020.2.

describe create_project {0 2} {
    -in_memory  flag
    -part       part
    -force      flag
    -quiet      flag
    -verbose    flag
}
describe read_verilog {1 1} {
    -library  word
    -sv       flag
    -quiet    flag
    -verbose  flag
}
describe read_vhdl {1 1} {
    -library   word
    -vhdl2008  flag
    -quiet     flag
    -verbose   flag
}
describe read_xdc {1 1} {
    -cells             words
    -ref               word
    -quiet_diff_pairs  flag
    -mode              enum:default|out_of_context
    -unmanaged         flag
    -no_add            flag
    -quiet             flag
    -verbose           flag
}
describe synth_design {0 0} {
    -name               word
    -part               part
    -constrset          word
    -top                word
    -include_dirs       words
    -generic            words
    -define             words  2025.2 -
    -verilog_define     words
    -vhdl_define        words  2025.2 -
    -flatten_hierarchy  enum:rebuilt|full|none
    -directive          word
    -rtl                flag
    -bufg               integer
    -no_lc              flag
    -mode               enum:default|out_of_context
    -fsm_extraction     word
    -incremental        word   - 2020.2
    -incremental_mode   word   2025.2 -
    -max_dsp            integer
    -retiming           flag   - 2020.2
    -global_retiming    enum:on|off|auto  2025.2 -
    -no_srlextract      flag
    -assert             flag
    -quiet              flag
    -verbose            flag
}
foreach step {opt_design place_design phys_opt_design route_design} {
    describe $step {0 0} {
        -directive  word
        -quiet      flag
        -verbose    flag
    }
}
describe report_utilization {0 0} {
    -file                     output
    -json                     output  2026.1 -
    -append                   flag
    -cells                    words
    -return_string            flag
    -hierarchical             flag
    -hierarchical_depth       integer
    -hierarchical_percentages flag
    -quiet                    flag
    -verbose                  flag
}
describe report_timing_summary {0 0} {
    -check_timing_verbose  flag
    -delay_type            enum:max|min|min_max
    -no_detailed_paths     flag
    -setup                 flag
    -hold                  flag
    -max_paths             integer
    -nworst                integer
    -unique_pins           flag
    -path_type             enum:end|summary|short|full|full_clock|full_clock_expanded
    -input_pins            flag
    -slack_lesser_than     number
    -report_unconstrained  flag
    -significant_digits    integer
    -no_header             flag
    -file                  output
    -append                flag
    -return_string         flag
    -warn_on_violation     flag
    -datasheet             flag
    -cells                 words
    -rpx                   output
    -quiet                 flag
    -verbose               flag
}
describe report_power {0 0} {
    -no_propagation      flag
    -hier                enum:logic|power|all
    -hierarchical_depth  integer
    -advisory            flag
    -file                output
    -format              enum:text|xml
    -xpe                 output
    -return_string       flag
    -append              flag
    -rpx                 output
    -quiet               flag
    -verbose             flag
}
describe report_methodology {0 0} {
    -cells          words
    -checks         words
    -file           output
    -rpx            output
    -append         flag
    -return_string  flag
    -quiet          flag
    -verbose        flag
}
describe report_drc {0 0} {
    -checks         words
    -ruledecks      words
    -file           output
    -rpx            output
    -append         flag
    -return_string  flag
    -quiet          flag
    -verbose        flag
}
describe report_route_status {0 0} {
    -return_string  flag
    -of_objects     words
    -file           output
    -append         flag
    -quiet          flag
    -verbose        flag
}
describe write_checkpoint {0 1} {
    -force    flag
    -cell     word
    -quiet    flag
    -verbose  flag
}
describe get_timing_paths {0 0} {
    -from         words
    -to           words
    -through      words
    -delay_type   enum:max|min|min_max|max_rise|max_fall|min_rise|min_fall
    -setup        flag
    -hold         flag
    -max_paths    integer
    -nworst       integer
    -unique_pins  flag
    -group        words
    -sort_by      enum:group|slack
    -filter       word
    -cell         word
    -quiet        flag
    -verbose      flag
}
describe get_property {2 2} {
    -min      flag
    -max      flag
    -quiet    flag
    -verbose  flag
}
describe set_property {2 3} {
    -dict     word
    -quiet    flag
    -verbose  flag
}
describe get_clocks {0 1} {
    -filter      word
    -of_objects  words
    -quiet       flag
    -verbose     flag
}
describe get_ports {0 1} {
    -filter      word
    -of_objects  words
    -quiet       flag
    -verbose     flag
}
describe create_clock {0 1} {
    -name      word
    -period    positive
    -waveform  words
    -add       flag
    -quiet     flag
    -verbose   flag
}
describe set_clock_uncertainty {1 2} {
    -setup    flag
    -hold     flag
    -from     words
    -to       words
    -quiet    flag
    -verbose  flag
}
foreach side {set_input_delay set_output_delay} {
    describe $side {2 2} {
        -clock       words
        -clock_fall  flag
        -rise        flag
        -fall        flag
        -max         flag
        -min         flag
        -add_delay   flag
        -quiet       flag
        -verbose     flag
    }
}

# UG903, "Valid Commands in an XDC File": no control flow, no procedures, no files.
set xdc_commands {
    create_clock set_clock_uncertainty set_input_delay set_output_delay get_ports get_clocks get_property set_property
}

proc effect::create_project {given words} {
    if {![dict exists $given -part]} {
        error "create_project: a project in memory has the default part of the tool; give -part"
    }
    done project
    done constraints {}
    done clocks {}
    done sources {}
}

proc add_sources {files suffix} {
    need project "sources are read before there is a project"
    foreach file $files {
        if {![file isfile $file] || [file extension $file] ne $suffix} {
            error "there is no source '$file'"
        }
    }
    done sources [concat [known sources] $files]
}

proc effect::read_verilog {given words} {
    add_sources [lindex $words 0] .v
}

proc effect::read_vhdl {given words} {
    add_sources [lindex $words 0] .vhd
}

proc effect::read_xdc {given words} {
    need project "constraints are read before there is a project"
    if {![file isfile [lindex $words 0]]} {
        error "there is no '[lindex $words 0]'"
    }
    done constraints [concat [known constraints] $words]
}

# Ports of the top as the sources write them, one a line: {name IN|OUT ...}
proc ports_of {file} {
    set found {}
    set stream [open $file r]
    foreach line [split [read $stream] \n] {
        if {[regexp {^\s*(input|output)\s+(?:wire|reg)?\s*(?:\[[^\]]*\])?\s*(\w+)} $line all direction name] ||
            [regexp -nocase {^\s*(\w+)\s*:\s*(in|out)\s} $line all name direction]} {
            dict set found $name [expr {[string match -nocase in* $direction] ? "IN" : "OUT"}]
        }
    }
    close $stream
    return $found
}

proc effect::synth_design {given words} {
    need project "synth_design: there is no project"
    foreach option {-top -part} {
        if {![dict exists $given $option]} {
            error "synth_design: $option is missing"
        }
    }
    if {![dict exists $given -mode] || [dict get $given -mode] ne "out_of_context"} {
        error "synth_design: not out of context, so every port would get a buffer and a pin"
    }
    set top [dict get $given -top]
    foreach file [known sources] {
        if {[file rootname [file tail $file]] eq $top} {
            done ports [ports_of $file]
        }
    }
    need ports "synth_design: no source has the top '$top'"
    foreach file [known constraints] {
        constrain $file
    }
    done synth
}

proc constrain {file} {
    global xdc_commands
    set inner [interp create -safe]
    foreach command [interp eval $inner {info commands}] {
        if {$command ni {set expr list filter}} {
            interp hide $inner $command
        }
    }
    foreach command $xdc_commands {
        interp alias $inner $command {} $command
    }
    set stream [open $file r]
    set text [read $stream]
    close $stream
    if {[catch {interp eval $inner $text} message]} {
        error "[file tail $file]: $message"
    }
    interp delete $inner
}

proc effect::get_ports {given words} {
    set found {}
    dict for {name direction} [known ports] {
        if {[llength $words] && ![string match [lindex $words 0] $name]} {
            continue
        }
        if {![dict exists $given -filter] || [matches [dict get $given -filter] [list NAME $name DIRECTION $direction]]} {
            lappend found $name
        }
    }
    if {[llength $found] == 0} {
        error "get_ports: no port matches"
    }
    return $found
}

# Filters of the form PROPERTY == VALUE && PROPERTY != VALUE
proc matches {filter properties} {
    foreach term [split [string map {&& \u0001} $filter] \u0001] {
        if {![regexp {^\s*(\w+)\s*(==|!=)\s*"?([\w*]+)"?\s*$} $term all property relation value]} {
            error "filter '$term' is not understood"
        }
        if {![dict exists $properties $property]} {
            error "there is no property '$property'"
        }
        if {$property eq "DIRECTION" && $value ni {IN OUT INOUT}} {
            error "there is no direction '$value'"
        }
        if {($relation eq "==") != ([dict get $properties $property] eq $value)} {
            return 0
        }
    }
    return 1
}

proc effect::create_clock {given words} {
    foreach option {-name -period} {
        if {![dict exists $given $option]} {
            error "create_clock: $option is missing"
        }
    }
    if {[llength $words] == 0} {
        error "create_clock: a clock of no port constrains nothing"
    }
    done clocks [concat [known clocks] [dict get $given -name]]
    done clock_ports [lindex $words 0]
}

proc effect::get_clocks {given words} {
    set found {}
    foreach clock [known clocks] {
        if {![llength $words] || [string match [lindex $words 0] $clock]} {
            lappend found $clock
        }
    }
    if {[llength $words] && ![llength $found]} {
        error "get_clocks: no clock matches '$words'"
    }
    return $found
}

proc effect::set_clock_uncertainty {given words} {
    record::check set_clock_uncertainty number [lindex $words 0]
    if {![dict exists $given -setup]} {
        error "set_clock_uncertainty: of hold too, which would demand delays on every path"
    }
}

proc port_delay {command given words} {
    record::check $command number [lindex $words 0]
    if {![dict exists $given -clock] || [dict get $given -clock] ni [known clocks]} {
        error "$command: there is no such clock"
    }
    foreach port [lindex $words 1] {
        if {$port in [known clock_ports]} {
            error "$command: '$port' carries the clock"
        }
    }
}

proc effect::set_input_delay {given words} {
    port_delay set_input_delay $given $words
}

proc effect::set_output_delay {given words} {
    port_delay set_output_delay $given $words
}

proc effect::opt_design {given words} {
    need synth "opt_design: nothing was synthesised"
    done opt
}

proc effect::place_design {given words} {
    global scenario
    need opt "place_design: nothing was optimised"
    if {$scenario(place) ne "pass"} {
        error "ERROR: \[Place 30-640\] Place Check : This design requires more LUT cells than are available in the target device."
    }
    done place
}

proc effect::phys_opt_design {given words} {
    need place "phys_opt_design: nothing was placed"
}

proc effect::route_design {given words} {
    need place "route_design: nothing was placed"
    done route
}

# Reports that nothing is read from.
proc paper {given} {
    need synth "a report is wanted before there is a design"
    if {![dict exists $given -file]} {
        error "a report without -file is lost"
    }
    write [dict get $given -file] "report"
}

foreach name {report_timing_summary report_power report_methodology report_drc} {
    proc effect::$name {given words} {
        paper $given
    }
}

# Tables as Vivado lays them out: a column more since 2021.2, names of the family, an asterisk after synthesis.
proc effect::report_utilization {given words} {
    global scenario version
    paper $given
    if {[dict exists $given -hierarchical]} {
        return
    }
    set star [expr {[dict exists $record::state route] ? "" : "*"}]
    set names [dict get {
        UltraScale {"CLB LUTs" lut "CLB Registers" ff "Block RAM Tile" bram DSPs dsp URAM uram}
        Series7 {"Slice LUTs" lut "Slice Registers" ff "Block RAM Tile" bram DSPs dsp}
        Versal {"CLB LUTs" lut Registers ff "Block RAM Tile" bram "DSP Slices" dsp URAM uram}
        Unknown {Cells lut}
    } $scenario(site_names)]
    set prohibited [expr {$version >= 2021.2 ? " Prohibited |" : ""}]
    set lines [list "| Tool Version : Vivado v.$version (lin64)" "|    Site Type   | Used | Fixed |$prohibited Available | Util% |"]
    foreach {name quantity} $names {
        set mark [expr {$quantity eq "lut" ? $star : ""}]
        set zero [expr {$version >= 2021.2 ? "          0 |" : ""}]
        lappend lines "| $name$mark   | $scenario($quantity) |     0 |$zero   1182240 | <0.01 |" "|   RAMB36 only |  3 |   |  |  |"
    }
    write [dict get $given -file] [join $lines \n]
}

proc effect::report_route_status {given words} {
    global scenario
    need route "report_route_status: nothing was routed"
    paper $given
    set lines {"Design Route Status" "   # of logical nets.......................... :         120 :"}
    if {$scenario(route_errors) ne "absent"} {
        lappend lines "       # of nets with routing errors.......... :           $scenario(route_errors) :"
    }
    write [dict get $given -file] [join $lines \n]
}

proc effect::write_checkpoint {given words} {
    need synth "write_checkpoint: there is no design"
    if {[llength $words] == 0 || [file extension [lindex $words 0]] ne ".dcp"} {
        error "write_checkpoint: '$words' is no name of a checkpoint"
    }
    write [lindex $words 0] checkpoint
}

proc effect::get_timing_paths {given words} {
    global scenario
    need synth "get_timing_paths: there is no design"
    if {[llength [known clocks]] == 0 || $scenario(wns) eq "unconstrained"} {
        return {}
    }
    return [expr {[dict exists $given -delay_type] && [dict get $given -delay_type] eq "min" ? "hold_path" : "setup_path"}]
}

proc effect::get_property {given words} {
    global scenario
    foreach {property object} $words break
    switch -- $property,$object {
        SLACK,setup_path {return $scenario(wns)}
        SLACK,hold_path {return $scenario(whs)}
    }
    error "get_property: '$object' has no property '$property'"
}
