/* A small test harness: cases in a table, and checks that do not end the case.
 *
 * A case is a function that is named after the rule of docs/semantics.md that it tests:
 * t4_3_first_join_alerts_all_others tests rule 4.3. The library is started for each case. A failed
 * check prints its file and line, and the case continues, so that one run reports all failures.
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

/* Runs the cases whose names contain argv[1], or all cases if there is no argument. Prints a line
 * for each and the totals. Returns the exit status: 0 if no case failed. */
int run_cases(const struct test_case *cases, size_t count, int argc, char **argv);

#define RUN_CASES(table, argc, argv) \
    run_cases((table), sizeof(table) / sizeof(*(table)), (argc), (argv))

/* The table of cases and main(). */
#define TEST_MAIN(...)                                          \
    int main(int argc, char **argv)                             \
    {                                                           \
        static const struct test_case table[] = {__VA_ARGS__};  \
        return RUN_CASES(table, argc, argv);                    \
    }

/* Marks the running case as skipped, and returns from it. */
#define SKIP(reason)           \
    do {                       \
        skip_case(reason);     \
        return;                \
    } while (0)

void skip_case(const char *reason);

/* Counts a failure of the running case, and prints the message. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
void fail_check(const char *file, int line, const char *format, ...);

#define CHECK(condition)                                             \
    do {                                                             \
        if (!(condition))                                            \
            fail_check(__FILE__, __LINE__, "%s does not hold", #condition); \
    } while (0)

/* Compares numbers, and prints them if they differ. */
#define CHECK_EQ(actual, expected) \
    check_eq(__FILE__, __LINE__, #actual, (unsigned long long)(actual), (unsigned long long)(expected))

/* Compares strings, and prints them if they differ. */
#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, #actual, (actual), (expected))

/* Compares the code that an Mgm function returned, and prints the names of the codes. */
#define CHECK_CODE(call, expected) check_code(__FILE__, __LINE__, #call, (call), (expected))
#define OK(call) CHECK_CODE(call, 0)

bool check_eq(const char *file, int line, const char *what, unsigned long long actual,
              unsigned long long expected);
bool check_text(const char *file, int line, const char *what, const char *actual,
                const char *expected);
bool check_code(const char *file, int line, const char *call, unsigned actual, unsigned expected);

/* ERROR_INVALID_PARAMETER for 87 and so on. */
const char *code_name(unsigned code);

/* A number of repetitions, divided by a hundred if MGM_TESTS_QUICK is set, as under valgrind, which
 * is some fifty times slower. */
size_t scaled(size_t count);

/* Allows the running case to take this much longer than others before it counts as stuck. */
void allow_ms(unsigned ms);

/* A time limit, multiplied by twenty if MGM_TESTS_QUICK is set. */
unsigned patience_ms(unsigned ms);

/* Whether the program is built with the address sanitizer, which makes forks much slower. */
bool has_address_sanitizer(void);

#endif
