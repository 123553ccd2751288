#!/bin/bash
# Every include that the table forbids is refused by name, and those that it allows pass.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
n_wrong=0

# with FILE INCLUDE EXPECTED: a tree of this one file; EXPECTED is the refusal, or nothing.
with() {
	local file=$1 include=$2 expected=$3 got
	rm -rf "${tree:?}"/*
	mkdir -p "$tree/$(dirname "$file")"
	printf '/* a file */\n#include %s\n' "$include" >"$tree/$file"
	got=$(bash "$here/layering.sh" "$tree" | grep -v '^layering: ') || true
	if [[ $got != "$expected" ]]; then
		printf 'with %s in %s\n  expected: %s\n  got:      %s\n' "$include" "$file" "$expected" "$got"
		n_wrong=$((n_wrong + 1))
	fi
}

supervisor="daemon/config daemon/store daemon/caps daemon/base proto proto/support plugins/sdk"

with proto/support/fd.h '"proto/frame.h"' \
	'proto/support/fd.h:2: proto/support may not include proto/frame.h, which is in proto (it may include: only itself)'
with proto/frame.c '"daemon/base/log.h"' \
	'proto/frame.c:2: proto may not include daemon/base/log.h, which is in daemon/base (it may include: proto/support)'
with daemon/base/log.c '"proto/frame.h"' \
	'daemon/base/log.c:2: daemon/base may not include proto/frame.h, which is in proto (it may include: proto/support)'
with daemon/base/log.c '<wat/node.pb-c.h>' \
	'daemon/base/log.c:2: daemon/base may not include wat/node.pb-c.h, which is in proto (it may include: proto/support)'
with daemon/store/store.c '"daemon/caps/keyring.h"' \
	'daemon/store/store.c:2: daemon/store may not include daemon/caps/keyring.h, which is in daemon/caps (it may include: daemon/base proto proto/support)'
with daemon/caps/keyring.c '"daemon/store/store.h"' \
	'daemon/caps/keyring.c:2: daemon/caps may not include daemon/store/store.h, which is in daemon/store (it may include: daemon/base proto proto/support)'
with daemon/config/ini.c '"daemon/supervisor/options.h"' \
	'daemon/config/ini.c:2: daemon/config may not include daemon/supervisor/options.h, which is in daemon/supervisor (it may include: proto proto/support)'
with daemon/host/loop.c '"daemon/supervisor/node.h"' \
	'daemon/host/loop.c:2: daemon/host may not include daemon/supervisor/node.h, which is in daemon/supervisor (it may include: daemon/base proto proto/support plugins/sdk)'
with daemon/host/loop.c '"daemon/caps/keyring.h"' \
	'daemon/host/loop.c:2: daemon/host may not include daemon/caps/keyring.h, which is in daemon/caps (it may include: daemon/base proto proto/support plugins/sdk)'
with daemon/supervisor/node.c '"daemon/host/loop.h"' \
	"daemon/supervisor/node.c:2: daemon/supervisor may not include daemon/host/loop.h, which is in daemon/host (it may include: $supervisor)"
with daemon/supervisor/node.c '<wat/wat.h>' \
	"daemon/supervisor/node.c:2: daemon/supervisor may not include wat/wat.h, which is in client/include (it may include: $supervisor)"
with daemon/gate/gate.c '"daemon/caps/keyring.h"' \
	'daemon/gate/gate.c:2: daemon/gate may not include daemon/caps/keyring.h, which is in daemon/caps (it may include: client/include daemon/base proto proto/support)'
with client/connection.c '"daemon/base/log.h"' \
	'client/connection.c:2: client may not include daemon/base/log.h, which is in daemon/base (it may include: client/include proto proto/support)'
with client/connection.c '"client/watctl/keyring.h"' \
	'client/connection.c:2: client may not include client/watctl/keyring.h, which is in client/watctl (it may include: client/include proto proto/support)'
with client/watctl/main.c '"client/lane.h"' \
	'client/watctl/main.c:2: client/watctl may not include client/lane.h, which is in client (it may include: client/include proto proto/support)'
with client/include/wat/wat.h '"proto/frame.h"' \
	'client/include/wat/wat.h:2: client/include may not include proto/frame.h, which is in proto (it may include: only itself)'
with plugins/counter/counter.c '"proto/frame.h"' \
	'plugins/counter/counter.c:2: plugins may not include proto/frame.h, which is in proto (it may include: plugins/sdk generated)'
with plugins/counter/counter.c '<wat/raw.h>' \
	'plugins/counter/counter.c:2: plugins may not include wat/raw.h, which is in client/include (it may include: plugins/sdk generated)'
with plugins/sdk/include/wat/plugin.h '<wat/envelope.pb-c.h>' \
	'plugins/sdk/include/wat/plugin.h:2: plugins/sdk may not include wat/envelope.pb-c.h, which is in proto (it may include: only itself)'
with daemon/supervisor/node.c '"node.h"' \
	'daemon/supervisor/node.c:2: "node.h" is not written from the root of the repository'
with daemon/stray.c '<errno.h>' 'daemon/stray.c:2: no layer of the table holds this file'

with proto/frame.c '"proto/support/bytes.h"' ''
with daemon/base/log.c '<wat/status.h>' ''
with daemon/host/loop.c '<wat/plugin.h>' ''
with daemon/gate/gate.c '<wat/wat.h>' ''
with plugins/counter/counter.c '"counter.service.h"' ''
with client/connection.c '<wat/session.pb-c.h>' ''
with client/include/wat/raw.h '<wat/wat.h>' ''

rm -rf "${tree:?}"/*
mkdir -p "$tree/daemon/supervisor"
echo '#include <errno.h>' >"$tree/daemon/supervisor/main.c"
echo 'add_executable(watd main.c ../host/loop.c)' >"$tree/daemon/supervisor/CMakeLists.txt"
got=$(bash "$here/layering.sh" "$tree") && r=0 || r=$?
expected='daemon/supervisor/CMakeLists.txt:1: watd may not be linked with daemon/host: add_executable(watd main.c ../host/loop.c)'
if [[ $got != "$expected"$'\n'* || $r -ne 1 ]]; then
	printf 'expected: %s\ngot: %s (exit %d)\n' "$expected" "$got" "$r"
	n_wrong=$((n_wrong + 1))
fi

echo "test_layering: $n_wrong wrong"
((n_wrong == 0))
