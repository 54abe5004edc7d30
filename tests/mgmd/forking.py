"""A routing daemon that says MRT_INIT and adds its VIFs before it goes into the background.

    forking.py FROM TO

It forwards all flows from the one interface to the other.
"""

import os
import select
import socket
import struct
import sys

MRT_INIT, MRT_ADD_VIF, MRT_ADD_MFC = 200, 202, 204
VIFF_USE_IFINDEX, IGMPMSG_NOCACHE = 8, 1


def main():
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    raw.setsockopt(socket.IPPROTO_IP, MRT_INIT, 1)
    for vif, name in enumerate(sys.argv[1:3]):
        index = socket.if_nametoindex(name)
        vifctl = struct.pack("=HBBIii", vif, VIFF_USE_IFINDEX, 1, 0, index, 0)
        raw.setsockopt(socket.IPPROTO_IP, MRT_ADD_VIF, vifctl)
    if os.fork():
        os._exit(0)
    os.setsid()
    while True:
        select.select([raw], [], [])
        packet = raw.recv(8192)
        if packet[9] == 0 and packet[8] == IGMPMSG_NOCACHE:
            ttls = bytes([0, 1]) + bytes(30)
            entry = packet[12:20] + struct.pack("=H", packet[10]) + ttls
            raw.setsockopt(socket.IPPROTO_IP, MRT_ADD_MFC, entry.ljust(60, b"\0"))


if __name__ == "__main__":
    main()
