/* Section 9 of docs/semantics.md: protocols in processes of their own.
 *
 * The test is the router. The client processes are this program again, with the argument "client":
 * see clients-program.c. */

#include "client-processes.h"
#include "clients-program.h"
#include "router.h"
#include "threads.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static void host_serve_clients_checks_its_arguments(void)
{
    char longest[120];
    struct stat found;

    serve();
    CHECK(stat(clients_path, &found) == 0 && (found.st_mode & 0777) == 0600);
    OK(MgmHostServeClients(clients_path, 0));
    CHECK(stat(clients_path, &found) == 0 && (found.st_mode & 0777) == 0660);
    memset(longest, 'x', sizeof(longest));
    longest[108] = '\0';
    REFUSED(MgmHostServeClients("", 0), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostServeClients(longest, 0), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostServeClients(clients_path, 01000), ERROR_INVALID_PARAMETER);
    CHECK(stat(clients_path, &found) == 0); /* it still serves */
    OK(MgmHostServeClients(NULL, 0));
    CHECK(stat(clients_path, &found) != 0 && errno == ENOENT);
    OK(MgmHostServeClients(NULL, 0));
    REFUSED(MgmHostServeClients("/tmp/mgm-no-such-directory/router", 0), ERROR_CAN_NOT_COMPLETE);
}

static DWORD served_inside;

static void serve_inside(const struct event *event)
{
    (void)event;
    served_inside = MgmHostServeClients(NULL, 0);
}

static void t9_1_a_client_process_and_the_router_hear_each_other(void)
{
    HANDLE a = protocol('A');
    struct process *process;

    serve();
    OK(take(a, 1));
    process = launch_owner();
    CHECK_EQ(ask(process, "take 1"), ERROR_ALREADY_EXISTS);
    OK(ask(process, "join 2 (*, 239.1.1.1)"));
    EXPECT_SOON("A join (*, 239.1.1.1) member");
    OK(join(a, "(*, 239.1.1.2)", 1));
    expect_heard(process, "heard join (*, 239.1.1.2)");
    OK(ask(process, "owner 1"));
    on_event('A', serve_inside);
    OK(ask(process, "join 2 (*, 239.1.1.3)"));
    EXPECT_SOON("A join (*, 239.1.1.3) member");
    SOON(served_inside == ERROR_CAN_NOT_COMPLETE);
    on_event('A', NULL);
    OK(ask(process, "release 2"));
    OK(ask(process, "quit 0"));
    SOON(log_count("A prune") == 2);
    end_process(process, 0);
}

static void t9_2_a_refusal_has_the_code_and_the_text_that_it_has_in_the_router(void)
{
    HANDLE a = protocol('A');
    struct process *process;
    char text[1024], expected[1100];
    DWORD size = sizeof(text);

    serve();
    process = launch_owner();
    CHECK_CODE(take(a, 2), ERROR_ALREADY_EXISTS);
    OK(MgmHostGetLastMessage(&size, (PBYTE)text));
    OK(take(a, 1));
    CHECK_EQ(ask(process, "take 2"), ERROR_ALREADY_EXISTS);
    OK(ask(process, "why 0"));
    snprintf(expected, sizeof(expected), "why %s", text);
    expect_heard(process, expected);
    CHECK_EQ(ask(process, "take 0"), ERROR_INVALID_PARAMETER);
    CHECK_EQ(ask(process, "owner 99"), ERROR_NOT_FOUND);
    end_process(process, 0);
}

static void t9_3_a_client_library_is_no_host(void)
{
    struct process *process;

    serve();
    process = launch_owner();
    CHECK_EQ(ask(process, "host 0"), 0);
    OK(ask(process, "take 3"));
    end_process(process, 0);
}

