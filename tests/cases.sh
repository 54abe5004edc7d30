# Bash runners source this file. It runs their cases one after the other, and prints the totals.
#
# A case is a function case_NAME. It runs in its own process, so that set -e ends only the failed
# case. A line "3 passed, 0 failed, 1 skipped" in its output is the total of its tests; without such
# a line it counts as one test.

die() {
    echo "  $*"
    exit 1
}

# automake, ctest and others use status 77 for a skipped test.
skip() {
    echo "  $*"
    exit 77
}

have() {
    command -v "$1" >/dev/null || skip "$1 is not installed (scripts/setup --heavy)"
}

# run_cases <work directory> <case …>: needs $runner, the script to start again.
run_cases() {
    local work=$1 name status log p f s passed=0 failed=0 skipped=0
    shift
    mkdir -p "$work"
    for name; do
        status=0
        log=$work/$name.log
        "$BASH" "$runner" inside "$name" >"$log" 2>&1 || status=$?
        read -r p f s < <(awk '/^([0-9]+: )?[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
            sub(/^[0-9]+: /, ""); p += $1; f += $3; s += $5 } END { print p + 0, f + 0, s + 0 }' "$log")
        case $status in
            0)
                if [ $((p + f + s)) -eq 0 ]; then p=1; fi
                sed -En "s/^([0-9]+: )?SKIP:? +/SKIP: $name: /p" "$log"
                echo "ok   $name ($p)"
                ;;
            77)
                s=$((s + 1))
                echo "SKIP: $name:$(tail -n 1 "$log")"
                ;;
            *)
                if [ "$f" -eq 0 ]; then f=1; fi
                tail -n 60 "$log"
                echo "FAIL $name"
                ;;
        esac
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    done
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
}
