# A stand-in for a vendor tool: tclsh tool.tcl PROGRAM VERSION ARGUMENT...
#
# Takes the command line of that program and version, and runs the script with commands that check what they are given: names of
# options, number and kind of values, files, the order of the commands. Nothing is synthesised; reports say what the Tcl dictionary in
# the environment variable L1AE_SCENARIO says. Calls are written to the file in L1AE_CALLS, one a line.

set here [file dirname [file normalize [info script]]]
set program [lindex $argv 0]
set version [lindex $argv 1]
set arguments [lrange $argv 2 end]

array set scenario {
    wns 0.123 whs 0.045 lut 1000 ff 2000 dsp 0 bram 0.5 uram 0 site_names UltraScale route_errors 0 latency 2 interval 1
    csim pass csynth pass cosim pass export pass place pass ignore_status 0
}
if {[info exists env(L1AE_SCENARIO)]} {
    foreach {key value} $env(L1AE_SCENARIO) {
        if {![info exists scenario($key)]} {
            error "L1AE_SCENARIO: unknown key '$key'"
        }
        set scenario($key) $value
    }
}
set calls [open $env(L1AE_CALLS) a]

# What `-version` answers. Lines after the first differ between the programs and are left out.
array set banners {
    vivado     "Vivado v%s (64-bit)"
    vivado_hls "Vivado(TM) HLS - High-Level Synthesis from C, C++ and SystemC v%s (64-bit)"
    vitis_hls  "****** Vitis HLS - High-Level Synthesis from C, C++ and OpenCL v%s (64-bit)"
    vitis-run  "****** vitis-run v%s (64-bit)"
}

proc usage {} {
    global program version arguments
    puts stderr "$program $version does not take '[join $arguments]'"
    exit 1
}

# The script that the command line names. It must be one that this program understands, in this order.
proc script {} {
    global program arguments
    set forms {
        vivado     {-mode batch -nojournal -notrace -log * -source *}
        vivado_hls {-f *}
        vitis_hls  {-f *}
        vitis-run  {--mode hls --tcl *}
    }
    set form [dict get $forms $program]
    if {[llength $form] != [llength $arguments]} {
        usage
    }
    foreach expected $form given $arguments {
        if {![string match $expected $given]} {
            usage
        }
    }
    return [lindex $arguments end]
}

source [file join $here record.tcl]
if {$program eq "vivado"} {
    source [file join $here vivado.tcl]
} else {
    source [file join $here hls.tcl]
}

if {$arguments eq [expr {$program eq "vitis-run" ? "--version" : "-version"}]} {
    puts [format $banners($program) $version]
    exit 0
}
set file [script]
if {![file isfile $file]} {
    puts stderr "ERROR: there is no file '$file'"
    exit 1
}
record::restrict
set status 1
rename exit record::leave
proc exit {{code 0}} {
    global scenario
    # A launcher that hides what its script returned.
    record::leave [expr {$scenario(ignore_status) ? 0 : $code}]
}
if {[catch {source $file} message]} {
    puts "ERROR: $message\n$errorInfo"
    exit 1
}
# The tools stay open, or end with 0, after a script that does not say `exit`.
exit 0
