/* What the host learns without the log, and what it can change at run time: the text about the
 * last refused call, names of interfaces, the level of the log, the forwarder at the start. */

#define _POSIX_C_SOURCE 200809L

#include "router.h"

#include "threads.h"

#include <mgmhost.h>

#include <stdlib.h>
#include <string.h>

enum { TEXT = 1024 };

/* The text about this thread's last refused call, or the name of the code. */
static const char *last_message(void)
{
    static _Thread_local char text[TEXT];
    DWORD size = sizeof(text), code;

    code = MgmHostGetLastMessage(&size, (PBYTE)text);
    if (code != NO_ERROR)
        return code_name(code);
    CHECK_EQ(size, strlen(text) + 1);
    return text;
}

static void d77_it_is_the_text_of_the_log_line(void)
{
    HANDLE a = protocol('A');
    size_t lines = mgm_log_lines();

    CHECK_CODE(take(a, 0), ERROR_INVALID_PARAMETER);
    CHECK_EQ(mgm_log_lines_since(lines, 1), 1);
    CHECK(strstr(mgm_last_line(), "MgmTakeInterfaceOwnership: ") == mgm_last_line());
    CHECK_TEXT(last_message(), mgm_last_line());

    /* Neither success nor the end of a listing changes it. */
    OK(take(a, 1));
    EXPECT_NO_MFES();
    CHECK_TEXT(last_message(), mgm_last_line());
}

static void d77_a_refusal_that_is_not_logged_has_a_text_too(void)
{
    MIB_IPMCAST_MFE mfe;
    DWORD size = 0;

    CHECK_CODE(get_mfe("(10.0.0.5, 239.1.1.1)", &mfe), ERROR_NOT_FOUND);
    CHECK_TEXT(last_message(), "MgmGetMfe: no MFE for (10.0.0.5, 239.1.1.1)");
    CHECK_CODE(MgmHostGetStatus(0, &size, NULL), ERROR_INSUFFICIENT_BUFFER);
    CHECK(strstr(last_message(), "MgmHostGetStatus: the buffer is too small: ") != NULL);

    OK(MgmHostSetLogLevel(MGMHOST_LOG_OFF));
    CHECK_CODE(MgmHostAddInterface(0, 0), ERROR_INVALID_PARAMETER);
    CHECK_EQ(mgm_log_lines(), 0);
    CHECK(strstr(last_message(), "MgmHostAddInterface: ") != NULL);
}

static void ask_without_a_refusal(void *unused)
{
    BYTE text[TEXT];
    DWORD size = sizeof(text);

    (void)unused;
    CHECK_CODE(MgmHostGetLastMessage(&size, text), ERROR_NOT_FOUND);
    CHECK_EQ(size, sizeof(text));
    CHECK_CODE(take(NULL, 7), ERROR_INVALID_PARAMETER);
    CHECK(strstr(last_message(), "invalid handle") != NULL);
}

static void d77_each_thread_has_its_own(void)
{
    CHECK_CODE(MgmHostAddInterface(0, 0), ERROR_INVALID_PARAMETER);
    thread_join(thread_start(ask_without_a_refusal, NULL));
    CHECK(strstr(last_message(), "MgmHostAddInterface: ") != NULL);
}

static void d77_asking_does_not_change_it(void)
{
    BYTE text[8] = {0};
    DWORD size = 0, needed;

    CHECK_CODE(MgmHostAddInterface(0, 0), ERROR_INVALID_PARAMETER);
    needed = (DWORD)strlen(last_message()) + 1;
    CHECK_CODE(MgmHostGetLastMessage(&size, NULL), ERROR_INSUFFICIENT_BUFFER);
    CHECK_EQ(size, needed);
    size = sizeof(text);
    CHECK_CODE(MgmHostGetLastMessage(&size, text), ERROR_INSUFFICIENT_BUFFER);
    CHECK_EQ(size, needed);
    CHECK_EQ(text[0], 0);
    CHECK_EQ(strlen(last_message()) + 1, needed);

    /* A null pointer is a refusal like any other. */
    CHECK_CODE(MgmHostGetLastMessage(NULL, text), ERROR_INVALID_PARAMETER);
    CHECK_TEXT(last_message(), "MgmHostGetLastMessage: pdwBufferSize is null");
}

