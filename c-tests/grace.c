/* Section 9.8 of docs/semantics.md: the state of a client process stays for a successor.
 *
 * The test is the router. The client processes are this program again: see clients-program.c. */

#include "client-processes.h"
#include "clients-program.h"
#include "router.h"
#include "threads.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char grace[] = "grace 60";

/* A client process with the protocol 80, and this grace. It owns 2, towards 10/8, and 3, where it
 * wants 239.1.1.1. A, which owns 1, has heard of that. */
static struct process *launch_with_grace(HANDLE *a, const char *command)
{
    struct process *process;

    *a = protocol('A');
    OK(take(*a, 1));
    serve();
    route("10.0.0.0/8", 2, "10.0.2.1");
    process = launch();
    OK(ask(process, command));
    OK(ask(process, "register 80"));
    OK(ask(process, "take 2"));
    OK(ask(process, "take 3"));
    OK(ask(process, "join 3 (*, 239.1.1.1)"));
    SOON(log_count("A join (*, 239.1.1.1) member") == 1);
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.1)", 2), "to 3");
    forget_log();
    return process;
}

/* Whether the router has a client whose process has ended. */
static bool has_ended_client(void)
{
    char *text = host_text(MgmHostGetStatus, 0);
    bool is_there = strstr(text, "\"ended\":true") != NULL;

    free(text);
    return is_there;
}

/* Kills it, and waits until the router knows. */
static void kill_process(struct process *process)
{
    end_process(process, SIGKILL);
    SOON(has_ended_client());
}

/* A process that takes over what launch_with_grace has. */
static struct process *launch_successor(void)
{
    struct process *process = launch();

    OK(ask(process, grace));
    OK(ask(process, "register 80"));
    return process;
}

static void host_set_grace_and_grace_done_check_their_arguments(void)
{
    HANDLE a = protocol('A');

    OK(MgmHostSetGrace(300));
    OK(MgmHostSetGrace(0));
    REFUSED(MgmHostSetGrace(301), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostSetGrace(0xffffffff), ERROR_INVALID_PARAMETER);
    OK(take(a, 1));
    OK(MgmHostGraceDone(a)); /* in a router there is nothing to end */
    CHECK_TEXT(owner_of(1), "A");
    REFUSED(MgmHostGraceDone(NULL), ERROR_INVALID_PARAMETER);
    OK(release(a, 1));
    OK(quit(a));
    REFUSED(MgmHostGraceDone(a), ERROR_INVALID_PARAMETER);
}

static void t9_8_a_successor_takes_over_and_nobody_is_told(void)
{
    HANDLE a;
    struct process *process = launch_with_grace(&a, grace);

    kill_process(process);
    CHECK_TEXT(owner_of(2), "?");
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.1)", 2), "to 3");
    CHECK_CODE(take(a, 2), ERROR_ALREADY_EXISTS);
    CHECK_CODE(take(a, 3), ERROR_ALREADY_EXISTS);

    process = launch_successor();
    CHECK_EQ(ask(process, "groups 0"), 1); /* a newcomer reads them (1.7) */
    CHECK_EQ(ask(process, "join 3 (*, 239.1.1.1)"), ERROR_INVALID_PARAMETER); /* not taken yet */
    OK(ask(process, "take 2"));
    OK(ask(process, "take 3"));
    CHECK_EQ(ask(process, "take 3"), ERROR_ALREADY_EXISTS);
    OK(ask(process, "join 3 (*, 239.1.1.1)"));
    OK(ask(process, "done 0"));
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.1)", 2), "to 3");
    CHECK_EQ(process->count, 0);
    CHECK_EQ(log_count("A"), 0);
    OK(ask(process, "leave 3 (*, 239.1.1.1)"));
    SOON(log_count("A prune (*, 239.1.1.1) member") == 1);
    end_process(process, 0);
}

