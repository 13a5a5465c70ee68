# Commands by description: what they take is checked, and every call is recorded.

namespace eval record {
    variable commands {}
    variable state {}
}

# describe NAME {MINIMUM MAXIMUM} OPTIONS ?SINCE UNTIL?: a command with MINIMUM to MAXIMUM words beside its options. OPTIONS has one
# line for each option: name, kind of value (see `kind`), and where it is not in every version the first and the last, `-` for none.
# The command's effect is the procedure effect::NAME of two arguments, a dictionary of options and the list of words.
proc describe {name count options {since -} {until -}} {
    if {[record::lacks $since $until]} {
        return
    }
    set kinds {}
    foreach line [split [string trim $options] \n] {
        foreach {option kind first last} [concat [string trim $line] - -] break
        if {$option eq ""} {
            continue
        }
        if {![record::lacks $first $last]} {
            dict set kinds $option $kind
        }
    }
    dict set record::commands $name [list $count $kinds]
    proc ::$name {args} "return \[record::call $name \$args\]"
}

# Is this version outside SINCE to UNTIL?
proc record::lacks {since until} {
    global version
    return [expr {($since ne "-" && $version < $since) || ($until ne "-" && $version > $until)}]
}

proc record::call {name words} {
    variable commands
    global calls program version
    foreach {count kinds} [dict get $commands $name] break
    set given {}
    set rest {}
    while {[llength $words]} {
        set words [lassign $words word]
        if {![regexp {^-[a-zA-Z]} $word]} {
            lappend rest $word
            continue
        }
        set attached [regexp {^(-\w+)=(.*)$} $word all word value]
        if {![dict exists $kinds $word]} {
            error "$name: $program $version has no option '$word'"
        }
        set kind [dict get $kinds $word]
        if {$kind eq "flag"} {
            dict set given $word 1
            continue
        }
        if {($kind eq "boolean") != $attached} {
            error "$name: value of $word must [expr {$kind eq "boolean" ? "follow an equals sign" : "be the next word"}]"
        }
        if {!$attached} {
            if {![llength $words]} {
                error "$name: $word has no value"
            }
            set words [lassign $words value]
        }
        check "$name $word" $kind $value
        dict set given $word $value
    }
    if {[llength $rest] < [lindex $count 0] || [llength $rest] > [lindex $count 1]} {
        error "$name: [llength $rest] words beside its options, must be [lindex $count 0] to [lindex $count 1]: $rest"
    }
    puts $calls [list $name $given $rest]
    if {[llength [info procs ::effect::$name]]} {
        return [::effect::$name $given $rest]
    }
}

# Kinds of values: word, words, number, positive, integer, boolean, percentage, part, input (a file that exists), output (a file in a
# folder that exists), or enum:FIRST|SECOND|...
proc record::check {what kind value} {
    set fine 0
    switch -glob -- $kind {
        word {set fine [expr {[llength $value] >= 1 && $value ne ""}]}
        words {set fine 1}
        number {set fine [string is double -strict $value]}
        positive {set fine [expr {[string is double -strict $value] && $value > 0}]}
        integer {set fine [string is integer -strict $value]}
        boolean {set fine [expr {$value in {true false 0 1}}]}
        percentage {set fine [regexp {^[0-9.]+%?$} $value]}
        part {set fine [regexp {^xc\w+-\w+(-\w+)+$} $value]}
        input {set fine [file exists $value]}
        output {set fine [file isdirectory [file dirname $value]]}
        enum:* {set fine [expr {$value in [split [string range $kind 5 end] |]}]}
        default {error "record.tcl does not know the kind '$kind'"}
    }
    if {!$fine} {
        error "$what: '$value' is no [string map {enum: {} | { or }} $kind]"
    }
}

# need STATE WHAT: error unless `done STATE` was called before.
proc need {key what} {
    if {![dict exists $record::state $key]} {
        error "$what"
    }
}

proc done {key {value 1}} {
    dict set record::state $key $value
}

proc known {key} {
    return [dict get $record::state $key]
}

proc write {path text} {
    file mkdir [file dirname $path]
    set stream [open $path w]
    puts $stream $text
    close $stream
}

# Vendor tools contain Tcl 8.5; a procedure that hides one of their commands is a mistake.
proc record::restrict {} {
    foreach younger {try throw lmap tailcall coroutine yield yieldto} {
        rename ::$younger {}
    }
    rename ::proc ::record::define
    ::record::define ::proc {name arguments body} {
        if {[llength [info commands ::$name]]} {
            error "procedure '$name' hides a command of that name"
        }
        uplevel 1 [list ::record::define $name $arguments $body]
    }
    ::record::define ::unknown {args} {
        global program version
        error "$program $version has no command '[lindex $args 0]'"
    }
}

namespace eval effect {}
