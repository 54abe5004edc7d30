/*
 * winlist.h - a part of the replacement for windows.h: LIST_ENTRY and its functions. The
 * doubly linked lists connect the LIST_ENTRY members of structures.
 *
 * The windows.h of Windows has only the type. Windows programs define InitializeListHead and
 * the other functions themselves, most of them as macros, which works here too. A program
 * that defines them as functions must define MGM_WIN32_NO_LISTS first.
 */
#ifndef MGM_WIN32_WINLIST_H
#define MGM_WIN32_WINLIST_H

#include <mgmtypes.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink, *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

#ifndef MGM_WIN32_NO_LISTS

static inline VOID InitializeListHead(PLIST_ENTRY head)
{
    head->Flink = head->Blink = head;
}

static inline UCHAR IsListEmpty(const LIST_ENTRY *head)
{
    return head->Flink == head;
}

/* Returns TRUE if the list is empty afterwards. */
static inline UCHAR RemoveEntryList(PLIST_ENTRY entry)
{
    PLIST_ENTRY next = entry->Flink, before = entry->Blink;

    before->Flink = next;
    next->Blink = before;
    return next == before;
}

/* Returns the head itself if the list is empty. */
static inline PLIST_ENTRY RemoveHeadList(PLIST_ENTRY head)
{
    PLIST_ENTRY first = head->Flink;

    RemoveEntryList(first);
    return first;
}

static inline PLIST_ENTRY RemoveTailList(PLIST_ENTRY head)
{
    PLIST_ENTRY last = head->Blink;

    RemoveEntryList(last);
    return last;
}

static inline VOID InsertHeadList(PLIST_ENTRY head, PLIST_ENTRY entry)
{
    entry->Flink = head->Flink;
    entry->Blink = head;
    head->Flink->Blink = entry;
    head->Flink = entry;
}

static inline VOID InsertTailList(PLIST_ENTRY head, PLIST_ENTRY entry)
{
    entry->Flink = head;
    entry->Blink = head->Blink;
    head->Blink->Flink = entry;
    head->Blink = entry;
}

/* Appends a list without a head; `entry` is any entry of that list. */
static inline VOID AppendTailList(PLIST_ENTRY head, PLIST_ENTRY entry)
{
    PLIST_ENTRY last = head->Blink;

    head->Blink->Flink = entry;
    head->Blink = entry->Blink;
    entry->Blink->Flink = head;
    entry->Blink = last;
}

#endif

#ifdef __cplusplus
}
#endif

#endif
