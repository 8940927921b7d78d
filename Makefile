# A table of contents. Everything is done by tools/run, which makes the environment first, and by what it calls.
RUN := tools/run
STAGES := $(RUN) python tools/stages.py

.PHONY: help demo demo-down test lint publish sanity unit images molecule artefact docs bench clean

help:  ## show this list
	@sed -n 's/^\([a-z -]*\):  ## /\1\t/p' Makefile | awk -F '\t' '{ printf "make %-26s%s\n", $$1, $$2 }'

demo:  ## start the lab and deploy examples/shop in it over ssh
	@$(RUN) tools/demo

demo-down:  ## remove all that make demo has made
	@$(RUN) python -m lab down

test:  ## everything: lint, publish, sanity and unit tests, then each Molecule scenario
	@$(STAGES)

lint publish sanity unit images:  ## one part of make test; sanity and unit with two ansible-cores
	@$(STAGES) $@

molecule:  ## the Molecule scenarios, or one: make molecule SCENARIO=reuse
	@$(STAGES) lab $(or $(SCENARIO),scenarios)

artefact:  ## build the collection's artefact into dist/
	@$(RUN) python tools/artefact.py

docs:  ## write the roles' tables of variables
	@$(RUN) python tools/docs.py

bench:  ## measure a deployment beside the same steps in plain shell
	@$(RUN) python -m lab bench

clean:  ## remove the environment and every cache
	@rm -rf .venv .cache .ansible .hypothesis .mypy_cache .pytest_cache .ruff_cache dist
