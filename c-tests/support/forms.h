/* The three forms in which MFEs are retrieved, so that one test serves all. */
#ifndef C_TESTS_FORMS_H
#define C_TESTS_FORMS_H

#include <mgm.h>

struct form {
    const char *name;
    DWORD base, for_each_oif;
    DWORD (*get)(PMIB_IPMCAST_MFE mfe, PDWORD size, PBYTE buffer);
    DWORD (*first)(PDWORD size, PBYTE buffer, PDWORD count);
    DWORD (*next)(PMIB_IPMCAST_MFE start, PDWORD size, PBYTE buffer, PDWORD count);
};

enum { FORMS = 3 };
extern const struct form forms[FORMS];

/* Bytes of an entry with so many outgoing interfaces. */
DWORD entry_size(const struct form *form, DWORD oifs);
/* How many it says it has. */
DWORD entry_oifs(const struct form *form, const BYTE *entry);
/* Its group and source, as a flow's text. */
char *entry_flow(const BYTE *entry, char text[40]);

/* A query for MgmGetMfe, a start for MgmGetNextMfe. */
MIB_IPMCAST_MFE named(const char *flow);

#endif