static void t9_4_a_call_runs_the_callbacks_that_it_causes_in_its_process(void)
{
    struct process *process;

    serve();
    process = launch_owner();
    OK(ask(process, "register 81"));
    OK(ask(process, "take 3"));
    for (int n = 0; n < 9; n++) {
        char command[60], heard[60];

        snprintf(command, sizeof(command), "join 3 (*, 239.1.1.%d)", n);
        snprintf(heard, sizeof(heard), "heard join (*, 239.1.1.%d)", n);
        OK(ask(process, command));
        /* Before the code of the call, and without a further line. */
        CHECK_EQ(process->count, n + 1);
        CHECK_TEXT(process->heard[n], heard);
        CHECK_EQ(ask(process, "dump 0"), ERROR_NO_MORE_ITEMS);
        CHECK_EQ(process->count, n + 1);
    }
    end_process(process, 0);
}

static void t9_13_a_refused_deregistration_lets_callbacks_start_again(void)
{
    HANDLE a = protocol('A');
    struct process *process;

    serve();
    OK(take(a, 1));
    process = launch_owner();
    CHECK_EQ(ask(process, "quit 0"), ERROR_CAN_NOT_COMPLETE);
    OK(join(a, "(*, 239.1.1.1)", 1));
    expect_heard(process, "heard join (*, 239.1.1.1)");
    OK(ask(process, "release 2"));
    OK(ask(process, "quit 0"));
    CHECK_EQ(ask(process, "quit 0"), ERROR_INVALID_PARAMETER);
    OK(ask(process, "register 80"));
    end_process(process, 0);
}

static void t9_7_a_killed_process_is_a_release_and_a_deregistration(void)
{
    static const char *const states[] = {"idle", "inside a callback", "stopped"};
    HANDLE a = protocol('A');

    serve();
    OK(take(a, 1));
    for (int state = 0; state < 3; state++) {
        struct process *process = launch_owner(), *successor;

        OK(ask(process, "join 2 (*, 239.1.1.1)"));
        SOON(log_count("A join") == 1);
        OK(ask(process, state == 1 ? "block 0" : "go 0"));
        OK(join(a, "(*, 239.1.1.9)", 1));
        expect_heard(process, "heard join (*, 239.1.1.9)");
        if (state == 2)
            kill(process->pid, SIGSTOP);
        kill(process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
        /* The successor waits until everything of its predecessor is gone. */
        successor = launch_owner();
        CHECK_TEXT(owner_of(2), "?");
        end_process(process, 0);
        if (log_count("A prune (*, 239.1.1.1) member") != 1)
            fail_check(__FILE__, __LINE__, "%s: A has not heard the prune", states[state]);
        end_process(successor, SIGKILL);
        SOON(strcmp(owner_of(2), "nobody") == 0);
        OK(leave(a, "(*, 239.1.1.9)", 1));
        forget_log();
    }
}

static void t9_9_when_the_router_ends_old_handles_are_invalid_and_a_registration_connects(void)
{
    struct process *process;
    DWORD code;

    serve();
    process = launch_owner();
    OK(ask(process, "lost 0"));
    OK(MgmHostServeClients(NULL, 0));
    CHECK_TEXT(owner_of(2), "nobody");
    expect_heard(process, "heard lost router 87 1003 87");
    code = ask(process, "take 3");
    CHECK(code == ERROR_CAN_NOT_COMPLETE || code == ERROR_INVALID_PARAMETER);
    CHECK_EQ(ask(process, "take 3"), ERROR_INVALID_PARAMETER);
    CHECK_EQ(ask(process, "register 80"), ERROR_CAN_NOT_COMPLETE); /* nobody listens */
    serve();
    OK(ask(process, "register 80"));
    OK(ask(process, "register 81"));
    OK(ask(process, "take 3"));
    end_process(process, 0);
}

static void t9_9_d124_a_deregistration_at_a_lost_router_waits_for_the_callback(void)
{
    HANDLE a = protocol('A');
    struct process *process;

    serve();
    OK(take(a, 1));
    process = launch_owner();
    OK(ask(process, "lost 0"));
    OK(ask(process, "block 0"));
    OK(join(a, "(*, 239.1.1.1)", 1));
    expect_heard(process, "heard join (*, 239.1.1.1)");
    OK(MgmHostServeClients(NULL, 0));
    /* Inside a callback of the host, a deregistration does not wait. */
    expect_heard(process, "heard lost router 87 1003 1003");
    OK(ask(process, "unblock 300"));
    CHECK_EQ(ask(process, "quit 0"), ERROR_INVALID_PARAMETER);
    CHECK_EQ(ask(process, "quit 0"), ERROR_INVALID_PARAMETER);
    serve();
    OK(ask(process, "register 80"));
    OK(ask(process, "quit 0"));
    end_process(process, 0);
}

static void t9_12_a_forked_child_is_refused_and_the_connection_stays(void)
{
    struct process *process;

    serve();
    process = launch_owner();
    for (int n = 0; n < 3; n++)
        OK(ask(process, "fork 0"));
    OK(ask(process, "take 3"));
    end_process(process, 0);
}

static void t9_5_a_process_that_does_not_answer_gets_the_default(void)
{
    HANDLE b = protocol('B');
    struct process *process;
    MIB_IPMCAST_MFE head;
    unsigned long long begun;

    serve();
    process = launch_owner();
    OK(take(b, 3));
    OK(join(b, "(*, 239.1.1.1)", 3));
    OK(join(b, "(*, 239.1.1.2)", 3));
    expect_heard(process, "heard join (*, 239.1.1.2)");
    route("10.0.0.0/8", 2, "10.0.2.1");
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.1)", 2), "to 3");
    OK(get_mfe("(10.0.0.1, 239.1.1.1)", &head));
    CHECK_EQ(head.dwUpStrmNgbr, ip("10.0.9.9"));
    OK(ask(process, "block 0"));
    begun = now_ms();
    CHECK_TEXT(packet("(10.0.0.1, 239.1.1.2)", 2), "to 3");
    CHECK(now_ms() - begun >= 900);
    OK(get_mfe("(10.0.0.1, 239.1.1.2)", &head));
    CHECK_EQ(head.dwUpStrmNgbr, ip("10.0.2.1"));
    end_process(process, SIGKILL);
}

