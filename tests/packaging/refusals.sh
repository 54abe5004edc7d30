# Cases of tests/packaging/run: programs that do not fit the library that is installed.
# None may run on and hope; each is told what does not fit.

# program_for <name> <soname> <version node>: a program that was linked with
# a library that has MgmFuture.
program_for() {
    local name=$1 soname=$2 node=$3 dir=$work/refused-$1
    mkdir -p "$dir"
    echo 'unsigned MgmFuture(void) { return 0; }' >"$dir/library.c"
    echo 'unsigned MgmFuture(void); int main(void) { return MgmFuture() != 0; }' >"$dir/program.c"
    echo "$node { global: MgmFuture; };" >"$dir/versions"
    cc -shared -fPIC -o "$dir/libmgm.so" "$dir/library.c" -Wl,-soname,"$soname" \
        -Wl,--version-script,"$dir/versions"
    ln -sf libmgm.so "$dir/$soname"
    cc -o "$work/$name" "$dir/program.c" -L"$dir" -lmgm
    LD_LIBRARY_PATH=$dir "$work/$name" || die "$name does not even run with its own library"
}

# refuses <what the message has to say> <command …>
refuses() {
    local message=$1 out
    shift
    if out=$("$@" 2>&1); then die "not refused: $*"; fi
    grep -qF "$message" <<<"$out" || die "refused, but without '$message': $out"
}

case_refuses_program_for_next_major() {
    program_for next-major "libmgm.so.$((major + 1))" "MGM_$((major + 1)).0"
    refuses "libmgm.so.$((major + 1)): cannot open shared object file" \
        env LD_LIBRARY_PATH="$prefix/lib" "$work/next-major"
}

case_refuses_program_for_next_minor() {
    program_for next-minor "libmgm.so.$major" "MGM_$major.99"
    refuses "version \`MGM_$major.99' not found (required by $work/next-minor)" \
        env LD_LIBRARY_PATH="$prefix/lib" "$work/next-minor"
}

case_refuses_missing_symbol() {
    program_for missing-symbol "libmgm.so.$major" "MGM_$major.0"
    refuses "undefined symbol: MgmFuture, version MGM_$major.0" \
        env LD_LIBRARY_PATH="$prefix/lib" "$work/missing-symbol"
}

case_refuses_next_major_by_pkg_config() {
    command -v pkg-config >/dev/null || skip "pkg-config is not installed"
    refuses "mgm >= $((major + 1))" env PKG_CONFIG_PATH="$prefix/lib/pkgconfig" \
        pkg-config --print-errors "mgm >= $((major + 1))"
}

# A host that was compiled with a later mgmhost.h, which has one setting more.
case_refuses_config_from_the_future() {
    cat >"$work/future.c" <<'C'
#include <mgmhost.h>
#include <stdlib.h>
int main(int argc, char **argv)
{
    struct { MGMHOST_CONFIG known; DWORD dwFuture, dwFuture2; } config = {{0}, 0, 0};
    (void)argc;
    config.known.dwSize = sizeof config;
    config.known.dwForwarder = MGMHOST_FORWARDER_MEMORY;
    config.dwFuture = (DWORD)atoi(argv[1]);
    return MgmHostStart(&config.known) == NO_ERROR ? 0 : 1;
}
C
    cc -Wall -Werror -o "$work/future" "$work/future.c" -I"$prefix/include" -L"$prefix/lib" \
        -Wl,-rpath,"$prefix/lib" -lmgm
    refuses "MGMHOST_CONFIG has settings that this version of the library does not support" \
        "$work/future" 1
    # One that is not used does no harm.
    "$work/future" 0 || die "a longer configuration is refused although it asks for nothing new"
}

# All that C can see of a callback is its type.
case_refuses_callback_of_another_type() {
    cat >"$work/callback.c" <<'C'
#include <mgm.h>
static DWORD joined(DWORD source, DWORD group, BOOL member)
{
    return source + group + (DWORD)member;
}
ROUTING_PROTOCOL_CONFIG config = {.pfnJoinAlertCallback = joined};
C
    refuses "incompatible pointer type" \
        cc -Werror=incompatible-pointer-types -c -o "$work/callback.o" "$work/callback.c" \
        -I"$prefix/include"
}

refusals=(refuses_program_for_next_major refuses_program_for_next_minor refuses_missing_symbol
    refuses_next_major_by_pkg_config refuses_config_from_the_future
    refuses_callback_of_another_type)
