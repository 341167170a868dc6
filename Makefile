# The commands of a checkout. Set-up is in setup/, the services in embedded/; docs/development.md describes both.

ifeq ($(strip $(CARGO_TARGET_DIR)),)
export CARGO_TARGET_DIR := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/colloquy/target
endif
PRODUCT := -p colloquy -p embedded

.PHONY: help run test test-release dist check chaos bench eval fmt generate

help:
	@echo "make run       build and start Colloquy at http://localhost:8080"
	@echo "make test      all checks"
	@echo "make test-release [CHECKS='name …']: the checks of a release, on packages, images and older builds"
	@echo "make dist      dist/colloquy-<version>-<target>.tar.gz"
	@echo "make check     formatting, lints and types"
	@echo "make chaos     [SECONDS=600] [SEED=number]: faults over the whole product, and a check of every promise"
	@echo "make bench     the benchmarks"
	@echo "make eval      DOCS=folder QUESTIONS=file [JSON=1], or SETS=folder: how well questions are answered"
	@echo "make fmt       format the code"
	@echo "make generate  write the generated files"

run:
	@setup/prepare run
	@python3 setup/build.py --locked --release $(PRODUCT)
	@exec "$$CARGO_TARGET_DIR/release/colloquy-dev" run

test:
	@setup/prepare test
	@exec python3 setup/checks.py all

test-release: export CHECKS := $(CHECKS)
test-release:
	@setup/prepare test
	@exec python3 setup/release.py $$CHECKS

dist:
	@python3 setup/dist.py

check:
	@setup/prepare run
	@exec python3 setup/checks.py fast

chaos: export CHAOS_SECONDS := $(or $(SECONDS),600)
chaos: export CHAOS_SEED := $(SEED)
# The artifacts of `make test`.
chaos: export RUSTC_WORKSPACE_WRAPPER := $(CURDIR)/setup/checked_rustc.py
chaos:
	@setup/prepare test
	@python3 setup/build.py --checked --locked --workspace --all-targets
	@exec "$$CARGO_TARGET_DIR/debug/colloquy-dev" services -- cargo test --locked --workspace --test it -- \
		--ignored --exact --nocapture failures::campaign::every_promise_holds_for_as_long_as_asked

bench:
	@setup/prepare run
	@python3 setup/build.py --locked --profile=dist $(PRODUCT) -p bench
	@exec "$$CARGO_TARGET_DIR/dist/bench"

eval: export DOCS := $(DOCS)
eval: export QUESTIONS := $(QUESTIONS)
eval: export SETS := $(SETS)
eval: export MINILM := $(MINILM)
eval: export JSON := $(JSON)
eval:
	@test -n "$$SETS" || test -d "$$DOCS" || { echo "make eval DOCS=folder QUESTIONS=file [JSON=1]: there is no folder '$$DOCS'" >&2; exit 2; }
	@test -n "$$SETS" || test -f "$$QUESTIONS" || { echo "make eval DOCS=folder QUESTIONS=file [JSON=1]: there is no file '$$QUESTIONS'" >&2; exit 2; }
	@setup/prepare run
	@python3 setup/build.py --locked --release -p eval
	@exec "$$CARGO_TARGET_DIR/release/eval"

generate:
	@setup/prepare run
	@python3 setup/build.py --locked -p colloquy
	@python3 setup/generated.py "$$CARGO_TARGET_DIR/debug/colloquy" --write
	@npm --prefix web run --silent types

fmt:
	@cargo fmt --all
	@npm --prefix auth run --silent format
	@npm --prefix web run --silent format