static void t9_8_every_end_without_deregistration_counts(void)
{
    static const char *const ends[] = {"killed", "killed inside a callback", "returns", "stops"};
    HANDLE a;
    struct process *process = launch_with_grace(&a, grace);

    for (int end = 0; end < 4; end++) {
        if (end == 1) {
            OK(ask(process, "block 0"));
            OK(join(a, "(*, 239.1.1.9)", 1));
            expect_heard(process, "heard join (*, 239.1.1.9)");
        }
        if (end == 3)
            OK(ask(process, "stop 0"));
        end_process(process, end < 2 ? SIGKILL : 0);
        process = launch_successor(); /* refused if the former one is not known to have ended */
        OK(ask(process, "take 2"));
        OK(ask(process, "take 3"));
        if (log_count("A prune") != 0)
            fail_check(__FILE__, __LINE__, "%s: A is told", ends[end]);
    }
    end_process(process, 0);
}

static void t9_8_the_environment_asks_for_grace_and_the_program_takes_precedence(void)
{
    struct process *process;

    serve();
    process = launch_with("MGM_GRACE", "301");
    CHECK_EQ(ask(process, "register 80"), ERROR_INVALID_PARAMETER);
    OK(ask(process, "grace 0")); /* now the variable is not read */
    OK(ask(process, "register 80"));
    OK(ask(process, "take 2"));
    end_process(process, SIGKILL);
    SOON(strcmp(owner_of(2), "nobody") == 0);

    process = launch_with("MGM_GRACE", "60");
    OK(ask(process, "register 80"));
    OK(ask(process, "take 2"));
    kill_process(process);
    sleep_ms(300);
    CHECK_TEXT(owner_of(2), "?");
}

static void t9_8_the_default_answers_questions_at_once(void)
{
    HANDLE a;
    struct process *process = launch_with_grace(&a, grace);
    MIB_IPMCAST_MFE head;
    unsigned long long begun;

    OK(get_mfe("(10.0.0.1, 239.1.1.1)", &head));
    CHECK_EQ(head.dwUpStrmNgbr, ip("10.0.9.9")); /* the answer of the process */
    kill_process(process);
    OK(join(a, "(*, 239.1.1.2)", 1));
    begun = now_ms();
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.2)", 2), "to 1");
    CHECK(now_ms() - begun < 900);
    OK(get_mfe("(10.0.0.1, 239.1.1.2)", &head));
    CHECK_EQ(head.dwUpStrmNgbr, ip("10.0.2.1"));
    OK(get_mfe("(10.0.0.1, 239.1.1.1)", &head));
    CHECK_EQ(head.dwUpStrmNgbr, ip("10.0.9.9")); /* it stays */
}

static void t9_8_igmp_goes_on_and_its_memberships_are_told_at_the_take(void)
{
    HANDLE a, i;
    struct process *process = launch_with_grace(&a, grace);

    i = igmp('I');
    OK(take(i, 2));
    OK(join(i, "(*, 239.1.1.2)", 2));
    SOON(log_count("A join (*, 239.1.1.2) member") == 1);
    kill_process(process);
    OK(take(i, 3)); /* beside the client that has ended */
    OK(join(i, "(*, 239.1.1.3)", 3));
    SOON(log_count("A join (*, 239.1.1.3) member") == 1);
    forget_log();

    process = launch_successor();
    CHECK_EQ(process->count, 0);
    OK(ask(process, "take 2"));
    expect_heard(process, "heard local join (*, 239.1.1.2)");
    OK(ask(process, "take 3"));
    expect_heard(process, "heard local join (*, 239.1.1.3)");
    CHECK_EQ(process->count, 2);
    CHECK_EQ(log_count("I"), 0); /* neither DISABLE_IGMP nor ENABLE_IGMP */
    OK(join(i, "(*, 239.1.1.4)", 2));
    expect_heard(process, "heard local join (*, 239.1.1.4)");
    end_process(process, 0);
}

