import re

import pytest

from l1ae.errors import UserError
from l1ae.tools._ghdl import ghdl, ghdl_version

_DEBIAN_12 = """GHDL 2.0.0 (Debian 2.0.0+dfsg-6.2+b2) [Dunoon edition]
 Compiled with GNAT Version: 12.2.0
 mcode code generator
Written by Tristan Gingold."""
_DEBIAN_13 = """GHDL 5.0.1 (Debian 5.0.1+dfsg-1+b1) [Dunoon edition]
 Compiled with GNAT Version: 14.2.0
 llvm 19.1.7 code generator"""


def _program(folder, output):
    path = folder / "ghdl"
    path.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
    path.chmod(0o755)
    return path


def test_nothing_there(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="there is no GHDL; Debian/Ubuntu: apt-get install ghdl"):
        ghdl()


@pytest.mark.parametrize(
    ("output", "version"),
    [(_DEBIAN_12, "2.0.0 (mcode)"), (_DEBIAN_13, "5.0.1 (llvm)"), ("GHDL 4.1.0", "4.1.0")],
)
def test_version(tmp_path, output, version):
    assert ghdl_version(_program(tmp_path, output)) == version


def test_not_ghdl(tmp_path):
    with pytest.raises(UserError, match="answers 'hello', which is no version of GHDL"):
        ghdl_version(_program(tmp_path, "hello"))


def test_the_installed_one_runs():
    try:
        program = ghdl()
    except UserError as error:
        pytest.skip(str(error))
    assert re.match(r"\d+\.\d+", ghdl_version(program))
