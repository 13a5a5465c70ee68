"""Writes l1_ntuple.root, a CMS Level-1 ntuple of 6 events as CMSSW writes it: classes split into branches, vectors, aliases of seeds.

uproot writes neither such classes nor aliases, so ROOT itself wrote the file in this folder, version 6.40. Run again with a Python
that has ROOT: python make_l1_ntuple.py. Expected values are in test_l1_ntuple.py, by hand.
"""

import json
import os
from pathlib import Path

import ROOT

FOLDER = Path(__file__).parent
ROOT.gInterpreter.Declare("""
#include <vector>
#include <string>
typedef std::vector<short> Shorts; typedef std::vector<unsigned short> UShorts; typedef std::vector<float> Floats;
namespace L1Analysis {
  struct L1AnalysisL1UpgradeDataFormat {
    unsigned short nEGs, nTaus, nJets, nMuons, nSums;
    Floats egEt; Shorts egIEt, egIEta, egIPhi, egIso, egBx;
    Floats tauEt; Shorts tauIEt, tauIEta, tauIPhi, tauIso, tauBx;
    Floats jetEt; Shorts jetIEt, jetIEta, jetIPhi, jetHwQual, jetBx, jetRawEt;
    Floats muonEt; Shorts muonIEt, muonIEtUnconstrained, muonIEta, muonIPhi, muonIEtaAtVtx, muonIPhiAtVtx, muonChg;
    UShorts muonIso, muonQual, muonDxy, muonTfMuonIdx; Shorts muonBx;
    Shorts sumType; Floats sumEt, sumPhi; Shorts sumIEt, sumIPhi; Floats sumBx;
  };
  struct L1AnalysisEventDataFormat {
    unsigned int run; unsigned int lumi; ULong64_t event; unsigned int bx; ULong64_t orbit; ULong64_t time; int nPV; int nPV_True;
    std::vector<std::string> hlt;
  };
}
struct GlobalAlgBlk { int m_orbitNr; std::vector<bool> m_algoDecisionInitial, m_algoDecisionInterm, m_algoDecisionFinal; };
""")


def tree(file: object, folder: str, name: str, branch: str, kind: str, fill: list[dict[str, object]], aliases: dict[str, str]) -> None:
    """One tree with one branch of a class, filled from dictionaries of its members."""
    file.mkdir(folder).cd()
    result = ROOT.TTree(name, name)
    holder = getattr(ROOT.L1Analysis, kind)() if kind.startswith("L1") else getattr(ROOT, kind)()
    result.Branch(branch, f"L1Analysis::{kind}" if kind.startswith("L1") else kind, holder, 32000, 3)
    for alias, text in aliases.items():
        result.SetAlias(alias, text)
    for event in fill:
        for member, value in event.items():
            if isinstance(value, list):
                getattr(holder, member).clear()
                for item in value:
                    getattr(holder, member).push_back(item)
            else:
                setattr(holder, member, value)
        result.Fill()
    result.Write()


content = json.loads((FOLDER / "l1_ntuple.json").read_text())
os.chdir(FOLDER)  # the file keeps the name that it is opened with
output = ROOT.TFile("l1_ntuple.root", "RECREATE")
tree(output, "l1UpgradeTree", "L1UpgradeTree", "L1Upgrade", "L1AnalysisL1UpgradeDataFormat", content["upgrade"], {})
tree(output, "l1EventTree", "L1EventTree", "Event", "L1AnalysisEventDataFormat", content["event"], {})
bits = [{"m_algoDecisionFinal": [k in on for k in range(512)], "m_algoDecisionInitial": [True] * 512} for on in content["bits"]]
tree(output, "l1uGTTree", "L1uGTTree", "L1uGT", "GlobalAlgBlk", bits, content["aliases"])
output.Close()