static void t9_8_an_igmp_successor_likewise(void)
{
    HANDLE a = protocol('A');
    struct process *process;

    serve();
    OK(take(a, 1));
    process = launch();
    OK(ask(process, grace));
    OK(ask(process, "register 10"));
    OK(ask(process, "take 1"));
    OK(ask(process, "take 2"));
    OK(ask(process, "join 1 (*, 239.1.1.1)"));
    OK(ask(process, "join 2 (*, 239.1.1.1)"));
    SOON(log_count("A local-join (*, 239.1.1.1)") == 1);
    SOON(log_count("A join (*, 239.1.1.1) member") == 1);
    kill_process(process);
    CHECK_CODE(take(a, 2), ERROR_ALREADY_EXISTS); /* IGMP's memberships would end */
    forget_log();

    process = launch();
    OK(ask(process, "register 10"));
    OK(ask(process, "take 1"));
    OK(ask(process, "take 2"));
    OK(ask(process, "join 2 (*, 239.1.1.1)"));
    CHECK_EQ(log_count("A"), 0);
    OK(ask(process, "done 0"));
    SOON(log_count("A local-leave (*, 239.1.1.1)") == 1); /* on 1 it is not there again */
    CHECK_EQ(log_count("A prune"), 0);
    end_process(process, 0);
    SOON(log_count("A prune (*, 239.1.1.1) member") == 1);
}

static void t9_8_done_ends_what_was_not_taken_or_added_again(void)
{
    HANDLE a;
    struct process *process = launch_with_grace(&a, grace);

    OK(ask(process, "join 3 (*, 239.1.1.2)"));
    OK(ask(process, "take 4"));
    OK(ask(process, "join 4 (*, 239.1.1.4)"));
    SOON(log_count("A join (*, 239.1.1.4) member") == 1);
    forget_log();
    kill_process(process);
    process = launch_successor();
    OK(ask(process, "take 2"));
    OK(ask(process, "take 3"));
    OK(ask(process, "join 3 (*, 239.1.1.1)"));
    CHECK_EQ(log_count("A"), 0);
    OK(ask(process, "done 0"));
    CHECK_TEXT(owner_of(4), "nobody"); /* when the call returns */
    CHECK_EQ(ask(process, "groups 0"), 1);
    SOON(log_count("A prune (*, 239.1.1.2) member") == 1);
    SOON(log_count("A prune (*, 239.1.1.4) member") == 1);
    CHECK_EQ(log_count("A prune (*, 239.1.1.1)"), 0);
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.1)", 2), "to 3");
    OK(ask(process, "done 0"));
    OK(take(a, 4));
    end_process(process, 0);
}

static void t9_8_the_end_of_the_time_is_the_end_of_what_is_left(void)
{
    HANDLE a;
    struct process *process = launch_with_grace(&a, "grace 1");
    unsigned long long begun = now_ms();

    end_process(process, SIGKILL);
    sleep_ms(600);
    CHECK_TEXT(owner_of(3), "?");
    SOON(strcmp(owner_of(3), "nobody") == 0);
    CHECK(now_ms() - begun >= 1000);
    SOON(log_count("A prune (*, 239.1.1.1) member") == 1);
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.1)", 2), "refused");
    OK(take(a, 2));
}

static void t9_8_a_second_death_does_not_lengthen_the_time(void)
{
    HANDLE a;
    struct process *process = launch_with_grace(&a, "grace 3");
    unsigned long long begun = now_ms();

    kill_process(process);
    sleep_ms(1000);
    process = launch_successor();
    OK(ask(process, "take 2"));
    OK(ask(process, "take 3"));
    OK(ask(process, "join 3 (*, 239.1.1.1)"));
    OK(ask(process, "take 5"));
    end_process(process, SIGKILL);
    sleep_ms(500);
    CHECK_TEXT(owner_of(3), "?");
    CHECK_TEXT(owner_of(5), "?");
    CHECK(now_ms() - begun < 3000);
    while (now_ms() - begun < 3300)
        sleep_ms(50);
    SOON(strcmp(owner_of(3), "nobody") == 0);
    SOON(strcmp(owner_of(5), "nobody") == 0);
}

