#!/bin/bash
# run.sh golden|order|refused|wrong|right|names|describe - tests of protoc-gen-wat. $PROTOC, $GENERATOR, $MESSAGES (protoc-gen-wat-c), $WATCTL,
# $BUILD (its include directory) and $SOURCE name the tools.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
	echo "FAILED: $*" >&2
	failed=1
}

wat_protoc() {
	"$PROTOC" --plugin=protoc-gen-wat="$GENERATOR" --plugin=protoc-gen-c="$MESSAGES" -I"$SOURCE/proto" -I"$PROTOBUF_INCLUDE" "$@"
}

# generate DIRECTORY FILE: all outputs for a .proto, into $work
generate() {
	wat_protoc --wat_out="$work" -I"$1" "$2"
}

messages() {
	wat_protoc --c_out="$work" -I"$1" "$2"
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
}

# Two runs say the same, byte for byte, in whatever order the files are named.
order() {
	local orders=("common left right" "right left common" "left right common" "right common left") files out
	for i in "${!orders[@]}"; do
		mkdir "$work/$i"
		read -ra files <<<"${orders[$i]}"
		wat_protoc --wat_out="plugin=both:$work/$i" -I"$here/several" "${files[@]/%/.proto}"
	done
	[[ -e $work/0/both.plugin.c && -e $work/0/left.client.h ]] || fail "there is nothing to compare"
	for i in 1 2 3; do
		diff -r "$work/0" "$work/$i" >"$work/different" || fail "${orders[$i]}: $(head -20 "$work/different")"
	done
	# Without a name the plugin gets that of the first file, in the same sense.
	for i in 4 5; do mkdir "$work/$i"; done
	wat_protoc --wat_out="$work/4" -I"$here/several" right.proto left.proto
	wat_protoc --wat_out="$work/5" -I"$here/several" left.proto right.proto
	out=$(cd "$work/4" && echo ./*.plugin.c)
	[[ $out == ./left.plugin.c ]] || fail "the plugin of left and right is $out"
	diff -r "$work/4" "$work/5" || fail "the order of the command line shows"
}

# Each refusal is said at its place.
refused() {
	no_request
	for proto in "$here"/refused/*.proto; do
		name=$(basename "$proto" .proto)
		if generate "$here/refused" "$name.proto" 2>"$work/said"; then fail "$name was not refused"; fi
		grep -qF -- "$(cat "$here/refused/$name.expected")" "$work/said" || fail "$name: $(cat "$work/said")"
	done
	# What a later generator may know, this one does not pass over.
	for name in file service method; do
		if generate "$here/newer" $name.proto 2>"$work/said"; then fail "newer/$name was not refused"; fi
		grep -qF -- "$(cat "$here/newer/$name.expected")" "$work/said" || fail "newer/$name: $(cat "$work/said")"
	done
	reserved
	together
	large
}

# Every name that a generated function of each service has, as a method's.
reserved() {
	mkdir "$work/reserved"
	for method in Admin User Spawn Provision Deprovision Stop Start Open; do
		{
			printf 'syntax = "proto3";\npackage p;\nimport "wat/options.proto";\nmessage S { int32 a = 1; }\n'
			printf 'service T {\n  option (wat.service) = { state: "p.S" };\n  rpc %s(S) returns (S);\n}\n' "$method"
		} >"$work/reserved/$method.proto"
		if generate "$work/reserved" "$method.proto" 2>"$work/said"; then fail "the method $method was not refused"; fi
		grep -qF "$method.proto:7:3: error: method name $method is reserved" "$work/said" || fail "$method: $(cat "$work/said")"
	done
}

# Files that are good alone and can't be in one plugin: their C names meet.
together() {
	for name in one two three; do generate "$here/together" $name.proto || fail "$name alone"; done
	for pair in "two.proto one.proto" "three.proto one.proto"; do
		# shellcheck disable=SC2086
		if wat_protoc --wat_out="$work" -I"$here/together" $pair 2>"$work/said"; then fail "$pair was not refused"; fi
		case $pair in
		two*) expected="two.proto:5:1: error: message two.kv.S gets the C name kv_s, which message one.kv.S of one.proto in the same plugin has" ;;
		*) expected="three.proto:8:3: error: method Call of service Go gets the C name kv_tone_go_call, which method Go of service Tone of one.proto" ;;
		esac
		grep -qF -- "$expected" "$work/said" || fail "$pair: $(cat "$work/said")"
	done
}

# A schema that watd would not read is refused where it is made.
large() {
	mkdir "$work/large"
	{
		printf 'syntax = "proto3";\npackage p;\nimport "wat/options.proto";\n'
		for ((i = 0; i < 11; i++)); do printf '// %0100000d\nmessage S%d { int32 a = 1; }\n' 0 $i; done
		printf 'service T { option (wat.service) = { state: "p.S0" }; rpc Go(S0) returns (S0); }\n'
	} >"$work/large/large.proto"
	if generate "$work/large" large.proto 2>"$work/said"; then fail "a schema of 1.1 MB was not refused"; fi
	grep -q "large.proto:1:1: error: the plugin's schema.* at most 1048576 are possible" "$work/said" ||
		fail "large: $(head -c 500 "$work/said")"
}

# Plain cc, without a flag of ours, be it gcc or clang: each mistake is an error for the right reason (rows 2, 16). What is
# right beside it compiles.
wrong() {
	both
	for source in "$here"/wrong/*.c; do
		for compiler in gcc clang; do wrong_with "$compiler" "$source"; done
	done
}

wrong_with() {
	local compiler=$1 source=$2 name expected objects mode
	name=$(basename "$source" .c)
	expected=$(sed -n '1s/.*expect: \(.*\) \*\//\1/p' "$source")
	[[ $expected ]] || fail "$name expects nothing"
	objects=("$source")
	mode=(-c -o "$work/wrong.o")
	if [[ $name == missing_* ]]; then
		objects+=("$work"/{counter,kv}.{pb-c,wat,plugin}.c "$BUILD/include/wat/types.pb-c.c")
		[[ $name == missing_handler ]] && objects=("$source" "$work"/counter.{pb-c,wat,plugin}.c "$BUILD/include/wat/types.pb-c.c")
		mode=(-shared -fPIC -Wl,-z,defs -o "$work/wrong.so")
	fi
	# shellcheck disable=SC2046
	if LC_ALL=C "$compiler" $(includes) "${mode[@]}" "${objects[@]}" -lprotobuf-c 2>"$work/said"; then
		fail "$compiler: $name compiles"
	fi
	grep -q 'error: ' "$work/said" || fail "$compiler: $name is no error of the compiler: $(cat "$work/said")"
	[[ $name == missing_* || $(grep -c 'error: ' "$work/said") == 1 ]] ||
		fail "$compiler: $name fails for other reasons too: $(cat "$work/said")"
	grep -qF -- "$expected" "$work/said" || fail "$compiler: $name: expected \"$expected\": $(cat "$work/said")"
	# Without the mistake, which stands between the lines of #ifndef RIGHT, the same file compiles.
	[[ $name == missing_* ]] && return
	# shellcheck disable=SC2046
	"$compiler" -DRIGHT $(includes) -c -o "$work/right.o" "$source" || fail "$compiler: $name does not compile without its mistake"
}

# Services of two files that share a third one, in one plugin.
several() {
	wat_protoc --wat_out="plugin=both:$work" -I"$here/several" common.proto left.proto right.proto
	for proto in common left right; do messages "$here/several" $proto.proto; done
	[[ -e $work/both.plugin.c && ! -e $work/left.plugin.c ]] || fail "one run makes one plugin.c"
	# shellcheck disable=SC2046
	cc $(includes) -Wall -Wextra -Werror -shared -fPIC -Wl,-z,defs -o "$work/both.so" "$here/several/handlers.c" \
		"$work"/{common,left,right}.{pb-c,wat}.c "$work/both.plugin.c" "$BUILD/include/wat/types.pb-c.c" -lprotobuf-c ||
		fail "a plugin of two files"
}

# compiles NAME...: the headers alone and together, as C and as C++, with every warning on, and the tables.
compiles() {
	local name compiler
	for name in "$@"; do
		printf '#include "%s.client.h"\n#include "%s.test.h"\nint main(void) { return 0; }\n' "$name" "$name" >"$work/both.c"
		printf '#include "%s.client.h"\nint main() { return 0; }\n' "$name" >"$work/alone.cc"
		for compiler in gcc clang; do
			# shellcheck disable=SC2046
			$compiler $(includes) -std=c17 -Wall -Wextra -Werror -Wconversion -c -o "$work/o" "$work/both.c" ||
				fail "$name as C, $compiler"
			for part in wat plugin; do
				# shellcheck disable=SC2046
				$compiler $(includes) -Wall -Wextra -Werror -c -o "$work/o" "$work/$name.$part.c" || fail "$name.$part.c, $compiler"
			done
		done
		for compiler in g++ clang++; do
			# shellcheck disable=SC2046
			$compiler $(includes) -Wall -Wextra -Werror -c -o "$work/o" "$work/alone.cc" || fail "$name as C++, $compiler"
		done
	done
}

# Names of every casing, and every word that C, C++ or a generated function has.
names() {
	generate "$here" names.proto
	messages "$here" names.proto
	words
	compiles names words
	for symbol in http_server_x_my_msg_inner_thing_deep_er http_server_x_http_req2 HTTP_SERVER_X_MY_MSG_INIT \
		http_server_x_names_get_url_with http_server_x_new; do
		grep -qE "\b$symbol\b" "$work/names.client.h" || fail "names.client.h has no $symbol"
	done
	for symbol in http_server_x_names_on_get_url http_server_x_on_new http_server_x_names_return_take; do
		grep -qE "\b$symbol\b" "$work/names.service.h" || fail "names.service.h has no $symbol"
	done
	grep -qF '/* Makes one: behind, not above. */' "$work/names.client.h" || fail "a comment behind a method was lost"
	# Options that were set one by one are all there.
	grep -q 'version = 7u' "$work/names.wat.c" || fail "the version was lost"
	grep -q 'state_max = 1000u' "$work/names.wat.c" || fail "state_max was lost"
	grep -q 'deadline_ms = 250u' "$work/names.wat.c" || fail "deadline_ms was lost"
}

# Fields and methods of all words that protobuf-c mends, four to a request, so that each is a parameter too.
words() {
	local words=() i=0 j
	mapfile -t words < <(sed -n '/mended\[\] = {/,/};/p' "$SOURCE/proto/gen/members.c" | grep -o '"[a-z_]*"' | tr -d '"')
	((${#words[@]} > 60)) || fail "no words"
	{
		printf 'syntax = "proto3";\npackage words;\nimport "wat/options.proto";\n'
		for ((i = 0; i < ${#words[@]}; i += 4)); do
			printf 'message M%d {' $i
			for ((j = i; j < i + 4 && j < ${#words[@]}; j++)); do printf ' int32 %s = %d;' "${words[j]}" $((j + 1)); done
			printf ' }\n'
		done
		for ((i = 0; i < ${#words[@]}; i += 40)); do
			printf 'service S%d {\n  option (wat.service) = { state: "words.M0" };\n' $i
			for ((j = i; j < i + 40 && j < ${#words[@]}; j++)); do
				printf '  rpc %s(M%d) returns (M%d);\n' "${words[j]}" $((j / 4 * 4)) $((j / 4 * 4))
			done
			printf '}\n'
		done
	} >"$work/words.proto"
	generate "$work" words.proto
	messages "$work" words.proto
}

right() {
	both
	compiles counter kv
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
	local generator
	for generator in "$GENERATOR" "$MESSAGES"; do
		printf 'GET / HTTP/1.1\r\n\r\n' >"$work/request"
		sends_away "$generator" 'no request of protoc: .*expected'
		nested 12000 >"$work/request"
		sends_away "$generator" 'expected messages at most 64 deep'
	done
}

# sends_away GENERATOR PATTERN: what it says of $work/request
sends_away() {
	local status=0
	"$1" <"$work/request" 2>"$work/said" >"$work/written" || status=$?
	[[ $status == 1 && ! -s $work/written ]] || fail "$1: exit $status"
	grep -q "$2" "$work/said" || fail "$1: $(cat "$work/said")"
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

# watctl describe FILE: what a plugin says of itself, all its services, with comments; its code is not run (row 1).
describe() {
	both
	# Not even its constructors.
	echo 'extern void abort(void); __attribute__((constructor)) static void run(void) { abort(); }' >"$work/bomb.c"
	# shellcheck disable=SC2046
	cc $(includes) -shared -fPIC -o "$work/counter.so" "$SOURCE/plugins/counter/counter.c" "$work/bomb.c" \
		"$work"/counter.{pb-c,wat,plugin}.c "$BUILD/include/wat/types.pb-c.c" -lprotobuf-c
	# Its handlers are missing, and nobody notices: they are not needed.
	# shellcheck disable=SC2046
	cc $(includes) -shared -fPIC -o "$work/kv.so" "$work"/kv.{pb-c,wat,plugin}.c "$BUILD/include/wat/types.pb-c.c" -lprotobuf-c
	cd "$work"
	"$WATCTL" describe ./counter.so >said || fail "describe ./counter.so"
	for line in counter.Counter '  A number that many users share.' '  Get(wat.Empty) returns counter.Value  [read only]' \
		'  Increment(counter.Amount) returns counter.Value' \
		'      Adds n, which may be negative. OUT_OF_RANGE if the result would not fit.' \
		'  Provision(a user'"'"'s name) returns a User' '  counter.Amount' '    sint64 n = 1'; do
		grep -qxF -- "$line" said || fail "describe ./counter.so does not say: $line"
	done
	grep -A1 -xF State said | grep -qxF '  counter.State' || fail "describe ./counter.so does not say the state"
	"$WATCTL" describe "$work/kv.so" >said || fail "describe kv.so"
	for line in acme.kv.v1.Store acme.kv.v1.KV acme.kv.v1.Cache '  Put(acme.kv.v1.Item) returns wat.Empty' \
		'      Puts an item: /* even this */ survives.' '    map<string, string> items = 1' \
		'  HTTPGet(acme.kv.v1.HTTPRequest) returns acme.kv.v1.Answer  [answers later]' '  acme.kv.v1.Item.Key'; do
		grep -qxF -- "$line" said || fail "describe kv.so does not say: $line"
	done
	if grep -q Sweep said; then fail "describe shows an internal method"; fi
	"$WATCTL" -j describe ./kv.so >said || fail "describe -j"
	/usr/bin/python3 -c 'import json, sys; d = json.load(sys.stdin)
assert [s["service"] for s in d["services"]] == ["acme.kv.v1.Store", "acme.kv.v1.KV", "acme.kv.v1.Cache"], d
assert d["services"][0]["userMethods"][1]["deadlineMs"] == 500, d' <said || fail "describe -j"
	describe_refused
}

# describe_refused: files that are none, or say nothing, or something that does not fit together.
describe_refused() {
	echo 'int nothing;' >empty.c
	cc -shared -fPIC -o empty.so empty.c
	objcopy --remove-section .wat.schema counter.so no_schema.so
	objcopy --dump-section .wat.schema=schema kv.so
	objcopy --update-section .wat.schema=schema counter.so other_schema.so
	head -c 1000 counter.so >cut.so
	echo text >text.so
	for file in empty.so no_schema.so other_schema.so cut.so text.so gone.so .; do
		if "$WATCTL" describe "./$file" >said 2>&1; then fail "describe ./$file: $(cat said)"; fi
		[[ $(wc -l <said) == 1 ]] || fail "describe ./$file says: $(cat said)"
	done
	if "$WATCTL" describe ./other_schema.so >said 2>&1; then fail "the schema of another plugin is taken"; fi
	grep -q 'counter.Counter has handlers, but the schema does not declare it' said || fail "other_schema: $(cat said)"
}

"$1"
exit $failed
