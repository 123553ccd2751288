#!/bin/bash
# layering.sh [ROOT] - folders are layers, and this is the table of which may include which. Prints
# a line for each include that goes the wrong way and fails if there is one.
#
# A layer may always include itself. Installed headers of proto (status.h, interface.h, types.h, the
# messages of types.proto) are public: everyone may include those. descriptor.proto counts as proto.
# "generated" stands for what protoc-gen-wat and protoc-gen-c make of a service's own .proto. tests/
# and examples/ may include everything.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

declare -A allowed=(
	[proto/support]=""
	[proto]="proto/support"
	[proto/gen]="proto proto/support"
	[plugins/sdk]=""
	[plugins]="plugins/sdk generated"
	[client/include]=""
	[client]="client/include proto proto/support"
	[client/watctl]="client/include proto proto/support"
	[daemon/base]="proto/support"
	[daemon/config]="proto proto/support"
	[daemon/store]="daemon/base proto proto/support"
	[daemon/caps]="daemon/base proto proto/support"
	[daemon/host]="daemon/base proto proto/support plugins/sdk"
	[daemon/harness]="daemon/host daemon/base proto proto/support plugins/sdk"
	[daemon/supervisor]="daemon/config daemon/store daemon/caps daemon/base proto proto/support plugins/sdk"
	[daemon/gate]="client/include daemon/base proto proto/support"
)

# Single includes that the table does not allow, each with its reason:
# - a grant in memory is the row that the store keeps, not a copy of its type.
excepted=(
	"daemon/caps/grants.h daemon/store/store.h"
)

n_files=0 n_refused=0

refuse() {
	printf '%s\n' "$1"
	n_refused=$((n_refused + 1))
}

# The layer of a path from the root: the longest folder that is in the table.
layer_of() {
	local folder=$1
	while [[ $folder == */* ]]; do
		folder=${folder%/*}
		if [[ -v "allowed[$folder]" ]]; then
			layer=$folder
			return
		fi
	done
	layer=
}

# The layer of what is written between the quotes or brackets of an include; empty for what is not
# ours.
target_of() {
	local file=$1 include=$2
	case $include in
	wat/wat.h | wat/raw.h | wat/token.h) target=client/include ;;
	wat/plugin.h | wat/test.h) target=plugins/sdk ;;
	wat/status.h | wat/interface.h | wat/types.h | wat/types.pb-c.h) target=public ;;
	wat/*) target=proto ;;
	google/protobuf/*) target=proto ;;
	proto/* | daemon/* | client/* | plugins/* | tests/*)
		layer_of "$include"
		target=${layer:-${include%%/*}}
		;;
	*.pb-c.h | *.client.h | *.service.h | *.test.h) target=generated ;;
	*) target= ;;
	esac
}

check_include() {
	local file=$1 line=$2 quoted=$3 include=$4 from may
	layer_of "$file"
	from=$layer
	target_of "$file" "$include"
	if [[ -z $target && $quoted == '"' ]]; then
		refuse "$file:$line: \"$include\" is not written from the root of the repository"
		return
	fi
	[[ -n $target && $target != public && $target != "$from" ]] || return 0
	for may in ${allowed[$from]}; do
		[[ $may != "$target" ]] || return 0
	done
	for may in "${excepted[@]}"; do
		[[ $may != "$file $include" ]] || return 0
	done
	refuse "$file:$line: $from may not include $include, which is in $target (it may include: ${allowed[$from]:-only itself})"
}

# FILE:LINE:"PATH or FILE:LINE:<PATH of every include in a folder of the table.
includes() {
	local folders=() folder
	for folder in proto daemon client plugins; do
		[[ ! -d $folder ]] || folders+=("$folder")
	done
	grep -rnE --include='*.c' --include='*.h' '^[[:space:]]*#[[:space:]]*include[[:space:]]' "${folders[@]}" |
		sed -nE 's/^([^:]*):([0-9]+):[[:space:]]*#[[:space:]]*include[[:space:]]*(["<])([^">]+)[">].*/\1 \2 \3 \4/p'
}

last=
while read -r file line quoted include; do
	[[ $file == "$last" ]] || n_files=$((n_files + 1))
	last=$file
	layer_of "$file"
	if [[ -z $layer ]]; then
		refuse "$file:$line: no layer of the table holds this file"
		continue
	fi
	check_include "$file" "$line" "$quoted" "$include"
done < <(includes)

# watd is never linked with what maps plugin code.
if [[ -e daemon/supervisor/CMakeLists.txt ]]; then
	while IFS=: read -r line text; do
		refuse "daemon/supervisor/CMakeLists.txt:$line: watd may not be linked with daemon/host: $text"
	done < <(grep -nE '(\.\.|daemon)/host/|target_link_libraries\(.*wat-host' daemon/supervisor/CMakeLists.txt || true)
fi

echo "layering: $n_files files, $n_refused wrong"
((n_files > 0 && n_refused == 0))
