/*
 * winlist.h - part of the stand-in for windows.h: LIST_ENTRY, doubly linked lists that run
 * through the structures they list, and what is done with them.
 *
 * Windows' own windows.h has the type only; its sources bring InitializeListHead and the rest
 * along, most of them as macros, and may do so here. A source that brings them as functions
 * defines MGM_WIN32_NO_LISTS first.
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

/* TRUE if the list is empty then. */
static inline UCHAR RemoveEntryList(PLIST_ENTRY entry)
{
    PLIST_ENTRY next = entry->Flink, before = entry->Blink;

    before->Flink = next;
    next->Blink = before;
    return next == before;
}

/* Of an empty list the head itself. */
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

/* Appends a list that has no head of its own, of which `entry` is any entry. */
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
