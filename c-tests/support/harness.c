#include "harness.h"
#include "router.h"
#include "threads.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A case that takes longer counts as stuck, and fails: a deadlock is reported with its name. */
enum { STUCK_AFTER_MS = 60000 };

static struct {
    const char *name;
    const char *skipped;
    unsigned failures;
    unsigned allowed_ms;
} current;

/* Callbacks on any thread may make checks. */
static struct lock print_lock = LOCK_INITIALIZER;

void skip_case(const char *reason)
{
    current.skipped = reason;
}

void fail_check(const char *file, int line, const char *format, ...)
{
    va_list arguments;

    lock_take(&print_lock);
    current.failures++;
    printf("    %s:%d: ", file, line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    lock_give(&print_lock);
}

bool check_eq(const char *file, int line, const char *what, unsigned long long actual,
              unsigned long long expected)
{
    if (actual == expected)
        return true;
    fail_check(file, line, "%s is %llu (0x%llx), not %llu (0x%llx)", what, actual, actual,
               expected, expected);
    return false;
}

bool check_text(const char *file, int line, const char *what, const char *actual,
                const char *expected)
{
    if (strcmp(actual, expected) == 0)
        return true;
    fail_check(file, line, "%s is \"%s\", not \"%s\"", what, actual, expected);
    return false;
}

const char *code_name(unsigned code)
{
    switch (code) {
    case 0: return "NO_ERROR";
    case 8: return "ERROR_NOT_ENOUGH_MEMORY";
    case 87: return "ERROR_INVALID_PARAMETER";
    case 122: return "ERROR_INSUFFICIENT_BUFFER";
    case 183: return "ERROR_ALREADY_EXISTS";
    case 234: return "ERROR_MORE_DATA";
    case 259: return "ERROR_NO_MORE_ITEMS";
    case 1003: return "ERROR_CAN_NOT_COMPLETE";
    case 1168: return "ERROR_NOT_FOUND";
    default: return "an unknown code";
    }
}

bool check_code(const char *file, int line, const char *call, unsigned actual, unsigned expected)
{
    if (actual == expected)
        return true;
    fail_check(file, line, "%s answers %s (%u), not %s", call, code_name(actual), actual,
               code_name(expected));
    return false;
}

void allow_ms(unsigned ms)
{
    lock_take(&print_lock);
    current.allowed_ms = ms;
    lock_give(&print_lock);
}

static bool is_quick(void)
{
    const char *quick = getenv("MGM_TESTS_QUICK");

    return quick != NULL && *quick != '\0';
}

size_t scaled(size_t count)
{
    return is_quick() ? (count + 99) / 100 : count;
}

unsigned patience_ms(unsigned ms)
{
    return is_quick() ? ms * 20 : ms;
}

bool has_address_sanitizer(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return true;
#endif
#endif
    return false;
}

/* Ends the process if the case does not open the gate in time. */
static void watch(void *gate)
{
    unsigned allowed;

    if (gate_wait(gate, patience_ms(STUCK_AFTER_MS)))
        return;
    lock_take(&print_lock);
    allowed = current.allowed_ms;
    lock_give(&print_lock);
    if (gate_wait(gate, allowed))
        return;
    printf("FAIL %s: stuck for %u ms\n", current.name, patience_ms(STUCK_AFTER_MS) + allowed);
    fflush(stdout);
    _Exit(1);
}

static void run_case(const struct test_case *test)
{
    struct gate over = GATE_INITIALIZER;
    struct thread *watchdog;

    current.name = test->name;
    current.skipped = NULL;
    current.failures = 0;
    current.allowed_ms = 0;

    watchdog = thread_start(watch, &over);
    router_start();
    test->run();
    router_stop();
    gate_open(&over);
    thread_join(watchdog);
}

int run_cases(const struct test_case *cases, size_t count, int argc, char **argv)
{
    unsigned passed = 0, failed = 0, skipped = 0;

    for (size_t i = 0; i < count; i++) {
        if (argc > 1 && strstr(cases[i].name, argv[1]) == NULL)
            continue;
        run_case(&cases[i]);
        if (current.failures > 0) {
            failed++;
            printf("FAIL %s\n", cases[i].name);
        } else if (current.skipped != NULL) {
            skipped++;
            printf("SKIP %s: %s\n", cases[i].name, current.skipped);
        } else {
            passed++;
            printf("ok   %s\n", cases[i].name);
        }
        fflush(stdout);
    }
    printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
    return failed > 0;
}
