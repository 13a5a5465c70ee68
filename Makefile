# Everything runs in .venv, which the first target that needs it creates from requirements.lock.
# Needs Python 3.11 to 3.13, g++ and make.
#
#   make demo                 collisions to a verified HLS project with a report
#   make quick                the fast tests
#   make test                 those and the slow ones; four of the shipped models are trained
#   make test-all             all tests; every shipped model is trained
#   make train hls csim rtl synth trigger baselines report    one stage each; CONFIG= and RUN= choose the model
#   make search               the front of the triggers within a budget; STUDY= chooses another study (hours)
#   make deliver vivado       folders for CMSSW, the global trigger, EMP boards; for Vivado and Vitis

CONFIG ?= configs/surprise_ae.yaml
RUN    ?= runs/$(basename $(notdir $(CONFIG)))
MODELS ?= configs/surprise_ae.yaml configs/dnn_vae.yaml
STUDY  ?= configs/studies/one_crossing.yaml

# A stage of the run in RUN as that run is configured; of CONFIG, with all that it needs, where there is no such run yet.
stage = if [ -f $(RUN)/config.yaml ]; then $(BIN)/l1ae $(1) $(RUN) $(2); else $(BIN)/l1ae run $(CONFIG) --run $(RUN) --to $(1); fi
# The same as far as a stage that others need; of a run that has it, nothing.
made_to = if [ ! -d $(RUN)/$(1) ]; then $(call stage,$(1)); fi
# The run of one of MODELS in `csim-matrix`, and the one that goes on from there.
run_of = runs/csim/$$(basename $$model .yaml)
CHECKED := runs/csim/dnn_vae

# `make data` generates EVENTS background events and SIGNAL_EVENTS of each signal into DATA.
EVENTS        ?= 100000
SIGNAL_EVENTS ?= 10000
SIGNALS       ?= a4l lq h0 hc
SEED          ?= 1
DATA          ?= data/generated

# Zero-bias crossings on which `make verify` compares everything with the contract.
CROSSINGS ?= 1000000
ZERO_BIAS ?= data/zerobias/plain.h5

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
    $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.complete
# A worker that has nothing left takes over what another has not begun. Tests of a file mostly stay together, with what they share.
TESTS := $(BIN)/pytest -n auto --dist worksteal

.PHONY: docs reference linkcheck wheel-check scale search demo test quick test-all test-rest robustness lint data train evaluate hls csim csim-matrix rtl synth rtl-check rtl-matrix calibration estimator flows \
    trigger baselines deliver vivado delivery-check verify report latent families doctor bench clean

demo: $(READY)
	$(BIN)/l1ae run $(CONFIG) --run $(RUN)

quick: $(READY)
	$(TESTS) -m "not slow and not exhaustive"

test: $(READY)
	$(TESTS) -m "not exhaustive"

# What `make test` leaves out, and three times the examples of properties: CI runs both.
test-rest: $(READY)
	$(TESTS) -m "exhaustive or hypothesis" --hypothesis-profile=deep

test-all: $(READY)
	$(TESTS) --hypothesis-profile=deep

# Kills, full disks, concurrent commands, damaged files and hostile names: docs/robustness.md. Some 20 minutes; full disks need root.
robustness: $(READY)
	$(BIN)/python -m tests.robustness
	$(BIN)/python benchmarks/pages.py docs/robustness.md --take "python -m tests.robustness"

# The documentation in build/docs: the notebooks are run, and a warning is an error.
docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -b html docs build/docs

# Of these the pages that are made from the code, docs/reference, to be read in the clone.
reference: $(READY)
	PYTHONPATH=docs $(BIN)/python -m _reference

# Every link of the documentation that leaves it; needs the network.
linkcheck: $(READY)
	$(BIN)/python -m sphinx -D nb_execution_mode=off -b linkcheck docs build/linkcheck

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

data: $(READY)
	mkdir -p $(DATA)
	$(BIN)/l1ae data generate --keep-shards --sample background --events $(EVENTS) --seed $(SEED) -o $(DATA)/background.h5
	for signal in $(SIGNALS); do \
	    $(BIN)/l1ae data generate --keep-shards --sample $$signal --events $(SIGNAL_EVENTS) --seed $(SEED) -o $(DATA)/$$signal.h5 || exit; done
	rm -rf $(DATA)/shards

train: $(READY)
	$(BIN)/l1ae train $(CONFIG) --run $(RUN)

evaluate: $(READY)
	$(call stage,evaluate)

hls: $(READY)
	$(call stage,hls)

csim: $(READY)
	$(call stage,csim)

report: $(READY)
	if [ -f $(RUN)/config.yaml ]; then $(BIN)/l1ae report $(RUN); else $(BIN)/l1ae run $(CONFIG) --run $(RUN); fi

# Both models in both backends on 100,000 real events each: what CI runs.
csim-matrix: $(READY)
	for model in $(MODELS); do for backend in Vitis Vivado; do \
	    $(BIN)/l1ae run $$model --run $(run_of) --backend $$backend --events 100000 || exit; done; done

