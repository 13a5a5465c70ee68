import subprocess
import sys
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from l1ae.errors import UserError
from l1ae.rtl import _firmware
from l1ae.rtl._firmware import FIRMWARE_SOURCES, firmware_source

ROOT = Path(__file__).parents[2]


def test_the_checkout_is_read():
    assert sorted(path.name for path in (ROOT / "firmware" / "rtl").iterdir()) == sorted(FIRMWARE_SOURCES)
    for name in FIRMWARE_SOURCES:
        assert firmware_source(name) == (ROOT / "firmware" / "rtl" / name).read_text()


def test_a_copy_in_the_package_comes_first(monkeypatch, tmp_path):
    """In an installed wheel, two folders up is site-packages, where a `firmware` may be anybody's."""
    package, elsewhere = tmp_path / "package", tmp_path / "elsewhere"
    for folder in (package, elsewhere):
        folder.mkdir()
        (folder / "l1ae_trigger.v").write_text(folder.name)
    monkeypatch.setattr(_firmware, "_FOLDERS", (package, elsewhere))
    assert firmware_source("l1ae_trigger.v") == "package"
    with pytest.raises(UserError, match=r"'l1ae_framer.v' is neither in '.*package' nor in '.*elsewhere'; install l1ae again"):
        firmware_source("l1ae_framer.v")


def test_another_name():
    with pytest.raises(ValueError, match=r"name must be one of l1ae_trigger.v, .*, not '../setup.py'"):
        firmware_source("../setup.py")


def test_the_build_puts_them_where_they_are_looked_for():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "firmware/rtl" in wheel["only-include"]
    assert wheel["sources"]["firmware/rtl"] == "l1ae/rtl/firmware"


@pytest.mark.slow
def test_the_wheel_carries_them(tmp_path):
    if find_spec("hatchling") is None:
        pytest.skip("needs hatchling")
    build = "import hatchling.build, sys; hatchling.build.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(installed)
    ask = "import l1ae.rtl._firmware as f; print(f.__file__); [print(f.firmware_source(n), end='') for n in f.FIRMWARE_SOURCES]"
    command = [sys.executable, "-c", ask]
    output = subprocess.run(command, cwd=tmp_path, env={"PYTHONPATH": str(installed)}, capture_output=True, text=True, check=True).stdout
    where, _, texts = output.partition("\n")
    assert where.startswith(str(installed))
    assert texts == "".join((ROOT / "firmware" / "rtl" / name).read_text() for name in FIRMWARE_SOURCES)
