/* igmp.c - see igmp.h. */
#include "igmp.h"

#include <string.h>

/* Message types. */
enum {
    TYPE_V1_REPORT = 0x12,
    TYPE_V2_REPORT = 0x16,
    TYPE_V2_LEAVE = 0x17,
    TYPE_V3_REPORT = 0x22
};

/* Lengths of the fixed parts: of every message, and of a v3 group record. */
enum { HEADER = 8, RECORD = 8, ADDRESS = 4 };

/*
 * The Internet checksum. It adds bytes instead of 16-bit words, so it is right in both byte
 * orders and at odd addresses. The result for a message that contains its checksum is 0.
 */
static uint16_t checksum(const uint8_t *bytes, size_t length)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < length; i++)
        sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void write_checksum(uint8_t *message, size_t length)
{
    uint16_t sum = checksum(message, length);

    message[2] = (uint8_t)(sum >> 8);
    message[3] = (uint8_t)sum;
}

/* Copies the four bytes, so the result is in network byte order too. */
static uint32_t address_at(const uint8_t *bytes)
{
    uint32_t address;

    memcpy(&address, bytes, sizeof address);
    return address;
}

static size_t number_at(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 8 | bytes[1];
}

/*
 * Translates one group record of a v3 report:
 *
 *   EXCLUDE, whatever sources     join (*,g)
 *   INCLUDE {a}, ALLOW {a}        join (a,g)
 *   CHANGE_TO_INCLUDE {}          leave (*,g)
 *   CHANGE_TO_INCLUDE {a}         leave (*,g), join (a,g)
 *   BLOCK {a}                     leave (a,g)
 *
 * A membership cannot exclude sources, so the sources of an EXCLUDE are ignored, and the
 * hosts drop their packets.
 */
static void tell_record(uint8_t type, uint32_t group, const uint8_t *sources, size_t count,
                        igmp_wish_fn *tell, void *context)
{
    enum igmp_wish wish = type == IGMP_BLOCK_OLD_SOURCES ? IGMP_LEAVE : IGMP_JOIN;

    switch (type) {
    case IGMP_MODE_IS_EXCLUDE:
    case IGMP_CHANGE_TO_EXCLUDE:
        tell(context, IGMP_JOIN, 0, group);
        return;
    case IGMP_CHANGE_TO_INCLUDE:
        tell(context, IGMP_LEAVE, 0, group);
        break;
    case IGMP_MODE_IS_INCLUDE:
    case IGMP_ALLOW_NEW_SOURCES:
    case IGMP_BLOCK_OLD_SOURCES:
        break;
    default:
        return; /* RFC 3376: unknown record types are silently ignored */
    }
    for (size_t i = 0; i < count; i++)
        tell(context, wish, address_at(sources + i * ADDRESS), group);
}

/*
 *    0                   1                   2                   3
 *   +---------------+---------------+-------------------------------+
 *   |  type = 0x22  |   reserved    |           checksum            |
 *   +---------------+---------------+-------------------------------+
 *   |           reserved            |      number of records        |
 *   +---------------+---------------+-------------------------------+
 *   |  record type  |  aux words    |      number of sources        |  each
 *   +---------------+---------------+-------------------------------+  record
 *   |                             group                             |
 *   +---------------------------------------------------------------+
 *   |                  sources, then auxiliary data                 |
 *   +---------------------------------------------------------------+
 */
static bool read_v3_report(const uint8_t *message, size_t length, igmp_wish_fn *tell,
                           void *context)
{
    size_t records = number_at(message + 6);
    size_t at = HEADER;

    for (; records > 0; records--) {
        const uint8_t *record = message + at;

        if (length - at < RECORD)
            return false;
        size_t sources = number_at(record + 2);
        size_t whole = RECORD + sources * ADDRESS + record[1] * (size_t)ADDRESS;

        if (length - at < whole)
            return false;
        tell_record(record[0], address_at(record + 4), record + RECORD, sources, tell, context);
        at += whole;
    }
    return true;
}

bool igmp_read(const uint8_t *message, size_t length, igmp_wish_fn *tell, void *context)
{
    if (length < HEADER || checksum(message, length) != 0)
        return false;
    switch (message[0]) {
    case TYPE_V1_REPORT:
    case TYPE_V2_REPORT:
        tell(context, IGMP_JOIN, 0, address_at(message + 4));
        return true;
    case TYPE_V2_LEAVE:
        tell(context, IGMP_LEAVE, 0, address_at(message + 4));
        return true;
    case TYPE_V3_REPORT:
        return read_v3_report(message, length, tell, context);
    default:
        return true; /* a query or an unknown message: no request, and no error */
    }
}

size_t igmp_write_report(uint8_t message[20], enum igmp_record type, uint32_t source,
                         uint32_t group)
{
    size_t length = source ? 20 : 16;

    memset(message, 0, 20);
    message[0] = TYPE_V3_REPORT;
    message[7] = 1; /* one record */
    message[8] = (uint8_t)type;
    message[11] = source ? 1 : 0;
    memcpy(message + 12, &group, ADDRESS);
    memcpy(message + 16, &source, ADDRESS);
    write_checksum(message, length);
    return length;
}
