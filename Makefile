# The thin door: what a bare Debian lacks is installed, then CMake does the work.
#   make        builds into build/
#   make run    builds, and shows watd at work
#   make test   builds in every way that is tested, and runs all tests
#   make torture  kills what can die, 1,000 times in each way, and cuts the power 5,000 times; TORTURE_ROUNDS=, TORTURE_SEED=
#   make bench  measures calls against a bare echo, Redis and gRPC; BENCH_SECONDS=20 for steadier figures
#   make deb    builds Debian packages into build/deb/packages/
.PHONY: all packages build run test torture bench deb clean

all: build

packages:
	@cmake/packages.sh build

build: packages
	@mkdir -p build
	@cmake -S . -B build $(if $(wildcard build/CMakeCache.txt),,-G Ninja) -DCMAKE_BUILD_TYPE=Release -DWAT_SANITIZE= $(WITH) > build/configure.log 2>&1 \
		|| { cat build/configure.log; exit 1; }
	@cmake --build build

run: build
	@examples/tour.sh

test:
	@cmake/packages.sh test
	@cmake/test.sh

torture:
	@cmake/packages.sh test
	@cmake/torture.sh

bench:
	@cmake/packages.sh bench
	@$(MAKE) --no-print-directory build WITH=-DWAT_BENCH_GRPC=ON
	@tests/bench/run.sh build/bin/wat-bench --json build/bench.json

deb:
	@cmake/packages.sh deb
	@mkdir -p build/deb
	@cmake -S . -B build/deb $(if $(wildcard build/deb/CMakeCache.txt),,-G Ninja) -DCMAKE_BUILD_TYPE=Release -DWAT_SANITIZE= \
		-DWAT_DEBIAN=ON -DCMAKE_INSTALL_PREFIX=/usr > build/deb/configure.log 2>&1 || { cat build/deb/configure.log; exit 1; }
	@cmake --build build/deb
	@cd build/deb && cpack

clean:
	rm -rf build