static void t9_6_a_stopped_process_costs_nobody_else_anything(void)
{
    HANDLE a = protocol('A');
    struct process *process, *other;

    serve();
    OK(take(a, 1));
    process = launch_owner();
    kill(process->pid, SIGSTOP);
    other = launch();
    OK(ask(other, "register 90"));
    OK(ask(other, "take 4"));
    OK(ask(other, "crowd 4")); /* 3,000 joins, of which the stopped one hears */
    SOON(log_count("A join") == 3000);
    kill(process->pid, SIGCONT);
    expect_heard(process, "heard join (*, 239.9.11.183)"); /* the last one */
    end_process(process, 0);
    end_process(other, 0);
}

/* Connects without the library. */
static int raw(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    strcpy(address.sun_path, clients_path);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

/* Whether the router ends the connection. */
static bool is_ended(int fd)
{
    struct timeval patience = {.tv_sec = 15, .tv_usec = 0};
    char bytes[256];
    ssize_t some;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    while ((some = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
    }
    close(fd);
    return some == 0 || errno == ECONNRESET;
}

static void send_frame(int fd, uint32_t length, const void *bytes, size_t size)
{
    unsigned char frame[80];

    /* In one piece: the router may end the connection because of the length alone. */
    memcpy(frame, &length, 4);
    memcpy(frame + 4, bytes, size);
    CHECK(send(fd, frame, 4 + size, MSG_NOSIGNAL) == (ssize_t)(4 + size));
}

static void t9_11_hostile_connections_end_and_disturb_nobody(void)
{
    static const unsigned char hello[] = {'m', 'g', 'm', 'r', 1, 0, 0, 0, 0, 1, 0, 0, 0, 'x'};
    unsigned char other[sizeof(hello)], garbage[64];
    struct process *process;
    int halves[20], fd;

    serve();
    process = launch_owner();
    for (int n = 0; n < 20; n++) {
        halves[n] = raw();
        CHECK(send(halves[n], hello, 3, MSG_NOSIGNAL) == 3);
    }
    fd = raw(); /* not our protocol */
    memset(garbage, 0x41, sizeof(garbage));
    send_frame(fd, sizeof(garbage), garbage, sizeof(garbage));
    CHECK(is_ended(fd));
    fd = raw(); /* oversized */
    send_frame(fd, 0x7fffffff, garbage, sizeof(garbage));
    CHECK(is_ended(fd));
    fd = raw(); /* another major version */
    memcpy(other, hello, sizeof(hello));
    other[4] = 2;
    send_frame(fd, sizeof(other), other, sizeof(other));
    CHECK(is_ended(fd));
    fd = raw(); /* a good greeting, then garbage */
    send_frame(fd, sizeof(hello), hello, sizeof(hello));
    memset(garbage, 0xff, sizeof(garbage));
    send_frame(fd, sizeof(garbage), garbage, sizeof(garbage));
    CHECK(is_ended(fd));
    OK(ask(process, "take 3"));
    allow_ms(20000);
    for (int n = 0; n < 20; n++)
        CHECK(is_ended(halves[n])); /* after 10 s */
    OK(ask(process, "take 4"));
    end_process(process, 0);
}

static void t9_1_a_host_can_name_the_router(void)
{
    struct process *process;
    char command[120];

    serve();
    process = launch();
    /* Nobody listens where its environment says. */
    snprintf(command, sizeof(command), "start 0 %s", clients_path);
    OK(ask(process, command));
    OK(ask(process, "register 80"));
    OK(ask(process, "take 2"));
    CHECK_CODE(ask(process, command), ERROR_ALREADY_EXISTS);
    CHECK_CODE(ask(process, "start 1 /x"), ERROR_INVALID_PARAMETER); /* with a forwarder */
    OK(MgmHostServeClients(NULL, 0));
    await_line(process, "lost");
    OK(MgmHostServeClients(clients_path, 0600));
    OK(ask(process, "register 80")); /* at the same router, without another start */
    end_process(process, 0);
}

static void t9_10_the_status_names_the_process(void)
{
    struct process *process;
    char expected[60], *text;

    serve();
    process = launch_owner();
    snprintf(expected, sizeof(expected), "\"process\":{\"pid\":%ld,\"user\":%u,\"name\":\"clients\"",
             (long)process->pid, (unsigned)getuid());
    text = host_text(MgmHostGetStatus, 0);
    if (strstr(text, expected) == NULL)
        fail_check(__FILE__, __LINE__, "%s is not in %s", expected, text);
    free(text);
    end_process(process, 0);
}

/* Permits only what the tests below use. */
static BOOL permits(void *context, const MGMHOST_CLIENT_REQUEST *request)
{
    MGMHOST_CLIENT_REQUEST *last = context;

    *last = *request;
    return request->dwProtocolId == 80 && request->dwIfIndex != 3;
}

static void t9_10_the_filter_of_a_host_decides_what_a_client_process_may_do(void)
{
    static MGMHOST_CLIENT_REQUEST last;
    struct process *process;

    serve();
    OK(MgmHostSetClientFilter(permits, &last));
    process = launch_owner();
    CHECK(last.dwSize == sizeof(last) && last.dwIfIndex == 2 && last.dwIfNextHopAddr == 0);
    CHECK(last.dwProcess == (DWORD)process->pid && last.dwUser == getuid());
    CHECK(last.dwProtocolId == 80 && last.dwComponentId == 1);
    CHECK_CODE(ask(process, "take 3"), ERROR_CAN_NOT_COMPLETE);
    CHECK_CODE(ask(process, "register 81"), ERROR_CAN_NOT_COMPLETE);
    CHECK(last.dwProtocolId == 81 && last.dwIfIndex == 0);
    OK(MgmHostSetClientFilter(NULL, NULL));
    OK(ask(process, "register 81"));
    end_process(process, 0);
}

/* Permits all. The child that it forks returns, too. */
static BOOL forks(void *context, const MGMHOST_CLIENT_REQUEST *request)
{
    pid_t *child = context;

    (void)request;
    *child = fork();
    if (*child == 0)
        alarm(20); /* nobody ends a child that hangs */
    return TRUE;
}

static void t9_10_a_child_that_is_forked_in_the_filter_ends_there(void)
{
    struct process *process;
    static pid_t child;
    int status = 0;

    serve();
    OK(MgmHostSetClientFilter(forks, &child));
    process = launch();
    OK(ask(process, "register 80"));
    OK(MgmHostSetClientFilter(NULL, NULL));
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 1);
    OK(ask(process, "take 2")); /* its connection is not disturbed */
    end_process(process, 0);
}

static void t9_10_a_host_sets_the_file_and_the_limits_of_the_socket(void)
{
    MGMHOST_CLIENTS clients = {.dwSize = sizeof(clients), .dwMode = 0640, .dwAnswerMs = 50};
    struct process *process;
    struct stat found;

    serve();
    process = launch_owner();
    OK(MgmHostServeClientsEx(clients_path, &clients));
    CHECK(stat(clients_path, &found) == 0 && (found.st_mode & 0777) == 0640);
    CHECK(found.st_uid == geteuid() && found.st_gid == getegid());
    OK(ask(process, "take 4")); /* it is still connected */
    if (geteuid() == 0) {
        clients.dwFlags = MGMHOST_CLIENTS_OWNER | MGMHOST_CLIENTS_GROUP;
        clients.dwOwner = 12345;
        clients.dwGroup = 23456;
        OK(MgmHostServeClientsEx(clients_path, &clients));
        CHECK(stat(clients_path, &found) == 0 && found.st_uid == 12345 && found.st_gid == 23456);
    }
    OK(MgmHostServeClientsEx(clients_path, NULL));
    CHECK(stat(clients_path, &found) == 0 && (found.st_mode & 0777) == 0660 && found.st_uid == geteuid());
    for (int n = 0; n < 6; n++) {
        MGMHOST_CLIENTS bad = {.dwSize = sizeof(bad)};
        DWORD *fields[] = {&bad.dwSize, &bad.dwFlags, &bad.dwMode, &bad.dwMaxProcesses,
                           &bad.dwAnswerMs, &bad.dwMaxUserProcesses};
        static const DWORD values[] = {5, 4, 01000, 65537, 3600001, 65537};

        *fields[n] = values[n];
        REFUSED(MgmHostServeClientsEx(clients_path, &bad), ERROR_INVALID_PARAMETER);
    }
    CHECK(stat(clients_path, &found) == 0); /* it still serves */
    end_process(process, 0);
}

int main(int argc, char **argv)
{
    static const struct test_case table[] = {
        CASE(host_serve_clients_checks_its_arguments),
        CASE(t9_1_a_client_process_and_the_router_hear_each_other),
        CASE(t9_2_a_refusal_has_the_code_and_the_text_that_it_has_in_the_router),
        CASE(t9_3_a_client_library_is_no_host),
        CASE(t9_4_a_call_runs_the_callbacks_that_it_causes_in_its_process),
        CASE(t9_13_a_refused_deregistration_lets_callbacks_start_again),
        CASE(t9_5_a_process_that_does_not_answer_gets_the_default),
        CASE(t9_6_a_stopped_process_costs_nobody_else_anything),
        CASE(t9_7_a_killed_process_is_a_release_and_a_deregistration),
        CASE(t9_9_when_the_router_ends_old_handles_are_invalid_and_a_registration_connects),
        CASE(t9_9_d124_a_deregistration_at_a_lost_router_waits_for_the_callback),
        CASE(t9_10_the_status_names_the_process),
        CASE(t9_10_the_filter_of_a_host_decides_what_a_client_process_may_do),
        CASE(t9_10_a_child_that_is_forked_in_the_filter_ends_there),
        CASE(t9_10_a_host_sets_the_file_and_the_limits_of_the_socket),
        CASE(t9_1_a_host_can_name_the_router),
        CASE(t9_11_hostile_connections_end_and_disturb_nobody),
        CASE(t9_12_a_forked_child_is_refused_and_the_connection_stays),
    };

    signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && strcmp(argv[1], "client") == 0)
        return be_client();
    return RUN_CASES(table, argc, argv);
}
