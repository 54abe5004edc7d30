#!/usr/bin/env python3
"""An ordinary program that sends a stream to a multicast group.

    sender.py GROUP [INTERVAL]      a datagram every INTERVAL seconds (0.01)

Each datagram carries its number and the time at which it was sent, for
receiver.py. Runs until SIGTERM or SIGINT.
"""

import signal
import socket
import struct
import sys
import time

PORT = 5000


def main():
    group = sys.argv[1]
    interval = float(sys.argv[2]) if len(sys.argv) > 2 else 0.01
    going = True

    def stop(*_):
        nonlocal going
        going = False

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    # With the default, 1, no router would forward the packets.
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 16)
    print(f"sending to {group}, a datagram every {interval * 1000:g} ms", flush=True)
    number = 0
    while going:
        sender.sendto(struct.pack("!QQ", number, time.monotonic_ns()), (group, PORT))
        number += 1
        time.sleep(interval)
    print(f"sent {number} datagrams", flush=True)


main()
