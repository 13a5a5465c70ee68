"""The verification table."""

import pytest

from l1ae.report import write_report

from ..records.examples import verification
from .pages import words


def page_of(run):
    page = write_report(run).read_text()
    section = page.partition('<section id="verification">')[2].partition("</section>")[0]
    return section, words(section)


def test_nothing_differs(full_run, write):
    write("verification/report.json", verification(missing=("CMSSW emulator: there is no 'delivery/cmssw'",)))
    html, text = page_of(full_run)
    assert "Verification: 0 differing crossings, in 2 comparisons of 1,000,000 crossings each." in text
    assert "C simulation (g++) every tensor g++ 13.3.0 1,000,000 0 2 min 5 s" in text
    assert "RTL simulation score, trigger bit – 1,000,000 0 1 min 1 s" in text
    assert "Not compared: CMSSW emulator: there is no" in text
    assert (html.count("notice good"), html.count("notice bad")) == (1, 0)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (verification(differing=3), "RTL simulation: 3 of 1,000,000 crossings differ"),
        # the rows count, whatever the file says of itself
        (verification(differing=3, passed=True), "RTL simulation: 3 of 1,000,000 crossings differ"),
        (verification(passed=False), "The verification failed."),
        (verification(rows=()), "Nothing was compared with the contract."),
    ],
)
def test_a_failure_is_red(full_run, write, content, sentence):
    write("verification/report.json", content)
    html, text = page_of(full_run)
    assert sentence in text
    assert (html.count("notice good"), html.count("notice bad")) == (0, 1)


def test_a_verification_of_another_contract_is_red(full_run, write):
    write("verification/report.json", verification(digest="0" * 64))
    html, text = page_of(full_run)
    assert "This verification is of contract 000000000000…, and the contract is now c0ffeec0ffee…; run “l1ae verify” again." in text
    assert html.count("notice bad") == 1
