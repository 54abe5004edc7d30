/* frame.h - a datagram to a group, as a frame of Ethernet, for burst.c and probe.c. */
#ifndef FRAME_H
#define FRAME_H

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <string.h>

enum { PAYLOAD = 8, PORT = 5000, TTL = 16 };

struct __attribute__((packed)) frame {
    struct ethhdr ethernet;
    struct iphdr ip;
    struct udphdr udp;
    uint8_t payload[PAYLOAD];
};

static uint16_t checksum(const void *header)
{
    uint16_t words[sizeof(struct iphdr) / 2];
    uint32_t sum = 0;

    memcpy(words, header, sizeof words);
    for (size_t i = 0; i < sizeof words / 2; i++)
        sum += words[i];
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~(sum + (sum >> 16));
}

static void fill(struct frame *frame, uint32_t source, uint32_t group)
{
    const uint8_t to[6] = {0x01, 0x00, 0x5e, (group >> 16) & 0x7f, (group >> 8) & 0xff, group & 0xff};

    memset(frame, 0, sizeof *frame);
    memcpy(frame->ethernet.h_dest, to, sizeof to);
    frame->ethernet.h_source[0] = 0x02; /* a locally administered address */
    frame->ethernet.h_proto = htons(ETH_P_IP);
    frame->ip.version = 4;
    frame->ip.ihl = 5;
    frame->ip.tot_len = htons(sizeof *frame - sizeof frame->ethernet);
    frame->ip.ttl = TTL;
    frame->ip.protocol = IPPROTO_UDP;
    frame->ip.saddr = htonl(source);
    frame->ip.daddr = htonl(group);
    frame->ip.check = checksum(&frame->ip);
    frame->udp.source = frame->udp.dest = htons(PORT);
    frame->udp.len = htons(sizeof frame->udp + PAYLOAD);
}

#endif
