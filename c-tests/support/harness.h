/* A test harness in two hundred lines: cases in a table, checks that go on.
 *
 * A case is a function named after the rule of docs/semantics.md that it
 * proves, t4_3_first_join_alerts_all_others for rule 4.3. Each one starts with
 * a fresh MGM. A failed check names its file and line and the case goes on, so
 * that one run tells everything that is wrong.
 */
#ifndef C_TESTS_HARNESS_H
#define C_TESTS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>

struct test_case {
    const char *name;
    void (*run)(void);
};

#define CASE(function) { #function, function }

/* Runs the cases whose names contain argv[1] (all without one), prints a line
 * for each and the totals; what main() returns: 0 if none failed. */
int run_cases(const struct test_case *cases, size_t count, int argc, char **argv);

#define RUN_CASES(table, argc, argv) \
    run_cases((table), sizeof(table) / sizeof(*(table)), (argc), (argv))

/* A chapter: its table and its main(). */
#define TEST_MAIN(...)                                          \
    int main(int argc, char **argv)                             \
    {                                                           \
        static const struct test_case table[] = {__VA_ARGS__};  \
        return RUN_CASES(table, argc, argv);                    \
    }

/* Marks the running case as skipped and leaves it. */
#define SKIP(reason)           \
    do {                       \
        skip_case(reason);     \
        return;                \
    } while (0)

void skip_case(const char *reason);

/* Counts a failure of the running case and prints what it is about. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void fail_check(const char *file, int line, const char *format, ...);

#define CHECK(condition)                                             \
    do {                                                             \
        if (!(condition))                                            \
            fail_check(__FILE__, __LINE__, "%s does not hold", #condition); \
    } while (0)

/* Numbers, shown when they differ. */
#define CHECK_EQ(actual, expected) \
    check_eq(__FILE__, __LINE__, #actual, (unsigned long long)(actual), (unsigned long long)(expected))

/* Texts, shown when they differ. */
#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, #actual, (actual), (expected))

/* An Mgm call's code, shown by name. */
#define CHECK_CODE(call, expected) check_code(__FILE__, __LINE__, #call, (call), (expected))
#define OK(call) CHECK_CODE(call, 0)

bool check_eq(const char *file, int line, const char *what, unsigned long long actual,
              unsigned long long expected);
bool check_text(const char *file, int line, const char *what, const char *actual,
                const char *expected);
bool check_code(const char *file, int line, const char *call, unsigned actual, unsigned expected);

/* ERROR_INVALID_PARAMETER for 87 and so on. */
const char *code_name(unsigned code);

/* A repetition count, divided by a hundred where MGM_TESTS_QUICK is set (as
 * under valgrind, which is some fifty times slower). */
size_t scaled(size_t count);

/* The running case is not stuck before it has taken so much longer than others. */
void allow_ms(unsigned ms);

/* A time limit, stretched twentyfold where MGM_TESTS_QUICK is set. */
unsigned patience_ms(unsigned ms);

/* Whether the program is built with the address sanitizer, under which a fork takes far longer. */
bool has_address_sanitizer(void);

#endif
