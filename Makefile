# `make run` and `make test` do all their own set-up.
SWIFT := swift
.PHONY: build run test deb test-deb drills soak soak-sanitize quality fuzz sanitize setup setup-test setup-deb setup-lint lint bench-memory bench-streams bench-page bench-peers clean

build: setup
	$(SWIFT) build -c release --quiet

# Only what the demonstration runs, and how far the build of it is.
HEADS := mean lstm transformer tight
run: setup
	@scripts/build.sh watchwordd watchword $(HEADS:%=watchword-head-%)
	@scripts/demo.sh

# Numerics are too slow in debug builds, so tests run optimised, in the same build that `make run` uses.
test: setup-test
	$(SWIFT) build -c release --build-tests --quiet
	@scripts/test.sh

# The Debian package, in .build/deb: it carries the part of the Swift runtime that it needs.
deb: setup-deb
	$(SWIFT) build -c release --quiet
	@packaging/build.sh

# Installs, runs, upgrades, removes and purges the package in a Debian of its own, made from the machine's mirror, and boots
# another with it. Not a part of `make test`, since that takes some minutes.
test-deb: deb
	@scripts/deb/test-deb.sh

# Measurements of quality, of twenty minutes, of which `make test` makes a part or none: what the bundled model is worth
# beside the one that it replaced, alert budgets over days, events by bf16 and int8, searches, ViT-L/14; full-size B/16
# of each family beside float64.
quality: setup-test
	@scripts/setup/setup.sh quality
	$(SWIFT) build -c release --build-tests --quiet
	Benchmarks/families.py
	WATCHWORD_QUALITY=1 scripts/test.sh \
	    --filter 'BundledModelTests|BudgetTests|EndToEndTests.PrecisionTests|HistoryCommandTests|ProceduralTests'

# All that docs/RELIABILITY.md promises, often: a hundred kills of the daemon, and of a faster producer of events, at random
# moments; crowds of connections; 100,000 events that wait for a notifier; five rounds of each other drill.
drills: setup-test
	$(SWIFT) build -c release --build-tests --quiet
	WATCHWORD_KILLS=100 WATCHWORD_DRILLS=5 WATCHWORD_CONNECTIONS=40000 WATCHWORD_WAITING=100000 scripts/test.sh \
	    --filter 'Drills|CrashTests|FullDiskTests|SubscriberTests|ConnectionTests|FollowerTests'

# Eight streams for an hour, a fault every 30 s: `make soak MINUTES=10 SEED=7`.
MINUTES := 60
SEED := 1
soak: setup-test
	$(SWIFT) build -c release --quiet
	@scripts/soak.py --minutes $(MINUTES) --seed $(SEED)

# Ten minutes of the same under ThreadSanitizer, then under AddressSanitizer; their reports are counted.
soak-sanitize: setup-test
	@scripts/sanitize/soak-sanitize.sh

# Mutated inputs for each reader of untrusted files: `make fuzz RUNS=1000000`.
RUNS := 10000000
fuzz: setup
	@Fuzz/fuzz.sh $(RUNS)

# Ingest and the batcher under ThreadSanitizer and AddressSanitizer: two builds of their own.
sanitize: setup-test
	@scripts/sanitize/sanitize.sh

setup:
	@scripts/setup/setup.sh

setup-test:
	@scripts/setup/setup.sh test
	@scripts/setup/web-tools.sh
	@scripts/setup/unpack.sh rtmp-server nginx libnginx-mod-rtmp
	@scripts/setup/unpack.sh etcd etcd-server etcd-client
	@scripts/setup/mosquitto.sh
	@scripts/setup/home-assistant.sh
	@scripts/setup/fetch-real-video.sh

setup-deb:
	@scripts/setup/setup.sh deb

setup-lint:
	@scripts/setup/setup.sh lint

# The formatters' rules (C's where clang-format is installed: `make setup-lint`), and comments within 120 columns, at
# which they do not look; sizes of targets, folders and functions.
C_FILES = $$(find Sources Plugins Tests Fuzz -name '*.c' -o -name '*.h')
lint:
	$(SWIFT) format lint --strict --recursive Sources Plugins Tests Fuzz Package.swift
	@if command -v clang-format >/dev/null; then clang-format --dry-run -Werror $(C_FILES); \
	    else echo 'clang-format is not installed: the C is not checked'; fi
	@! LC_ALL=C.UTF-8 grep -rnP --include='*.swift' --include='*.c' --include='*.h' \
	    '^(?=\s*//).{121,}' Sources Plugins Tests Fuzz Package.swift
	@scripts/lint/structure.py

# Ten minutes of four looped live streams: memory at the start and at the end.
bench-memory: build
	.build/release/watchword bench memory Tests/Fixtures/videos/lobby.mp4 --streams 4 --seconds 600

# As many cameras as this machine can watch: 1080p25 H.264 over RTSP, ViT-B/32, 1,000 queries.
bench-streams: build
	.build/release/watchword bench streams --precision int8

# The page in Chromium: first frame and lag of a camera's video, what viewers cost, first paint with much of everything.
bench-page: setup-test
	$(SWIFT) build -c release --build-tests --quiet
	.build/web-tools/bin/python Benchmarks/page.py --results Benchmarks/RESULTS.md

# The image tower beside PyTorch, ONNX Runtime and OpenVINO, cameras beside Python, and standing queries beside FAISS, in
# turns; writes the sections of Benchmarks/RESULTS.md.
bench-peers: build
	@Benchmarks/peers/install.sh .build/peers/venv
	.build/peers/venv/bin/python Benchmarks/peers/encoder.py --results Benchmarks/RESULTS.md
	.build/peers/venv/bin/python Benchmarks/peers/streams.py --results Benchmarks/RESULTS.md -- --precision int8
	.build/peers/venv/bin/python Benchmarks/peers/streams.py --results Benchmarks/RESULTS.md -- --precision int8 --still --gate 4
	.build/peers/venv/bin/python Benchmarks/peers/queries.py --results Benchmarks/RESULTS.md
	.build/peers/venv/bin/python Benchmarks/peers/history.py --results Benchmarks/RESULTS.md

clean:
	rm -rf .build .build-fuzz .build-thread .build-address
