/*
 * igmp.h - the few IGMP messages that the examples need, as bytes.
 *
 * Knows nothing of MGM and opens no socket: bytes in, wishes out. Addresses are
 * in network byte order throughout, as in struct in_addr and as in mgm.h.
 */
#ifndef EXAMPLES_IGMP_H
#define EXAMPLES_IGMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a host wants of a group. */
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

/* Takes one wish. A source of 0 means any source: (*,g). */
typedef void igmp_wish_fn(void *context, enum igmp_wish wish, uint32_t source, uint32_t group);

/*
 * Reads one IGMP message (what follows the IP header) and hands every wish in
 * it to `tell`: IGMPv1 and v2 reports, v2 leaves, v3 reports. Queries are no
 * wishes. False if the message is cut short or its checksum is wrong; wishes in
 * front of a cut are told nevertheless.
 */
bool igmp_read(const uint8_t *message, size_t length, igmp_wish_fn *tell, void *context);

/*
 * Writes an IGMPv3 query: a general one if group is 0, else one for the group.
 * Hosts answer within tenths/10 seconds, both numbers below 128; the next general query comes
 * after `interval` seconds. Returns the length, 12.
 */
size_t igmp_write_query(uint8_t message[12], uint32_t group, uint8_t tenths, uint8_t interval);

/*
 * Writes an IGMPv3 report with one record, and with one source in it unless
 * that is 0. Returns the length, 16 or 20.
 */
size_t igmp_write_report(uint8_t message[20], enum igmp_record type, uint32_t source,
                         uint32_t group);

#endif