static void refuse_inside(const struct event *event)
{
    (void)event;
    CHECK_CODE(MgmHostStop(), ERROR_CAN_NOT_COMPLETE);
}

static void d77_the_outer_calls_text_comes_last(void)
{
    HANDLE a = protocol('A'), b = protocol('B');

    OK(take(a, 1));
    OK(take(b, 2));
    on_event('B', refuse_inside);
    OK(join(a, "(*, 239.1.1.1)", 1));
    CHECK(strstr(last_message(), "MgmHostStop: ") != NULL);
    CHECK_CODE(join(a, "(*, 10.1.1.1)", 1), ERROR_INVALID_PARAMETER);
    CHECK(strstr(last_message(), "MgmAddGroupMembershipEntry: ") != NULL);
}

#if defined(_WIN32)
enum { IS_LINUX = 0 };
#else
enum { IS_LINUX = 1 };
#endif

static void d78_a_name_and_its_index(void)
{
    DWORD index = 0, size = 0;
    char name[16] = "";

    if (!IS_LINUX) {
        CHECK_CODE(MgmHostInterfaceIndex("lo", &index), ERROR_CAN_NOT_COMPLETE);
        CHECK_CODE(MgmHostInterfaceName(1, &size, NULL), ERROR_CAN_NOT_COMPLETE);
        return;
    }
    OK(MgmHostInterfaceIndex("lo", &index));
    CHECK(index != 0);
    CHECK_CODE(MgmHostInterfaceName(index, &size, NULL), ERROR_INSUFFICIENT_BUFFER);
    CHECK_EQ(size, 3);
    OK(MgmHostInterfaceName(index, &size, (PBYTE)name));
    CHECK_TEXT(name, "lo");
    size = sizeof(name);
    OK(MgmHostInterfaceName(index, &size, (PBYTE)name));
    CHECK_EQ(size, 3);
}

static void d78_what_the_system_lacks_is_not_found(void)
{
    DWORD index = 7, size = 16;
    BYTE name[16] = {0};

    REFUSED(MgmHostInterfaceIndex(NULL, &index), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostInterfaceIndex("lo", NULL), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostInterfaceName(1, NULL, name), ERROR_INVALID_PARAMETER);
    REFUSED(MgmHostInterfaceName(1, &size, NULL), ERROR_INVALID_PARAMETER);
    if (!IS_LINUX)
        return;
    CHECK_CODE(MgmHostInterfaceIndex("mgm-none", &index), ERROR_NOT_FOUND);
    CHECK(strstr(last_message(), "no interface is named \"mgm-none\"") != NULL);
    REFUSED_QUIETLY(MgmHostInterfaceIndex("", &index), ERROR_NOT_FOUND);
    CHECK_EQ(index, 7);
    REFUSED_QUIETLY(MgmHostInterfaceName(0, &size, name), ERROR_NOT_FOUND);
    REFUSED_QUIETLY(MgmHostInterfaceName(0x7fffffff, &size, name), ERROR_NOT_FOUND);
    CHECK_EQ(size, 16);
    CHECK_EQ(name[0], 0);
}

static void d79_the_level_changes_at_once(void)
{
    HANDLE a = protocol('A');
    size_t lines;

    OK(take(a, 1));
    CHECK_EQ(mgm_log_lines(), 0);
    OK(MgmHostSetLogLevel(MGMHOST_LOG_DEBUG));
    OK(release(a, 1));
    CHECK(mgm_log_lines_since(0, 1) >= 1); /* also what the rules say of it */
    OK(MgmHostSetLogLevel(MGMHOST_LOG_OFF));
    lines = mgm_log_lines();
    CHECK_CODE(release(a, 1), ERROR_INVALID_PARAMETER);
    CHECK_EQ(mgm_log_lines(), lines);
    CHECK_CODE(MgmHostSetLogLevel(MGMHOST_LOG_TRACE + 1), ERROR_INVALID_PARAMETER);
    OK(MgmHostSetLogLevel(MGMHOST_LOG_WARN));
    CHECK_CODE(release(a, 1), ERROR_INVALID_PARAMETER);
    CHECK_EQ(mgm_log_lines_since(lines, 1), 1);
}

