# The front door; Meson and Ninja do the work. `make help` says what there is.
BUILD = build
PREFIX = /usr/local
DESTDIR =
ARGS =
SECONDS = 60
ROUNDS = 100
TARGETS =
# Half of the embedded images: the whole demonstration takes about a minute on two cores.
DEMO = --data shapes10 --runs demo/runs --epochs 200 --set train_size=5000 --set log_every=10

SUITES = --no-suite slow
INSTALL_PACKAGES = tools/install-packages

.PHONY: all run test bench lint sanitize tsan valgrind fuzz torture install bundle dist clean help

all: ## build the program: build/rethink
	@$(INSTALL_PACKAGES) --check build
	@$(MAKE) --no-print-directory $(BUILD)/rethink

run: ## install what is missing, build, and watch a network memorise random labels; then figure 1 of MLP1
	@$(INSTALL_PACKAGES) build run
	@$(MAKE) --no-print-directory $(BUILD)/rethink
	$(BUILD)/rethink train MLP1_1.0_none $(DEMO)
	$(BUILD)/rethink figure1 --models MLP1 $(DEMO) --output demo $(ARGS)

test: ## install what is missing, build, and run the tests
	@$(INSTALL_PACKAGES) build test
	@$(MAKE) --no-print-directory $(BUILD)/.tests-enabled
	@ninja -C $(BUILD) --quiet
	@meson test -C $(BUILD) --no-rebuild $(SUITES) $(ARGS); status=$$?; \
	    tools/test-summary $(BUILD)/meson-logs/testlog.json && exit $$status

bench: all ## time the training step of every model, beside PyTorch's where it is installed
	@RETHINK=$(BUILD)/rethink bench/compare.py --history bench/history.csv $(ARGS)

lint: ## clang-format, clang-tidy, cppcheck, and a build by clang without a warning
	@$(INSTALL_PACKAGES) build test lint
	@tools/lint $(ARGS)

sanitize: ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(INSTALL_PACKAGES) build test
	@tools/sanitize address,undefined $(ARGS)

tsan: ## the tests of threads under ThreadSanitizer
	@$(INSTALL_PACKAGES) build test
	@tools/sanitize thread $(ARGS)

valgrind: ## the tests under valgrind's memcheck
	@$(INSTALL_PACKAGES) build test memcheck
	@tools/valgrind $(ARGS)

fuzz: ## look for input that does harm: make fuzz SECONDS=60 TARGETS="json ..."
	@$(INSTALL_PACKAGES) build test fuzz
	@tools/fuzz $(SECONDS) $(TARGETS)

torture: ## kill runs at random and inside their writes: make torture ROUNDS=1000
	@$(INSTALL_PACKAGES) build test
	@$(MAKE) --no-print-directory $(BUILD)/.tests-enabled
	@ninja -C $(BUILD) --quiet
	@RETHINK=$(BUILD)/rethink python3 tests/torture/torture.py --rounds $(ROUNDS) $(ARGS)

install: all ## install to $(DESTDIR)$(PREFIX)
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@ninja -C $(BUILD) --quiet
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

bundle: ## one archive that runs on any x86-64 Linux with glibc 2.31 or later, without root
	@$(INSTALL_PACKAGES) build bundle
	@tools/bundle

dist: all ## a release archive, built and tested from itself
	@meson dist -C $(BUILD)

clean: ## remove what was built
	rm -rf $(BUILD) build-* demo

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

# Ninja knows what is out of date, so it is always asked.
.PHONY: $(BUILD)/rethink
$(BUILD)/rethink: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet rethink

$(BUILD)/build.ninja:
	@tools/configure $(BUILD) -Dprefix=$(PREFIX)

# cmocka may have come after the first configuration.
$(BUILD)/.tests-enabled: $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dtests=enabled
	@log=$$(ninja -C $(BUILD) build.ninja) || { printf '%s\n' "$$log"; exit 1; }
	@touch $@
