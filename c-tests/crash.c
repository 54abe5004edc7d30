/* If a callback crashes on a thread of the library, the program's crash handler runs: rule 8.10 of
 * the semantics. Each test crashes in a child process. */

#include "router.h"
#include "threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define FLOW "(10.0.0.5, 239.1.1.1)"

/* Exit codes of the child. */
enum { HANDLED = 42, ON_ANOTHER_THREAD, NOT_HANDLED, WRONG_MASK };

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT};
enum { FAULTS = sizeof(faults) / sizeof(*faults) };

static int fault; /* 0: the callback looks at the signal mask instead. */
static pthread_t caller;
static pthread_t crashing;

static void handle(int signal)
{
    (void)signal;
    _exit(pthread_equal(pthread_self(), crashing) ? HANDLED : ON_ANOTHER_THREAD);
}

/* Causes a real fault where every processor has it, and raises the other signals. */
static void crash(void)
{
    volatile char *nowhere = NULL;
    FILE *empty;

    crashing = pthread_self();
    switch (fault) {
    case SIGSEGV:
        *nowhere = 1;
        break;
    case SIGBUS: /* beyond the end of a file */
        empty = tmpfile();
        nowhere = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(empty), 0);
        *nowhere = 1;
        break;
    case SIGABRT:
        abort();
    default:
        raise(fault);
    }
    _exit(NOT_HANDLED);
}

static bool is_fault(int signal)
{
    for (size_t n = 0; n < FAULTS; n++)
        if (faults[n] == signal)
            return true;
    return false;
}

/* All other signals are blocked, except SIGKILL and SIGSTOP, which cannot be blocked, and those
 * between the standard and the real-time signals, which belong to the C library. */
static void look_at_the_mask(void)
{
    sigset_t mask;

    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    for (int signal = 1; signal <= SIGRTMAX; signal++) {
        if (signal == SIGKILL || signal == SIGSTOP || (signal > 31 && signal < SIGRTMIN))
            continue;
        if (sigismember(&mask, signal) == is_fault(signal))
            _exit(WRONG_MASK);
    }
    _exit(HANDLED);
}

static void crash_on_another_thread(const struct event *event)
{
    (void)event;
    if (pthread_equal(pthread_self(), caller))
        return;
    if (fault == 0)
        look_at_the_mask();
    crash();
}

/* The second packet is forwarded, so the MFE is renewed, on a thread of the library. The child may
 * use the library because the parent never has. */
static void be_child(void)
{
    const struct rlimit no_core = {0, 0};
    struct sigaction action;
    HANDLE a, b;

    memset(&action, 0, sizeof(action));
    action.sa_handler = handle;
    setrlimit(RLIMIT_CORE, &no_core);
    for (size_t n = 0; n < FAULTS; n++)
        sigaction(faults[n], &action, NULL);
    caller = pthread_self();
    alarm(30);
    router_start();
    router_restart(1);
    a = protocol('A');
    b = protocol('B');
    take(a, 1);
    take(b, 2);
    join(b, "(*, 239.1.1.1)", 2);
    route("10.0.0.0/8", 1, "10.0.1.1");
    on_event('A', crash_on_another_thread);
    packet(FLOW, 1);
    packet(FLOW, 1);
    sleep(20);
    _exit(NOT_HANDLED);
}

static pid_t start_child(int signal)
{
    pid_t child;

    fault = signal;
    fflush(stdout);
    child = fork();
    if (child == 0)
        be_child();
    return child;
}

static bool is_handled(pid_t child)
{
    int status = 0;

    if (child <= 0 || waitpid(child, &status, 0) != child)
        return false;
    if (WIFEXITED(status) && WEXITSTATUS(status) == HANDLED)
        return true;
    printf("    status %#x\n", (unsigned)status);
    return false;
}

static bool t8_10_the_programs_crash_handler_runs(void)
{
    pid_t children[FAULTS];
    bool good = true;

    for (size_t n = 0; n < FAULTS; n++)
        children[n] = start_child(faults[n]);
    for (size_t n = 0; n < FAULTS; n++) {
        if (!is_handled(children[n])) {
            printf("    %s: the handler did not end the process\n", strsignal(faults[n]));
            good = false;
        }
    }
    return good;
}

static bool t8_10_all_other_signals_are_blocked(void)
{
    return is_handled(start_child(0));
}

/* Not the harness's main(), which uses the library in this process. */
int main(void)
{
    static const struct {
        const char *name;
        bool (*run)(void);
    } cases[] = {
        {"t8_10_the_programs_crash_handler_runs", t8_10_the_programs_crash_handler_runs},
        {"t8_10_all_other_signals_are_blocked", t8_10_all_other_signals_are_blocked},
    };
    unsigned failed = 0;

    for (size_t n = 0; n < sizeof(cases) / sizeof(*cases); n++) {
        bool good = cases[n].run();

        printf("%s %s\n", good ? "ok  " : "FAIL", cases[n].name);
        failed += !good;
    }
    printf("%u passed, %u failed, 0 skipped\n", 2 - failed, failed);
    return failed > 0;
}