static void d79_a_start_sets_the_level_anew(void)
{
    OK(MgmHostSetLogLevel(MGMHOST_LOG_OFF));
    restart_with_log(MGMHOST_LOG_WARN, mgm_take_line);
    CHECK_CODE(MgmHostAddInterface(0, 0), ERROR_INVALID_PARAMETER);
    CHECK_EQ(mgm_log_lines_since(0, 1), 1);
}

static MGMHOST_CONFIG config_to_open(DWORD forwarder)
{
    MGMHOST_CONFIG config = config_with_log(MGMHOST_LOG_WARN, mgm_take_line, NULL);

    config.dwForwarder = forwarder;
    config.dwFlags = MGMHOST_START_OPEN_FORWARDER;
    return config;
}

/* Whether the status has this piece of text. */
static bool status_has(const char *piece)
{
    static char text[65536];
    DWORD size = sizeof(text);

    OK(MgmHostGetStatus(0, &size, (PBYTE)text));
    return strstr(text, piece) != NULL;
}

static void d80_the_forwarder_is_open_after_the_start(void)
{
    MGMHOST_CONFIG config = config_to_open(MGMHOST_FORWARDER_MEMORY);

    CHECK(!status_has("\"forwarder\":\"memory\""));
    OK(MgmHostStop());
    OK(MgmHostStart(&config));
    CHECK(status_has("\"forwarder\":\"memory\""));
    OK(take(protocol('A'), 1));
}

static void d80_a_forwarder_that_cannot_be_opened_refuses_the_start(void)
{
    MGMHOST_CONFIG config = config_to_open(MGMHOST_FORWARDER_DEFAULT);
    const char *said;
    size_t lines;

    OK(MgmHostStop());
    OK(MgmHostSetLogCallback(mgm_take_line, NULL));
    OK(MgmHostSetLogLevel(MGMHOST_LOG_WARN));
    lines = mgm_log_lines();
    said = refuse_forwarder(true);
    config.pfnLogCallback = NULL;
    config.dwLogLevel = MGMHOST_LOG_OFF;
    CHECK_CODE(MgmHostStart(&config), ERROR_CAN_NOT_COMPLETE);
    refuse_forwarder(false);
    CHECK(strstr(last_message(), "MgmHostStart: ") != NULL);
    CHECK(strstr(last_message(), said) != NULL);
    /* Log and level are as they were, and nothing runs. */
    CHECK_EQ(mgm_log_lines_since(lines, 1), 1);
    CHECK_TEXT(last_message(), mgm_last_line());
    CHECK(status_has("\"running\":false"));
    config = config_to_open(MGMHOST_FORWARDER_MEMORY);
    OK(MgmHostStart(&config));
}

static void d80_unknown_flags_are_refused(void)
{
    MGMHOST_CONFIG config = config_to_open(MGMHOST_FORWARDER_MEMORY);

    OK(MgmHostStop());
    config.dwFlags |= 2;
    CHECK_CODE(MgmHostStart(&config), ERROR_INVALID_PARAMETER);
    config.dwFlags = 0;
    config.dwReserved1 = 1;
    CHECK_CODE(MgmHostStart(&config), ERROR_INVALID_PARAMETER);

    /* An older caller has no flags: what stands there is not its own. */
    config.dwFlags = 0xffffffff;
    config.dwSize = offsetof(MGMHOST_CONFIG, dwFlags);
    OK(MgmHostStart(&config));
}

TEST_MAIN(
    CASE(d77_it_is_the_text_of_the_log_line),
    CASE(d77_a_refusal_that_is_not_logged_has_a_text_too),
    CASE(d77_each_thread_has_its_own),
    CASE(d77_asking_does_not_change_it),
    CASE(d77_the_outer_calls_text_comes_last),
    CASE(d78_a_name_and_its_index),
    CASE(d78_what_the_system_lacks_is_not_found),
    CASE(d79_the_level_changes_at_once),
    CASE(d79_a_start_sets_the_level_anew),
    CASE(d80_the_forwarder_is_open_after_the_start),
    CASE(d80_a_forwarder_that_cannot_be_opened_refuses_the_start),
    CASE(d80_unknown_flags_are_refused))
