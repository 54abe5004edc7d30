/* lists.h - what sources for Windows bring along for LIST_ENTRY, because its own windows.h has
 * only the type. */
#ifndef LISTS_H
#define LISTS_H

#define InitializeListHead(head) ((head)->Flink = (head)->Blink = (head))
#define IsListEmpty(head) ((head)->Flink == (head))
#define RemoveEntryList(entry)                     \
    do {                                           \
        PLIST_ENTRY next_ = (entry)->Flink;        \
        PLIST_ENTRY before_ = (entry)->Blink;      \
        before_->Flink = next_;                    \
        next_->Blink = before_;                    \
    } while (0)
#define InsertBetween(before, entry, next)         \
    do {                                           \
        PLIST_ENTRY before_ = (before);            \
        PLIST_ENTRY next_ = (next);                \
        (entry)->Flink = next_;                    \
        (entry)->Blink = before_;                  \
        before_->Flink = next_->Blink = (entry);   \
    } while (0)
#define InsertHeadList(head, entry) InsertBetween(head, entry, (head)->Flink)
#define InsertTailList(head, entry) InsertBetween((head)->Blink, entry, head)

static PLIST_ENTRY TakeOut(PLIST_ENTRY entry)
{
    RemoveEntryList(entry);
    return entry;
}
#define RemoveHeadList(head) TakeOut((head)->Flink)
#define RemoveTailList(head) TakeOut((head)->Blink)

#endif
