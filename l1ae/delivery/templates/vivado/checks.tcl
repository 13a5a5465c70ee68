# What both scripts judge with: figures against limits, and the exit status that comes of it.
# Vivado and Vivado HLS contain Tcl 8.5: nothing younger here.

# Rows {quantity value relation limit passed}; `value` is "absent" where a report does not have it.
set judgements {}

# judge QUANTITY VALUE RELATION LIMIT: RELATION is <=, >= or ==. A value that is no number fails: what is missing is never taken for 0.
proc judge {quantity value relation limit} {
    global judgements
    set passed 0
    if {[string is double -strict $value] && abs($value) < 1e12} {
        switch -- $relation {
            <= {set passed [expr {$value <= $limit}]}
            >= {set passed [expr {$value >= $limit}]}
            == {set passed [expr {$value == $limit}]}
            default {error "relation must be <=, >= or ==, not '$relation'"}
        }
    } else {
        set value absent
    }
    lappend judgements [list $quantity $value $relation $limit $passed]
}

# judge_budget QUANTITY VALUE: against the limit of that name in settings.tcl, where there is one. The slack's is a lower limit.
proc judge_budget {quantity value {stage ""}} {
    global budget
    if {[info exists budget($quantity)]} {
        set relation [expr {$quantity eq "slack_ns" ? ">=" : "<="}]
        judge [string trim "$stage budget.$quantity"] $value $relation $budget($quantity)
    }
}

# judge_latency CYCLES INTERVAL PERIOD: latency in clock cycles, clock cycles between two events (II), clock period in ns.
proc judge_latency {cycles interval period} {
    judge_budget latency_cycles $cycles
    judge_budget interval $interval
    set latency absent
    if {[string is double -strict $cycles]} {
        set latency [expr {$cycles * $period}]
    }
    judge_budget latency_ns $latency
}

proc read_file {path} {
    set stream [open $path r]
    set text [read $stream]
    close $stream
    return $text
}

proc write_file {path text} {
    set stream [open $path w]
    puts -nonewline $stream $text
    close $stream
}

# Writes judgement.txt and, where every row passed, the file `passed` that run.sh asks for. Returns the exit status.
proc conclude {} {
    global judgements
    set lines {}
    set failed 0
    foreach row $judgements {
        foreach {quantity value relation limit passed} $row break
        if {!$passed} {
            incr failed
        }
        lappend lines [format "%-4s  %-28s %14s %s %s" [expr {$passed ? "ok" : "FAIL"}] $quantity $value $relation $limit]
    }
    set text "[join $lines \n]\n"
    write_file judgement.txt $text
    puts $text
    if {$failed} {
        puts "ERROR: $failed of [llength $judgements] checks failed"
        return 1
    }
    write_file passed "[llength $judgements] checks\n"
    return 0
}

# guarded BODY: run the whole script, and leave the tool with a status whatever happens in it.
proc guarded {body} {
    if {[catch {uplevel #0 $body} message]} {
        puts "ERROR: $message"
        puts $::errorInfo
        exit 1
    }
    exit [conclude]
}
