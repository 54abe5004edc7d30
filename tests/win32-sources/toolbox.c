/* toolbox.c - heaps and lists, as sources of routing protocols for Windows use them. */
#include <winsock2.h>
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#ifdef WITH_LISTS
#include "lists.h"
#endif

#define CHECK(what) ((what) ? (void)0 : fail(#what, __LINE__))

static void fail(const char *what, int line)
{
    printf("line %d: not so: %s\n", line, what);
    exit(1);
}

typedef struct MEMBER {
    DWORD number;
    LIST_ENTRY links;
} MEMBER, *PMEMBER;

static BOOL is_filled(const BYTE *bytes, SIZE_T from, SIZE_T to, BYTE with)
{
    for (; from < to; from++)
        if (bytes[from] != with)
            return FALSE;
    return TRUE;
}

static void check_heap(HANDLE heap)
{
    BYTE *bytes = (BYTE *)HeapAlloc(heap, HEAP_ZERO_MEMORY, 100), *in_place;

    CHECK(bytes != NULL);
    CHECK((ULONG_PTR)bytes % 16 == 0);
    CHECK(is_filled(bytes, 0, 100, 0));
    CHECK(HeapSize(heap, 0, bytes) == 100);
    FillMemory(bytes, 100, 7);
    bytes = (BYTE *)HeapReAlloc(heap, HEAP_ZERO_MEMORY, bytes, 5000);
    CHECK(bytes != NULL);
    CHECK(is_filled(bytes, 0, 100, 7) && is_filled(bytes, 100, 5000, 0));
    CHECK(HeapSize(heap, 0, bytes) == 5000);
    in_place = (BYTE *)HeapReAlloc(heap, HEAP_REALLOC_IN_PLACE_ONLY, bytes, 50);
    CHECK(in_place == bytes && HeapSize(heap, 0, bytes) == 50);
    bytes = (BYTE *)HeapReAlloc(heap, 0, bytes, 60);
    CHECK(bytes != NULL && is_filled(bytes, 0, 50, 7));
    CHECK(HeapReAlloc(heap, 0, bytes, (SIZE_T)-1 - 40) == NULL);
    CHECK(is_filled(bytes, 0, 50, 7));
    CHECK(HeapFree(heap, 0, bytes));
    CHECK(HeapAlloc(heap, 0, (SIZE_T)-1) == NULL);
    bytes = (BYTE *)HeapAlloc(heap, 0, 0);
    CHECK(bytes != NULL && HeapSize(heap, 0, bytes) == 0);
    CHECK(HeapFree(heap, 0, bytes));
}

/* The numbers, forwards and, after a stroke, backwards. */
static void print_list(const char *title, PLIST_ENTRY head)
{
    PLIST_ENTRY at;

    printf("%s:", title);
    for (at = head->Flink; at != head; at = at->Flink)
        printf(" %lu", (unsigned long)CONTAINING_RECORD(at, MEMBER, links)->number);
    printf(" |");
    for (at = head->Blink; at != head; at = at->Blink)
        printf(" %lu", (unsigned long)CONTAINING_RECORD(at, MEMBER, links)->number);
    printf("\n");
}

static void check_lists(HANDLE heap)
{
    LIST_ENTRY head;
    PMEMBER members[6];
    DWORD n;

    InitializeListHead(&head);
    CHECK(IsListEmpty(&head));
    print_list("empty", &head);
    for (n = 0; n < 6; n++) {
        members[n] = (PMEMBER)HeapAlloc(heap, HEAP_ZERO_MEMORY, sizeof(MEMBER));
        CHECK(members[n] != NULL);
        members[n]->number = n;
        if (n % 2)
            InsertHeadList(&head, &members[n]->links);
        else
            InsertTailList(&head, &members[n]->links);
    }
    CHECK(!IsListEmpty(&head));
    print_list("six", &head);
    RemoveEntryList(&members[1]->links);
    print_list("without 1", &head);
    CHECK(CONTAINING_RECORD(RemoveHeadList(&head), MEMBER, links) == members[5]);
    CHECK(CONTAINING_RECORD(RemoveTailList(&head), MEMBER, links) == members[4]);
    print_list("without its ends", &head);
    while (!IsListEmpty(&head)) {
        PMEMBER member = CONTAINING_RECORD(RemoveHeadList(&head), MEMBER, links);

        printf("freed %lu\n", (unsigned long)member->number);
        CHECK(HeapFree(heap, 0, member));
    }
    print_list("empty again", &head);
    CHECK(HeapFree(heap, 0, members[1]) && HeapFree(heap, 0, members[5]) &&
          HeapFree(heap, 0, members[4]));
}

int main(void)
{
    HANDLE heap = HeapCreate(0, 0, 0);
    DWORD n;

    CHECK(GetProcessHeap() != NULL && GetProcessHeap() == GetProcessHeap());
    CHECK(heap != NULL && heap != GetProcessHeap());
    check_heap(GetProcessHeap());
    check_heap(heap);
    check_lists(heap);
    for (n = 0; n < 1000; n++)
        CHECK(HeapAlloc(heap, 0, n) != NULL);
    CHECK(HeapDestroy(heap)); /* and what is left in it goes, too */
    printf("done\n");
    return 0;
}