static void t9_8_only_the_same_user_takes_over(void)
{
    HANDLE a;
    struct process *process = launch_with_grace(&a, grace), *other;

    kill_process(process);
    if (getuid() != 0) {
        printf("not run as root: no process of another user\n");
        return;
    }
    CHECK(chmod(clients_path, 0666) == 0);
    other = launch_as(65534);
    CHECK_EQ(ask(other, "register 80"), ERROR_ALREADY_EXISTS);
    OK(ask(other, "register 81"));
    CHECK_EQ(ask(other, "take 2"), ERROR_ALREADY_EXISTS);
    end_process(other, 0);
    process = launch_successor();
    OK(ask(process, "take 2"));
    end_process(process, 0);
}

static void t9_8_overrides_stay_with_their_mfes(void)
{
    HANDLE a;
    struct process *process = launch_with_grace(&a, grace);

    OK(join(a, "(*, 239.1.1.1)", 1));
    OK(ask(process, "off 3 (10.0.0.1, 239.1.1.1)"));
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.1)", 2), "to 1");
    kill_process(process);
    process = launch_successor();
    OK(ask(process, "take 2"));
    OK(ask(process, "take 3"));
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.1)", 2), "to 1");
    OK(ask(process, "join 3 (*, 239.1.1.1)"));
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.1)", 2), "to 1 3");
    end_process(process, 0);
}

static void t9_8_a_process_that_is_disconnected_for_its_silence_is_included(void)
{
    HANDLE a;
    struct process *process = launch_with_grace(&a, grace), *other;

    allow_ms(60000);
    kill(process->pid, SIGSTOP);
    other = launch();
    OK(ask(other, "register 90"));
    OK(ask(other, "take 4"));
    OK(ask(other, "crowd 4"));
    for (int tries = 0; tries < 450 && !has_ended_client(); tries++)
        sleep_ms(100); /* 30 s after the last acknowledgement (9.6) */
    CHECK(has_ended_client());
    CHECK_EQ(log_count("A prune"), 0);
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.1)", 2), "to 3");
    end_process(process, SIGKILL);
    process = launch_successor();
    OK(ask(process, "take 2"));
    end_process(process, 0);
    end_process(other, 0);
}

static void t9_8_the_status_says_how_long_the_state_stays(void)
{
    HANDLE a;
    struct process *process = launch_with_grace(&a, grace);
    char *text = host_text(MgmHostGetStatus, 0), *found;

    CHECK(strstr(text, "\"ended\":false,\"grace_ends_in_ms\":null") != NULL);
    free(text);
    kill_process(process);
    text = host_text(MgmHostGetStatus, 0);
    found = strstr(text, "\"ended\":true,\"grace_ends_in_ms\":");
    CHECK(found != NULL);
    if (found != NULL) {
        long left = strtol(found + strlen("\"ended\":true,\"grace_ends_in_ms\":"), NULL, 10);

        CHECK(left > 50000 && left <= 60000);
    }
    free(text);
}

int main(int argc, char **argv)
{
    static const struct test_case table[] = {
        CASE(host_set_grace_and_grace_done_check_their_arguments),
        CASE(t9_8_a_successor_takes_over_and_nobody_is_told),
        CASE(t9_8_every_end_without_deregistration_counts),
        CASE(t9_8_the_environment_asks_for_grace_and_the_program_takes_precedence),
        CASE(t9_8_the_default_answers_questions_at_once),
        CASE(t9_8_igmp_goes_on_and_its_memberships_are_told_at_the_take),
        CASE(t9_8_an_igmp_successor_likewise),
        CASE(t9_8_done_ends_what_was_not_taken_or_added_again),
        CASE(t9_8_the_end_of_the_time_is_the_end_of_what_is_left),
        CASE(t9_8_a_second_death_does_not_lengthen_the_time),
        CASE(t9_8_only_the_same_user_takes_over),
        CASE(t9_8_overrides_stay_with_their_mfes),
        CASE(t9_8_a_process_that_is_disconnected_for_its_silence_is_included),
        CASE(t9_8_the_status_says_how_long_the_state_stays),
    };

    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "client") == 0)
        return be_client();
    return RUN_CASES(table, argc, argv);
}
