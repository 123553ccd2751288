#!/bin/bash
# run.sh golden|refused|wrong|right - tests of protoc-gen-wat. $PROTOC, $GENERATOR, $BUILD (its include directory) and $SOURCE name the tools.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
	echo "FAILED: $*" >&2
	failed=1
}

# generate DIRECTORY FILE: all outputs for a .proto, into $work
generate() {
	"$PROTOC" --plugin=protoc-gen-wat="$GENERATOR" --wat_out="$work" -I"$1" -I"$SOURCE/proto" -I"$PROTOBUF_INCLUDE" "$2"
}

messages() {
	"$PROTOC" --c_out="$work" -I"$1" -I"$SOURCE/proto" -I"$PROTOBUF_INCLUDE" "$2"
}

both() {
	generate "$SOURCE/plugins/counter" counter.proto
	generate "$here" kv.proto
	messages "$SOURCE/plugins/counter" counter.proto
	messages "$here" kv.proto
}

includes() {
	echo -I"$work" -I"$BUILD/include" -I"$SOURCE"
}

# The output is what the goldens say, twice, and clang-format has nothing to add. WAT_UPDATE=1 writes the goldens.
golden() {
	both
	for file in {counter,kv}.{client.h,service.h,test.h,wat.c}; do
		if [[ -n ${WAT_UPDATE:-} ]]; then cp "$work/$file" "$here/golden/$file"; fi
		diff -u "$here/golden/$file" "$work/$file" || fail "$file is not what its golden says"
	done
	for file in {counter,kv}.{client.h,service.h,test.h,wat.c,plugin.c}; do
		clang-format --style="file:$SOURCE/.clang-format" "$work/$file" | diff -u "$work/$file" - >"$work/format.diff" ||
			fail "clang-format would change $file: $(head -20 "$work/format.diff")"
	done
	mkdir "$work/again"
	cp "$work"/*.plugin.c "$work/again"
	both
	cmp "$work/again/kv.plugin.c" "$work/kv.plugin.c" || fail "two runs differ"
}

# Each refusal is said at its place.
refused() {
	no_request
	for proto in "$here"/refused/*.proto; do
		name=$(basename "$proto" .proto)
		if generate "$here/refused" "$name.proto" 2>"$work/said"; then fail "$name was not refused"; fi
		grep -qF -- "$(cat "$here/refused/$name.expected")" "$work/said" || fail "$name: $(cat "$work/said")"
	done
}

# Plain cc, without a flag of ours: each mistake is an error for the right reason (rows 2, 16).
wrong() {
	both
	for source in "$here"/wrong/*.c; do
		name=$(basename "$source" .c)
		expected=$(sed -n '1s/.*expect: \(.*\) \*\//\1/p' "$source")
		objects=("$source")
		mode=(-c -o "$work/wrong.o")
		if [[ $name == missing_handler ]]; then
			objects+=("$work"/counter.{pb-c,wat,plugin}.c "$BUILD/include/wat/types.pb-c.c")
			mode=(-shared -fPIC -Wl,-z,defs -o "$work/wrong.so")
		fi
		# shellcheck disable=SC2046
		if LC_ALL=C cc $(includes) "${mode[@]}" "${objects[@]}" -lprotobuf-c 2>"$work/said"; then fail "$name compiles"; fi
		grep -qF -- "$expected" "$work/said" || fail "$name: expected \"$expected\": $(cat "$work/said")"
	done
}

# Services of two files that share a third one, in one plugin.
several() {
	"$PROTOC" --plugin=protoc-gen-wat="$GENERATOR" --wat_out="plugin=both:$work" -I"$here/several" -I"$SOURCE/proto" \
		-I"$PROTOBUF_INCLUDE" common.proto left.proto right.proto
	for proto in common left right; do messages "$here/several" $proto.proto; done
	[[ -e $work/both.plugin.c && ! -e $work/left.plugin.c ]] || fail "one run makes one plugin.c"
	# shellcheck disable=SC2046
	cc $(includes) -Wall -Wextra -Werror -shared -fPIC -Wl,-z,defs -o "$work/both.so" "$here/several/handlers.c" \
		"$work"/{common,left,right}.{pb-c,wat}.c "$work/both.plugin.c" "$BUILD/include/wat/types.pb-c.c" -lprotobuf-c ||
		fail "a plugin of two files"
}

# The headers compile alone and together, as C and as C++, with every warning on.
right() {
	both
	for name in counter kv; do
		printf '#include "%s.client.h"\n#include "%s.test.h"\nint main(void) { return 0; }\n' $name $name >"$work/both.c"
		printf '#include "%s.client.h"\nint main() { return 0; }\n' $name >"$work/alone.cc"
		# shellcheck disable=SC2046
		cc $(includes) -std=c17 -Wall -Wextra -Werror -Wconversion -c -o "$work/o" "$work/both.c" || fail "$name as C"
		# shellcheck disable=SC2046
		c++ $(includes) -Wall -Wextra -Werror -c -o "$work/o" "$work/alone.cc" || fail "$name as C++"
	done
	several
	odd
	cat >"$work/uses.c" <<'C'
#include "kv.client.h"
int use(kv_store_user *u, kv_user *k, char **body)
{
	kv_item item = KV_ITEM_INIT;
	kv_item_key key = KV_ITEM_KEY_INIT;
	item.key = &key;
	if (kv_store_put(u, &item, NULL) != 0 || kv_size_with(k, body) != 0)
		return 1;
	return kv_store_http_get_with(u, "url", 80, true, "me", body);
}
C
	# shellcheck disable=SC2046
	cc $(includes) -Wall -Wextra -Werror -c -o "$work/o" "$work/uses.c" || fail "the names of kv"
}

# What does not come from protoc ends with a sentence, not with a crash: 12,000 nested messages overflow the stack
# of a decoder that recurses.
no_request() {
	local status=0
	printf 'GET / HTTP/1.1\r\n\r\n' | "$GENERATOR" 2>"$work/said" >"$work/written" || status=$?
	[[ $status == 1 && ! -s $work/written ]] || fail "text: exit $status"
	grep -q '^protoc-gen-wat.*: no request of protoc: .*expected' "$work/said" || fail "text: $(cat "$work/said")"
	status=0
	nested 12000 | "$GENERATOR" 2>"$work/said" >"$work/written" || status=$?
	[[ $status == 1 && ! -s $work/written ]] || fail "nested messages: exit $status"
	grep -q 'expected messages at most 64 deep' "$work/said" || fail "nested messages: $(cat "$work/said")"
}

# nested N: a request whose file has a message in a message in a message ...
nested() {
	perl -e '
		sub field { # number, bytes
			my ($number, $bytes) = @_;
			my ($n, $head) = (length $bytes, chr($number << 3 | 2));
			for (; $n > 127; $n >>= 7) { $head .= chr($n & 127 | 128) }
			return $head . chr($n) . $bytes;
		}
		my $message = "";
		$message = field(3, $message) for 2 .. $ARGV[0];
		print field(15, field(4, $message));
	' "$1"
}

# What is allowed and seldom seen (odd/odd.proto says what), in a plugin that compiles.
odd() {
	generate "$here/odd" odd.proto
	for proto in odd nowhere; do messages "$here/odd" $proto.proto; done
	# shellcheck disable=SC2046
	cc $(includes) -Wall -Wextra -Werror -shared -fPIC -Wl,-z,defs -o "$work/odd.so" "$here/odd/handlers.c" \
		"$work"/{odd,nowhere}.pb-c.c "$work"/odd.{wat,plugin}.c "$BUILD/include/wat/types.pb-c.c" -lprotobuf-c ||
		fail "a plugin of odd.proto"
}

"$1"
exit $failed
