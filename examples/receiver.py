#!/usr/bin/env python3
"""An ordinary program that listens to a multicast group.

    receiver.py GROUP

Joins with setsockopt; the kernel sends the IGMP messages. Counts the datagrams of sender.py until
SIGTERM or SIGINT, then leaves and prints the count. The delays are right only if the sender runs on
the same machine.
"""

import signal
import socket
import struct
import sys
import time

PORT = 5000


class Stop(Exception):
    """Raised by a signal, to end the program."""


def stop(*_):
    raise Stop


def main():
    group = sys.argv[1]
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((group, PORT))
    any_interface = socket.inet_aton(group) + socket.inet_aton("0.0.0.0")
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    received, highest = 0, -1
    receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, any_interface)
    print(f"joined {group}", flush=True)
    try:
        while True:
            number, sent = struct.unpack("!QQ", receiver.recv(2048))
            if received == 0:
                delay = (time.monotonic_ns() - sent) / 1e6
                print(f"first datagram: number {number}, {delay:.2f} ms old", flush=True)
            received += 1
            highest = max(highest, number)
    except Stop:
        receiver.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, any_interface)
    lost = highest + 1 - received
    print(f"left {group}; received {received} datagrams, lost {lost}", flush=True)


main()