search: $(READY)
	$(BIN)/l1ae search $(STUDY) $(if $(wildcard runs/$(basename $(notdir $(STUDY)))/search/study.json),--resume)

rtl: $(READY)
	$(call stage,rtl)

synth: $(READY)
	$(call stage,synth)

# RTL of the variational autoencoder of `csim-matrix` on 100,000 real events, and its synthesis. What CI runs.
rtl-check: $(READY)
	$(BIN)/l1ae run configs/dnn_vae.yaml --run $(CHECKED) --to rtl
	$(BIN)/l1ae synth $(CHECKED) --no-per-layer
	$(BIN)/l1ae report $(CHECKED)

trigger: $(READY)
	$(call stage,trigger)

baselines: $(READY)
	$(call stage,baselines)

deliver: $(READY)
	$(call made_to,csim)
	$(call made_to,rtl)
	$(BIN)/l1ae deliver $(RUN) --target cmssw --target ugt --target emp

vivado: $(READY)
	$(call made_to,csim)
	$(BIN)/l1ae deliver $(RUN) --target vivado

# The same model's working points, every delivery, and all of it against the contract. What CI runs.
delivery-check: $(READY)
	$(BIN)/l1ae run configs/dnn_vae.yaml --run $(CHECKED) --backend Vivado --events 100000 --to csim
	$(BIN)/l1ae run configs/dnn_vae.yaml --run $(CHECKED) --to rtl
	$(BIN)/l1ae trigger $(CHECKED)
	$(BIN)/l1ae deliver $(CHECKED) --target cmssw --target ugt --target emp --target vivado
	$(BIN)/l1ae verify $(CHECKED)/delivery
	$(BIN)/l1ae verify $(CHECKED) --events 100000
	$(BIN)/l1ae report $(CHECKED)

# Contract, C simulation, RTL simulation, emulator and test vectors on a million zero-bias crossings, which are generated first.
verify: $(READY)
	mkdir -p $(dir $(ZERO_BIAS))
	$(BIN)/l1ae data generate --sample zerobias --config configs/generator/plain_zero_bias.yaml --events $(CROSSINGS) --seed 2 -o $(ZERO_BIAS)
	$(BIN)/l1ae run $(CONFIG) --run $(RUN)
	$(BIN)/l1ae rtl $(RUN)
	$(BIN)/l1ae deliver $(RUN) --target cmssw --target ugt
	$(BIN)/l1ae verify $(RUN) --events $(CROSSINGS) --zero-bias $(ZERO_BIAS)
	$(BIN)/l1ae report $(RUN)

# Six models from training to RTL, each with planted faults: docs/rtl_matrix.md.
rtl-matrix: $(READY)
	$(BIN)/python benchmarks/rtl_matrix.py

# Our flow against published and Vivado's figures; against hls4ml's flows; the estimator refitted. Each writes a page of docs/.
calibration: $(READY)
	$(BIN)/python benchmarks/rtl_calibration.py

flows: $(READY)
	$(BIN)/python benchmarks/compare_flows.py $(CONFIG)

estimator: $(READY)
	$(BIN)/python benchmarks/rtl_estimator.py

# The wheel in an empty environment elsewhere, without extras; WITH=train: then with that one, too, and the demo.
wheel-check: $(READY)
	.ci/wheel-check $(WITH)

doctor: $(READY)
	$(BIN)/l1ae doctor

latent: $(READY)
	$(call stage,latent)

# Every model of configs/ on the collisions in FOLDER, float and fixed point: docs/families.md.
families: $(READY)
	@test -n "$(FOLDER)" || { echo "which collisions? make families FOLDER=..., a folder with background.h5 and one store per signal"; exit 2; }
	$(BIN)/python benchmarks/families.py $(FOLDER)

# The speed of the contract, of trained models and of random ones.
bench: $(READY)
	for model in $(MODELS); do test -d $(run_of)/hls || $(BIN)/l1ae run $$model --run $(run_of) --to hls || exit; done
	$(BIN)/python benchmarks/contract_speed.py $(foreach model,$(MODELS),runs/csim/$(basename $(notdir $(model))))
	$(BIN)/python benchmarks/contract_speed.py --latent --record

# Memory and time of every stage for 1, 3 and 10 million crossings.
scale: $(READY)
	$(BIN)/python benchmarks/scale.py -o docs/scale.md

clean:
	rm -rf runs build .pytest_cache .mypy_cache .ruff_cache

# The file appears only when the installation is complete, so that an interrupted one is done again.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "no Python 3.11, 3.12 or 3.13 found; install one, or name it: make PYTHON=/path/to/python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make virtual environments; Debian/Ubuntu: apt-get install python3-venv"; exit 2; }
	@echo "setting up .venv with $(PYTHON): some 3 GB are downloaded and unpacked, which takes a few minutes"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)
