#!/bin/sh
# Which vendor tool is here, of which generation. Prints one line, GENERATION VERSION PROGRAM, separated by tabs.
#
#   sh vendor_tools.sh vivado         Vivado: generation vivado
#   sh vendor_tools.sh hls BACKEND    C synthesis for an HLS project of BACKEND
#
#   BACKEND  program      generation  versions
#   Vivado   vivado_hls   vivado_hls  2020.1
#   Vitis    vitis_hls    vitis_hls   2023.1 to 2024.1: vitis_hls -f SCRIPT
#   Vitis    vitis-run    vitis_run   2024.2 and later, and before where there is no vitis_hls: vitis-run --mode hls --tcl SCRIPT
#
# A program is looked for in L1AE_VIVADO or L1AE_HLS (its path), on PATH, and in bin/ of XILINX_VIVADO, XILINX_HLS and
# XILINX_VITIS. L1AE_UNTESTED=1 goes on with a version that is refused otherwise. Exit status: 0 found, 2 none or refused.
set -eu

fail() {
    echo "$*" >&2
    exit 2
}

# Callers change the folder before they run what was found.
absolute() {
    case $1 in
        /*) echo "$1" ;;
        *) echo "$PWD/$1" ;;
    esac
}

# locate NAME FOLDER...: on PATH, or in bin/ of the first folder that has it; nothing where it is nowhere
locate() {
    name=$1
    shift
    if found=$(command -v "$name"); then
        absolute "$found"
        return
    fi
    for folder in "$@"; do
        if [ -n "$folder" ] && [ -x "$folder/bin/$name" ]; then
            absolute "$folder/bin/$name"
            return
        fi
    done
}

# Every generation writes a line with `v2023.1 (64-bit)` or `v2023.1.1 (64-bit)`. Where none comes, the installation folder tells.
version_of() {
    # Some write a log into the current folder even for that.
    text=$(cd "${TMPDIR:-/tmp}" && "$1" "$2" 2>&1 < /dev/null || true)
    found=$(printf '%s\n' "$text" | sed -n 's/^.* v\(20[0-9][0-9]\.[0-9]\).*$/\1/p' | sed -n 1p)
    [ -n "$found" ] || found=$(printf '%s\n' "$1" | sed -n 's|^.*/\(20[0-9][0-9]\.[0-9]\)/.*$|\1|p')
    [ -n "$found" ] || fail "'$1 $2' tells no version: $text"
    echo "$found"
}

# 2023.1 -> 20231
number() {
    echo "${1%%.*}${1#*.}"
}

refuse() {
    [ "${L1AE_UNTESTED:-}" = 1 ] || fail "$1. L1AE_UNTESTED=1 goes on at your own risk."
    echo "warning: $1" >&2
}

chosen() {
    [ -x "$2" ] || fail "$1 is '$2', which is no program; correct it, or unset it to look on PATH"
    absolute "$2"
}

find_vivado() {
    if [ -n "${L1AE_VIVADO:-}" ]; then
        program=$(chosen L1AE_VIVADO "$L1AE_VIVADO")
    else
        program=$(locate vivado "${XILINX_VIVADO:-}")
    fi
    [ -n "$program" ] || fail "there is no vivado on PATH or in XILINX_VIVADO; source settings64.sh of Vivado, or set L1AE_VIVADO to the program"
    version=$(version_of "$program" -version)
    [ "$(number "$version")" -ge 20201 ] || refuse "Vivado $version is older than 2020.1, the oldest that these scripts were written for"
    printf 'vivado\t%s\t%s\n' "$version" "$program"
}

find_vivado_hls() {
    if [ -n "${L1AE_HLS:-}" ]; then
        program=$(chosen L1AE_HLS "$L1AE_HLS")
    else
        program=$(locate vivado_hls "${XILINX_VIVADO:-}" "${XILINX_HLS:-}")
    fi
    [ -n "$program" ] || fail "the HLS project is for Vivado HLS 2020.1, and there is no vivado_hls on PATH, in XILINX_VIVADO or in XILINX_HLS;" \
        "source settings64.sh of Vivado 2020.1, set L1AE_HLS to the program, or make the project for Vitis HLS (hls.backend: Vitis)"
    case ${program##*/} in
        vivado_hls) ;;
        *) fail "the HLS project is for Vivado HLS, but L1AE_HLS is '$program'; make it for Vitis HLS (hls.backend: Vitis)" ;;
    esac
    version=$(version_of "$program" -version)
    case $version in
        2020.1) ;;
        2019.2) refuse "Vivado HLS 2019.2 may no longer synthesise what hls4ml 1.3 writes (hls4ml issue 1283); take 2020.1" ;;
        *) refuse "Vivado HLS $version was never tested with hls4ml 1.3; take 2020.1" ;;
    esac
    printf 'vivado_hls\t%s\t%s\n' "$version" "$program"
}

check_vitis() {
    [ "$(number "$1")" -ge 20231 ] && return
    case $1 in
        2022.2) refuse "Vitis HLS 2022.2 has no vitis-run and is broken with hls4ml since 1.2 (hls4ml issue 1463); take 2023.1 or later" ;;
        *) refuse "Vitis HLS $1 was never tested with hls4ml 1.3; take 2023.1 or later" ;;
    esac
}

find_vitis_hls() {
    if [ -n "${L1AE_HLS:-}" ]; then
        program=$(chosen L1AE_HLS "$L1AE_HLS")
    else
        program=$(locate vitis_hls "${XILINX_HLS:-}" "${XILINX_VITIS:-}")
        run=$(locate vitis-run "${XILINX_VITIS:-}" "${XILINX_HLS:-}")
        # From 2024.2 on vitis_hls is gone, or a leftover that the vendor no longer supports.
        if [ -z "$program" ] || { [ -n "$run" ] && [ "$(number "$(version_of "$program" -version)")" -ge 20242 ]; }; then
            program=$run
        fi
    fi
    [ -n "$program" ] || fail "the HLS project is for Vitis HLS, and there is neither vitis_hls nor vitis-run on PATH, in XILINX_HLS or in XILINX_VITIS;" \
        "source settings64.sh of Vitis 2023.1 or later, set L1AE_HLS to the program, or make the project for Vivado HLS (hls.backend: Vivado)"
    case ${program##*/} in
        vitis_hls) generation=vitis_hls version=$(version_of "$program" -version) ;;
        vitis-run) generation=vitis_run version=$(version_of "$program" --version) ;;
        *) fail "the HLS project is for Vitis HLS, but L1AE_HLS is '$program'; make it for Vivado HLS (hls.backend: Vivado)" ;;
    esac
    check_vitis "$version"
    printf '%s\t%s\t%s\n' "$generation" "$version" "$program"
}

case ${1:-}:${2:-} in
    vivado:) find_vivado ;;
    hls:Vivado) find_vivado_hls ;;
    hls:Vitis) find_vitis_hls ;;
    *) fail "usage: sh $0 vivado, or sh $0 hls Vitis|Vivado" ;;
esac
