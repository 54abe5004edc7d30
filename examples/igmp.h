/*
 * igmp.h - the few IGMP messages that the examples need, as bytes.
 *
 * It does not use the library, and opens no socket. All addresses are in network byte order,
 * as in struct in_addr and in mgm.h.
 */
#ifndef EXAMPLES_IGMP_H
#define EXAMPLES_IGMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a host asks for. */
enum igmp_wish { IGMP_JOIN, IGMP_LEAVE };

/* Group record types of an IGMPv3 report (RFC 3376, 4.2.12). */
enum igmp_record {
    IGMP_MODE_IS_INCLUDE = 1,
    IGMP_MODE_IS_EXCLUDE = 2,
    IGMP_CHANGE_TO_INCLUDE = 3,
    IGMP_CHANGE_TO_EXCLUDE = 4,
    IGMP_ALLOW_NEW_SOURCES = 5,
    IGMP_BLOCK_OLD_SOURCES = 6
};

/* Receives one request. Source 0 means any source: (*,g). */
typedef void igmp_wish_fn(void *context, enum igmp_wish wish, uint32_t source, uint32_t group);

/*
 * Parses one IGMP message (without the IP header), and passes every request in it to `tell`:
 * IGMPv1 and v2 reports, v2 leaves, v3 reports. Queries contain no requests. Returns false if
 * the message is too short or its checksum is wrong. `tell` may have been called before.
 */
bool igmp_read(const uint8_t *message, size_t length, igmp_wish_fn *tell, void *context);

/*
 * Writes an IGMPv3 report with one record. The record has one source, or none if it is 0.
 * Returns the length, 16 or 20.
 */
size_t igmp_write_report(uint8_t message[20], enum igmp_record type, uint32_t source,
                         uint32_t group);

#endif
