/*
 * winheap.h - a part of the replacement for windows.h: heaps, implemented with malloc.
 *
 * Free the memory of a heap with HeapFree, never with free. HeapDestroy also frees everything
 * that was allocated from the heap, as on Windows. HEAP_GENERATE_EXCEPTIONS is ignored,
 * because there are no structured exceptions: the functions return NULL instead.
 * HeapCreate ignores both sizes: each heap grows as needed.
 */
#ifndef MGM_WIN32_WINHEAP_H
#define MGM_WIN32_WINHEAP_H

#include "winposix.h"

#include <mgmtypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "winlist.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HEAP_NO_SERIALIZE 0x00000001
#define HEAP_GROWABLE 0x00000002
#define HEAP_GENERATE_EXCEPTIONS 0x00000004
#define HEAP_ZERO_MEMORY 0x00000008
#define HEAP_REALLOC_IN_PLACE_ONLY 0x00000010

/* The header of each allocation. Its size keeps the memory behind it aligned for any type. */
typedef struct mgm_win32_block {
    LIST_ENTRY links; /* used only in a heap made by HeapCreate */
    uintptr_t bytes, reserved;
} mgm_win32_block;

typedef struct mgm_win32_heap {
    pthread_mutex_t mutex;
    LIST_ENTRY blocks;
} mgm_win32_heap;

/* The process heap uses malloc directly and keeps no list of its blocks, so it consists of
 * a handle only. */
static inline HANDLE GetProcessHeap(void)
{
    return (HANDLE)(uintptr_t)0x10;
}

static inline HANDLE HeapCreate(DWORD flags, uintptr_t initial, uintptr_t maximum)
{
    mgm_win32_heap *heap = (mgm_win32_heap *)malloc(sizeof *heap);

    (void)flags;
    (void)initial;
    (void)maximum;
    if (heap) {
        pthread_mutex_init(&heap->mutex, NULL);
        heap->blocks.Flink = heap->blocks.Blink = &heap->blocks;
    }
    return heap;
}

static inline BOOL HeapDestroy(HANDLE handle)
{
    mgm_win32_heap *heap = (mgm_win32_heap *)handle;
    PLIST_ENTRY entry, next;

    if (!heap || handle == GetProcessHeap())
        return FALSE;
    for (entry = heap->blocks.Flink; entry != &heap->blocks; entry = next) {
        next = entry->Flink;
        free(entry); /* the links are the first member of a block */
    }
    pthread_mutex_destroy(&heap->mutex);
    free(heap);
    return TRUE;
}

/* Adds a block to the list of its heap, or removes it. */
static inline void mgm_win32_heap_link(HANDLE handle, mgm_win32_block *block, BOOL in)
{
    mgm_win32_heap *heap = (mgm_win32_heap *)handle;
    PLIST_ENTRY links = &block->links;

    if (handle == GetProcessHeap())
        return;
    pthread_mutex_lock(&heap->mutex);
    if (in) {
        links->Flink = &heap->blocks;
        links->Blink = heap->blocks.Blink;
    }
    links->Blink->Flink = in ? links : links->Flink;
    links->Flink->Blink = in ? links : links->Blink;
    pthread_mutex_unlock(&heap->mutex);
}

static inline PVOID HeapAlloc(HANDLE heap, DWORD flags, uintptr_t bytes)
{
    mgm_win32_block *block = NULL;

    if (heap && bytes <= (uintptr_t)PTRDIFF_MAX - sizeof *block) {
        uintptr_t all = sizeof *block + bytes;

        block = (mgm_win32_block *)(flags & HEAP_ZERO_MEMORY ? calloc(1, all) : malloc(all));
    }
    if (!block)
        return NULL;
    block->bytes = bytes;
    mgm_win32_heap_link(heap, block, TRUE);
    return block + 1;
}

static inline BOOL HeapFree(HANDLE heap, DWORD flags, PVOID memory)
{
    (void)flags;
    if (!heap)
        return FALSE;
    if (memory) {
        mgm_win32_block *block = (mgm_win32_block *)memory - 1;

        mgm_win32_heap_link(heap, block, FALSE);
        free(block);
    }
    return TRUE;
}

static inline uintptr_t HeapSize(HANDLE heap, DWORD flags, const void *memory)
{
    (void)flags;
    return heap && memory ? ((const mgm_win32_block *)memory - 1)->bytes : (uintptr_t)-1;
}

/* If it returns NULL, the old memory is unchanged. */
static inline PVOID HeapReAlloc(HANDLE heap, DWORD flags, PVOID memory, uintptr_t bytes)
{
    mgm_win32_block *block, *moved;
    uintptr_t before;

    if (!heap || !memory)
        return NULL;
    block = (mgm_win32_block *)memory - 1;
    before = block->bytes;
    if (flags & HEAP_REALLOC_IN_PLACE_ONLY) {
        if (bytes > before)
            return NULL;
        block->bytes = bytes;
        return memory;
    }
    if (bytes > (uintptr_t)PTRDIFF_MAX - sizeof *block)
        return NULL;
    mgm_win32_heap_link(heap, block, FALSE);
    moved = (mgm_win32_block *)realloc(block, sizeof *block + bytes);
    if (!moved) {
        mgm_win32_heap_link(heap, block, TRUE);
        return NULL;
    }
    mgm_win32_heap_link(heap, moved, TRUE);
    moved->bytes = bytes;
    if (flags & HEAP_ZERO_MEMORY && bytes > before)
        memset((char *)(moved + 1) + before, 0, bytes - before);
    return moved + 1;
}

#ifdef __cplusplus
}
#endif

#endif
