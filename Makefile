# `make run` and `make test` do all their own set-up.
SWIFT := swift
.PHONY: build run test drills fuzz sanitize setup setup-test lint bench-memory bench-streams bench-peers clean

build: setup
	$(SWIFT) build -c release --quiet

run: build
	@scripts/demo.sh

# Numerics are too slow in debug builds, so tests run optimised, in the same build that `make run` uses. One after the
# other: the large models' tests would starve those that talk to a real client, which gives up at some time.
test: setup-test
	$(SWIFT) build -c release --build-tests --quiet
	$(SWIFT) test -c release --skip-build --no-parallel
	@Fuzz/fuzz.sh 100000

# A hundred kills of the daemon, and of a faster producer of events, at random moments; crowds of connections.
drills: setup-test
	$(SWIFT) build -c release --build-tests --quiet
	WATCHWORD_KILLS=100 WATCHWORD_CONNECTIONS=40000 $(SWIFT) test -c release --skip-build --no-parallel --filter 'CrashTests|FullDiskTests|SubscriberTests|ConnectionTests'

# Mutated inputs for each reader of untrusted files: `make fuzz RUNS=1000000`.
RUNS := 10000000
fuzz: setup
	@Fuzz/fuzz.sh $(RUNS)

# Ingest and the batcher under ThreadSanitizer and AddressSanitizer: two builds of their own.
sanitize: setup-test
	@scripts/sanitize.sh

setup:
	@scripts/setup.sh

setup-test:
	@scripts/setup.sh test
	@scripts/fetch-real-video.sh

lint:
	$(SWIFT) format lint --strict --recursive Sources Plugins Tests Fuzz Package.swift

# Ten minutes of four looped live streams: memory at the start and at the end.
bench-memory: build
	.build/release/watchword bench memory Tests/Fixtures/videos/lobby.mp4 --streams 4 --seconds 600

# As many cameras as this machine can watch: 1080p25 H.264 over RTSP, ViT-B/32, 1,000 queries.
bench-streams: build
	.build/release/watchword bench streams --precision int8

# The image tower beside PyTorch, ONNX Runtime and OpenVINO, cameras beside Python, and standing queries beside FAISS, in
# turns; writes the sections of Benchmarks/RESULTS.md.
bench-peers: build
	@Benchmarks/peers/install.sh .build/peers/venv
	.build/peers/venv/bin/python Benchmarks/peers/encoder.py --results Benchmarks/RESULTS.md
	.build/peers/venv/bin/python Benchmarks/peers/streams.py --results Benchmarks/RESULTS.md -- --precision int8
	.build/peers/venv/bin/python Benchmarks/peers/streams.py --results Benchmarks/RESULTS.md -- --precision int8 --still --gate 4
	.build/peers/venv/bin/python Benchmarks/peers/queries.py --results Benchmarks/RESULTS.md

clean:
	rm -rf .build .build-fuzz .build-thread .build-address
