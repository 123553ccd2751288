#!/bin/bash
# headers.sh - libwat's headers as strangers use them: each alone as C89 declarations, in later C and
# as C++; everything that is exported is declared; no frame or envelope of the wire is to be seen in
# them, nor in what the library says. row 35
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
	echo "FAILED: $*" >&2
	failed=1
}

public=(wat.h raw.h token.h status.h interface.h types.h plugin.h test.h)
for header in "${public[@]}"; do
	printf '#include <wat/%s>\nint unused_;\n' "$header" >"$work/alone.c"
	cp "$work/alone.c" "$work/alone.cc"
	modes=("-std=c89 -pedantic -Wno-long-long" "-std=c99 -pedantic" "-std=c17")
	# For the authors of services, whose macros take any number of arguments: C99.
	[[ $header == plugin.h ]] && modes=("-std=c99" "-std=c17")
	for mode in "${modes[@]}"; do
		for compiler in gcc clang; do
			# shellcheck disable=SC2086
			$compiler $mode -Wall -Wextra -Werror -I"$BUILD/include" -c \
				-o "$work/o" "$work/alone.c" || fail "$header, $compiler $mode"
		done
	done
	[[ $header == plugin.h ]] && continue
	for compiler in g++ clang++; do
		$compiler -std=c++17 -Wall -Wextra -Werror -I"$BUILD/include" -c -o "$work/o" "$work/alone.cc" || fail "$header, $compiler"
	done
done

printf '#include "counter.client.h"\nint unused_;\n' >"$work/generated.c"
cp "$work/generated.c" "$work/generated.cc"
for mode in -std=c99 -std=c17; do
	cc $mode -Wall -Wextra -Werror -I"$BUILD/include" -I"$GENERATED" -c -o "$work/o" "$work/generated.c" ||
		fail "counter.client.h, $mode"
done
c++ -std=c++17 -Wall -Wextra -Werror -I"$BUILD/include" -I"$GENERATED" -c -o "$work/o" "$work/generated.cc" ||
	fail "counter.client.h, C++"

# What is exported is what is declared, no more and no less. A sanitizer adds symbols of its own.
nm -D --defined-only "$LIBWAT" | awk '{ print $3 }' | sed 's/@.*//' | grep -vE '^(WAT_1|_+(asan|odr_asan|ubsan|tsan|sanitizer)_?.*)$' |
	sort >"$work/exported"
{
	grep -hv '^#' "$BUILD"/include/wat/{wat,raw,token}.h | tr '\n\t' '  ' | grep -oE '\bWAT_API(_CHECK)? [^;(]*\(' | grep -oE '[a-z_]+\($'
	grep -oE '\bwat_status_[a-z]+\(' "$BUILD/include/wat/status.h"
} | tr -d '(' | sort >"$work/declared"
[[ $(wc -l <"$work/declared") -gt 30 ]] || fail "the declarations were not found"
diff "$work/declared" "$work/exported" || fail "what is declared (<) is not what is exported (>)"

# Handles are opaque.
for handle in wat wat_node wat_capability; do
	! grep -qE "struct $handle \{" "$BUILD"/include/wat/*.h || fail "struct $handle is not opaque"
done
frames='HELLO|WELCOME|\bBIND\b|\bBOUND\b|\bATTACHED\b|GOAWAY|Wat__Envelope|envelope'
! grep -nE "$frames" "$BUILD"/include/wat/{wat,raw,token,status,interface,types,plugin}.h || fail "a header shows the wire"
# Assertions of protobuf-c's generated code are of no text that anybody is told; a sanitizer adds the names of types.
nm -D "$LIBWAT" >"$work/symbols"
if ! grep -qE '__asan|__tsan' "$work/symbols"; then
	strings "$LIBWAT" | grep ' ' | grep -v '^message->base.descriptor == ' >"$work/texts"
	! grep -E "$frames" "$work/texts" || fail "a text of the library shows the wire"
fi
exit $failed
