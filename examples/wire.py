#!/usr/bin/env python3
"""Counts the UDP datagrams to a group that arrive on a link, whether its host has joined or not.

    wire.py INTERFACE GROUP

For each line on standard input it prints how many came since the last one.
Needs CAP_NET_RAW.
"""

import contextlib
import socket
import sys

ETH_P_IP = 0x0800
PACKET_OUTGOING = 4


def main():
    interface, group = sys.argv[1], socket.inet_aton(sys.argv[2])
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
    wire.bind((interface, ETH_P_IP))
    wire.setblocking(False)
    print("watching", flush=True)
    for _ in sys.stdin:
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, (_, _, kind, *_) = wire.recvfrom(2048)
                to_group = packet[9] == socket.IPPROTO_UDP and packet[16:20] == group
                count += to_group and kind != PACKET_OUTGOING
        print(count, flush=True)


main()
