# Runs the vendor tools on this delivery and ends with a status that a build can trust.
#
#   sh run.sh tools      which tools are here
#   sh run.sh hls        C simulation, C synthesis, cosimulation, export as IP     STEPS="csim csynth cosim export"
#   sh run.sh hls_impl   what `hls` exported: synthesis, placement, routing, out of context
#   sh run.sh rtl_impl   the RTL in rtl/: the same
#   sh run.sh all        everything that is delivered
#
# LANGUAGE=verilog (default) or vhdl: which sources are implemented. STAGE=route (default), or synth to stop after synthesis.
# Results are in build/hls, build/hls_impl, build/rtl_impl. Exit status: 0 all passed; 2 a mistake in what was given, or no tool;
# 1 anything else: a differing bit, negative slack, a budget exceeded, a tool that failed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scripts=$here/scripts
tab=$(printf '\t')

fail() {
    echo "run.sh: $1" >&2
    exit "${2:-2}"
}

# A tool's own exit status is not enough: some launchers return 0 whatever the script did. The script leaves `passed` behind as the
# last thing that it does.
conclude() {
    if [ "$2" -ne 0 ]; then
        fail "$1 failed with status $2; see $here/build/$1" 1
    elif [ ! -f "$here/build/$1/passed" ]; then
        fail "$1 ended early; see $here/build/$1" 1
    fi
    echo "run.sh: $1 passed"
}

find_tool() {
    found=$(sh "$scripts/vendor_tools.sh" "$@") || exit 2
    generation=${found%%"$tab"*}
    program=${found##*"$tab"}
    version=${found#*"$tab"}
    version=${version%%"$tab"*}
    echo "run.sh: $program, version $version"
}

backend() {
    sed -n 's/^set backend {\(.*\)}$/\1/p' "$here/settings.tcl"
}

hls() {
    [ -d "$here/hls" ] || fail "there is no HLS project in this delivery; run \`l1ae hls\` and deliver again"
    steps=${STEPS:-csim csynth cosim export}
    for step in $steps; do
        case $step in
            csim | csynth | cosim | export) ;;
            *) fail "STEPS must be of csim, csynth, cosim and export, not '$step'" ;;
        esac
    done
    find_tool hls "$(backend)"
    work=$here/build/hls
    # The test bench and the tools write next to the sources, so they work on a copy. Later steps continue in it.
    case " $steps " in
        *" csynth "*) rm -rf "$work" ;;
    esac
    mkdir -p "$here/build"
    [ -d "$work" ] || cp -R "$here/hls" "$work"
    rm -f "$work/passed"
    # A file, because the script of vitis-run gets no arguments.
    printf 'set generation %s\nset steps {%s}\n' "$generation" "$steps" > "$work/options.tcl"
    code=0
    cd "$work"
    if [ "$generation" = vitis_run ]; then
        "$program" --mode hls --tcl "$scripts/hls.tcl" || code=$?
    else
        "$program" -f "$scripts/hls.tcl" || code=$?
    fi
    conclude hls "$code"
}

implement() {
    language=${LANGUAGE:-verilog}
    stage=${STAGE:-route}
    case $language in
        verilog | vhdl) ;;
        *) fail "LANGUAGE must be verilog or vhdl, not '$language'" ;;
    esac
    case $stage in
        synth | route) ;;
        *) fail "STAGE must be synth or route, not '$stage'" ;;
    esac
    [ -d "$here/$1" ] || fail "there is no $1 in this delivery; run \`l1ae $1\` and deliver again"
    find_tool vivado
    work=$here/build/$1_impl
    rm -rf "$work"
    mkdir -p "$work"
    printf 'set design %s\nset language %s\nset last_stage %s\n' "$1" "$language" "$stage" > "$work/options.tcl"
    code=0
    cd "$work"
    "$program" -mode batch -nojournal -notrace -log vivado.log -source "$scripts/implement.tcl" || code=$?
    conclude "$1_impl" "$code"
}

case ${1:-} in
    tools)
        status=0
        [ ! -d "$here/hls" ] || sh "$scripts/vendor_tools.sh" hls "$(backend)" || status=2
        sh "$scripts/vendor_tools.sh" vivado || status=2
        exit "$status"
        ;;
    hls) hls ;;
    hls_impl) implement hls ;;
    rtl_impl) implement rtl ;;
    all)
        if [ -d "$here/hls" ]; then
            (hls)
            (implement hls)
        fi
        if [ -d "$here/rtl" ]; then
            (implement rtl)
        fi
        ;;
    *) fail "say what to run: tools, hls, hls_impl, rtl_impl or all" ;;
esac
