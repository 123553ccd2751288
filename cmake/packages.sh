#!/bin/bash
# packages.sh build|test|bench|deb - installs the Debian packages that are missing; does nothing, and needs
# no network, when all are there. The lists here are the only ones.
set -euo pipefail

build=(
	gcc libc6-dev cmake ninja-build pkg-config
	protobuf-compiler protobuf-c-compiler libprotobuf-c-dev libprotobuf-dev libprotoc-dev
	libsodium-dev libevent-dev libsqlite3-dev libjansson-dev libinih-dev libsystemd-dev
	libelf-dev libcmocka-dev
	scdoc python3
)
test=("${build[@]}" g++ clang libclang-rt-dev clang-format util-linux
	python3-nacl python3-protobuf man-db)
test+=(python3-dissononce) # tests/noise
test+=(minisign) # tests/scenario/test_plugin_files.c
bench=("${build[@]}" redis-server redis-tools g++ libgrpc++-dev protobuf-compiler-grpc)
# To make Debian packages; to check those, and the units for systemd, of which nothing is started by its installation.
deb=("${build[@]}" dpkg-dev file gzip xz-utils)
test+=("${deb[@]}" lintian systemd)

case "${1:-}" in
build) wanted=("${build[@]}") ;;
test) wanted=("${test[@]}") ;;
bench) wanted=("${bench[@]}") ;;
deb) wanted=("${deb[@]}") ;;
*)
	echo "usage: packages.sh build|test|bench|deb" >&2
	exit 64
	;;
esac

if ! command -v dpkg-query >/dev/null; then
	echo "packages.sh: this is no Debian; going on in the hope that these are there: ${wanted[*]}" >&2
	exit 0
fi

missing=()
for package in "${wanted[@]}"; do
	status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=none
	[[ $status == installed* ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

as_root=()
if [[ $EUID -ne 0 ]]; then
	if ! command -v sudo >/dev/null; then
		echo "packages.sh: these Debian packages are missing, and neither root nor sudo is at hand:" >&2
		echo "  apt-get install ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
	[[ -t 0 ]] || as_root+=(--non-interactive)
fi

echo "packages.sh: installing ${missing[*]}"
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q)
"${apt[@]}" update
"${apt[@]}" install -y --no-install-recommends "${missing[@]}"
