"""Routing daemons that do what Debian's daemons do rarely; the test starts them by mgm-run.

    acts.py WHAT INTERFACE...

Exits with 0 if the calls returned what they have to.
"""

import ctypes
import errno
import fcntl
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

IP = socket.IPPROTO_IP
MRT_INIT, MRT_DONE, MRT_ADD_VIF, MRT_DEL_VIF = 200, 201, 202, 203
VIFF_USE_IFINDEX = 8
IP_PKTINFO = 8
SIOCGETVIFCNT = 0x89E0  # on a socket of IPv6: SIOCGETMIFCNT_IN6
PATIENCE = 10


def routing(*interfaces):
    """Returns a socket of multicast routing with these interfaces as VIFs."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    raw.setsockopt(IP, MRT_INIT, 1)
    for vif, name in enumerate(interfaces):
        index = socket.if_nametoindex(name)
        vifctl = struct.pack("=HBBIii", vif, VIFF_USE_IFINDEX, 1, 0, index, 0)
        raw.setsockopt(IP, MRT_ADD_VIF, vifctl)
    return raw


def errno_of(call, *arguments):
    """Returns the errno of a call, 0 if it succeeds."""
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
    return 0


def counters(*interfaces):
    """The requests for counters on a socket of IPv6 are the kernel's."""
    six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    request = struct.pack("=H", 31).ljust(80, b"\0")
    wanted = errno_of(fcntl.ioctl, six, SIOCGETVIFCNT, request)
    raw = routing(*interfaces)
    for four in (raw, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)):
        assert errno_of(fcntl.ioctl, four, SIOCGETVIFCNT, request) == errno.EADDRNOTAVAIL
    got = errno_of(fcntl.ioctl, six, SIOCGETVIFCNT, request)
    assert got == wanted != errno.EADDRNOTAVAIL, (got, wanted)


def joined(group, name="mgm0"):
    """Returns a socket that has joined a group on an interface."""
    member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    request = socket.inet_aton(group) + struct.pack("=4xi", socket.if_nametoindex(name))
    member.setsockopt(IP, socket.IP_ADD_MEMBERSHIP, request)
    return member


def reads(raw, seconds):
    """Waits and reads as daemons do. Returns how often there was something."""
    count, end = 0, time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if select.select([raw], [], [], left)[0]:
            raw.recv(8192)
            count += 1
    return count


def moving(first, second):
    """As `hearing`, on another interface than at first."""
    raw = routing(first)
    for _ in range(34):  # more often than there are VIFs
        raw.setsockopt(IP, MRT_DEL_VIF, struct.pack("=H14x", 0))
        index = socket.if_nametoindex(second)
        raw.setsockopt(IP, MRT_ADD_VIF, struct.pack("=HBBIii", 0, VIFF_USE_IFINDEX, 1, 0, index, 0))
    says_what_arrives(raw, first)


def hearing(*interfaces):
    """Says what arrives: interface, kind and group of each IGMP packet."""
    says_what_arrives(routing(*interfaces), interfaces[0])


def says_what_arrives(raw, asks_on):
    raw.setsockopt(IP, IP_PKTINFO, 1)
    print("ready", file=sys.stderr, flush=True)
    while True:
        select.select([raw], [], [])
        peeked = raw.recv(8192, socket.MSG_PEEK)
        packet, info, *_ = raw.recvmsg(8192, 64)
        index = struct.unpack_from("=i", info[0][2])[0] if info else 0
        message = packet[(packet[0] & 15) * 4 :]
        if message[0] == 0xF0:  # nothing
            continue
        name, group = socket.if_indextoname(index), socket.inet_ntoa(message[4:8])
        cut = "" if peeked == packet and len(message) == 8 else " wrong length"
        print(f"heard {name} {message[0]:#x} {group}{cut}", file=sys.stderr, flush=True)
        if group == "239.1.0.99":
            # What the daemon sends itself, it hears as from the kernel.
            address = struct.pack("=8xi", socket.if_nametoindex(asks_on))
            raw.setsockopt(IP, socket.IP_MULTICAST_IF, address)
            raw.sendto(bytes([0x11, 0, 0xEE, 0xFF, 0, 0, 0, 0]), ("224.0.0.1", 0))


def closing(*interfaces):
    """A child that closes all descriptors, as before it becomes another program, is no daemon."""
    _raw, member = routing(*interfaces), joined("239.1.2.3")
    child = os.fork()
    if child == 0:
        began = time.monotonic()
        os.close(member.fileno())
        os._exit(time.monotonic() - began > 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, "the child waited"


def vfork(*interfaces):
    """What a child of vfork closes stays open in the parent."""
    raw = routing(*interfaces)
    libc = ctypes.PyDLL(None)
    # clone(2) with CLONE_VM | CLONE_VFORK, as vfork is, but with a stack of its own.
    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
    def child(_):
        libc.close(raw.fileno())
        return 0

    stack = ctypes.create_string_buffer(1 << 20)
    top = (ctypes.addressof(stack) + len(stack)) & ~15
    pid = libc.clone(child, ctypes.c_void_p(top), 0x100 | 0x4000 | 17, None)
    assert pid > 0 and os.waitpid(pid, 0)[1] == 0
    vifctl = struct.pack("=HBBIii", 0, VIFF_USE_IFINDEX, 1, 0, 1, 0)
    assert errno_of(raw.setsockopt, IP, MRT_ADD_VIF, vifctl) == errno.EADDRINUSE


def helper(*interfaces):
    """A daemon with a child that has copies of its descriptors, and does nothing."""
    raw = routing(*interfaces)
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(writer)
        os.read(reader, 1)  # until the parent ends
        os._exit(0)
    print("ready", file=sys.stderr, flush=True)
    select.select([raw], [], [])  # mgmd has ended
    count = reads(raw, 2)
    assert 0 < count < 6, count


def unicast(*interfaces):
    """With IP_MULTICAST_IF of mgm0, only what is for a group goes there."""
    raw = routing(*interfaces)
    index = struct.pack("=8xi", socket.if_nametoindex("mgm0"))
    raw.setsockopt(IP, socket.IP_MULTICAST_IF, index)
    other = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    other.settimeout(5)
    query = bytes([0x11, 10, 0, 0, 239, 1, 2, 3])
    for send in (raw.sendto, lambda data, to: raw.sendmsg([data], [], 0, to)):
        assert send(query, ("224.0.0.1", 0)) == send(query, ("127.0.0.1", 0)) == 8
        assert other.recv(100)[16:20] == socket.inet_aton("127.0.0.1")


def again(*interfaces):
    """Groups on mgm0 outlive MRT_DONE, unless the daemon leaves them."""
    raw = routing(*interfaces)
    member, left = joined("239.1.2.3"), joined("239.1.2.4")
    raw.setsockopt(IP, MRT_DONE, 1)
    request = struct.pack("=4s4xi", socket.inet_aton("239.1.2.4"), socket.if_nametoindex("mgm0"))
    left.setsockopt(IP, socket.IP_DROP_MEMBERSHIP, request)
    assert errno_of(left.setsockopt, IP, socket.IP_DROP_MEMBERSHIP, request) == errno.EADDRNOTAVAIL
    raw.close()
    raw = routing(*interfaces)
    print("ready", file=sys.stderr, flush=True)
    reads(raw, 60)
    member.close()


def failing(*interfaces):
    """A dup2 that fails closes nothing."""
    raw = routing(*interfaces)
    libc = ctypes.CDLL(None)
    assert libc.dup2(500, raw.fileno()) == libc.dup3(raw.fileno(), raw.fileno(), 0) == -1
    assert libc.dup3(0, raw.fileno(), 1) == -1
    vifctl = struct.pack("=HBBIii", 0, VIFF_USE_IFINDEX, 1, 0, 1, 0)
    assert errno_of(raw.setsockopt, IP, MRT_ADD_VIF, vifctl) == errno.EADDRINUSE


def high(*interfaces):
    """A socket whose number is too high is the kernel's, and the log says so."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000))
    files = [os.open("/dev/null", os.O_RDONLY)]
    while files[-1] < 1023:
        files.append(os.dup(files[0]))
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)


def lines(file):
    """Lines of the log kill nobody, and get into no other file."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    # Nobody reads stderr.
    assert errno_of(raw.setsockopt, IP, MRT_INIT, 1) == errno.ECONNREFUSED
    os.close(2)
    assert os.open(file, os.O_WRONLY | os.O_CREAT) == 2
    assert errno_of(raw.setsockopt, IP, MRT_INIT, 1) == errno.ECONNREFUSED
    os._exit(0 if os.fstat(2).st_size == 0 else 3)


def waiting(*interfaces):
    """A call that receives goes on after a signal, and obeys SO_RCVTIMEO."""
    raw = routing(*interfaces)
    libc = ctypes.CDLL(None, use_errno=True)

    def receive():
        began = time.monotonic()
        assert libc.recv(raw.fileno(), ctypes.create_string_buffer(100), 100, 0) == -1
        return ctypes.get_errno(), time.monotonic() - began

    # The only handler is one with SA_RESTART, until the timer changes it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.siginterrupt(signal.SIGALRM, False)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    threading.Timer(0.5, signal.siginterrupt, (signal.SIGALRM, True)).start()
    number, took = receive()
    assert number == errno.EINTR and took > 0.4, (number, took)
    signal.setitimer(signal.ITIMER_REAL, 0)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("=qq", 0, 300_000))
    number, took = receive()
    assert number == errno.EAGAIN and 0.25 < took < 5, (number, took)


def stopped(*interfaces):
    """mgmd is stopped: after the call that waits for it, no other one waits."""
    raw = routing(*interfaces)
    request = bytes(40)
    print("ready", file=sys.stderr, flush=True)

    def took():
        began = time.monotonic()
        fcntl.ioctl(raw, SIOCGETVIFCNT, request)
        time.sleep(0.05)
        return time.monotonic() - began

    while took() < 5:
        pass
    times = [took() for _ in range(160)]
    assert 0.15 < max(times) < 2 and sum(times) < 14, (max(times), sum(times))


def reused(*interfaces):
    """The child of a daemon closes its descriptors by closefrom, and goes on with new ones."""
    raw = routing(*interfaces)
    number = raw.fileno()
    lower = os.dup(raw.fileno())  # marked, and the number that the next file gets
    libc = ctypes.CDLL(None)
    libc.syscall(436, lower, lower, 0)  # close_range
    other = os.dup(number)
    assert other == lower, (other, lower)
    libc.syscall(436, lower, lower, 0)
    began = time.monotonic()
    if os.fork():
        time.sleep(1)
        os._exit(0)
    raw.setblocking(False)
    assert errno_of(raw.recv, 8192) == errno.EAGAIN
    assert time.monotonic() - began < 3
    print("goes on", file=sys.stderr, flush=True)


def threads(*interfaces):
    """Threads, a handler of a signal and forks use the sockets at the same time."""
    raw = routing(*interfaces)
    raw.setblocking(False)
    request = bytes(40)

    def use():
        while not over:
            fcntl.ioctl(raw, SIOCGETVIFCNT, request)

    over = []
    users = [threading.Thread(target=use) for _ in range(2)]
    for user in users:
        user.start()
    signal.signal(signal.SIGALRM, lambda *_: raw.getsockname())
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
    for _ in range(10):
        child = os.fork()
        if child == 0:
            os._exit(len(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
        assert os.waitpid(child, 0)[1] == 0, "signals stay blocked"
    signal.setitimer(signal.ITIMER_REAL, 0)
    over.append(True)
    for user in users:
        user.join()


def is_served(raw):
    """Whether this is a socket of multicast routing whose VIF 0 is in use."""
    vifctl = struct.pack("=HBBIii", 0, VIFF_USE_IFINDEX, 1, 0, 1, 0)
    return errno_of(raw.setsockopt, IP, MRT_ADD_VIF, vifctl) == errno.EADDRINUSE


def copies(*interfaces):
    """All numbers of a socket are equal, whenever they were made."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    other = raw.dup()
    unrelated = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    raw.setsockopt(IP, MRT_INIT, 1)
    index = socket.if_nametoindex(interfaces[0])
    other.setsockopt(IP, MRT_ADD_VIF, struct.pack("=HBBIii", 0, VIFF_USE_IFINDEX, 1, 0, index, 0))
    assert is_served(raw) and is_served(other) and not is_served(unrelated)
    third = other.dup()
    third.setsockopt(IP, IP_PKTINFO, 1)
    raw.close()
    other.close()
    assert is_served(third)
    send_query(third, interfaces[0])
    select.select([third], [], [], PATIENCE)
    _, info, *_ = third.recvmsg(8192, 64)
    assert struct.unpack_from("=i", info[0][2])[0] == index
    # A socket stays a member as long as it has a number, also if that was made before the socket joined.
    request = struct.pack("=4s4xi", socket.inet_aton("239.1.2.3"), socket.if_nametoindex("mgm0"))
    late, early = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for member, copies in ((late, 0), (early, 1), (third, 1)):
        others = [member.dup() for _ in range(copies)]
        member.setsockopt(IP, socket.IP_ADD_MEMBERSHIP, request)
        copy = (others or [member.dup()])[0]
        assert errno_of(copy.setsockopt, IP, socket.IP_ADD_MEMBERSHIP, request) == errno.EADDRINUSE
        member.close()
        assert errno_of(copy.setsockopt, IP, socket.IP_ADD_MEMBERSHIP, request) == errno.EADDRINUSE
        copy.setsockopt(IP, socket.IP_DROP_MEMBERSHIP, request)
        assert errno_of(copy.setsockopt, IP, socket.IP_DROP_MEMBERSHIP, request) == errno.EADDRNOTAVAIL


def send_query(raw, interface):
    """Sends a query, which the daemon hears itself."""
    raw.setsockopt(IP, socket.IP_MULTICAST_IF, struct.pack("=8xi", socket.if_nametoindex(interface)))
    raw.sendto(bytes([0x11, 0, 0xEE, 0xFF, 0, 0, 0, 0]), ("224.0.0.1", 0))


def stale(*interfaces):
    """A number that was closed unnoticed is that of a file or a socket now."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    number, libc = raw.fileno(), ctypes.CDLL(None, use_errno=True)
    libc.syscall(3, number)  # close
    file = os.open("/tmp", os.O_TMPFILE | os.O_RDWR)
    assert file == number, (file, number)
    assert os.write(file, b"one") == 3 and os.writev(file, [b"two", b"three"]) == 8
    os.lseek(file, 0, os.SEEK_SET)
    assert os.read(file, 20) == b"onetwothree"
    raw.detach()


def closefrom(*interfaces):
    """A daemon that closes all numbers from one on keeps the library's, and ends what it closes."""
    libc = ctypes.CDLL(None, use_errno=True)
    low = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    raw = routing(*interfaces)
    other = os.dup(0)
    assert other > raw.fileno() > low.fileno()
    libc.closefrom(raw.fileno() + 1)
    assert errno_of(os.fstat, other) == errno.EBADF
    assert is_served(raw)
    assert libc.close_range(raw.fileno() + 1, 2**32 - 1, 4) == 0 and is_served(raw)  # CLOEXEC
    assert libc.close_range(5, 4, 0) == -1 and ctypes.get_errno() == errno.EINVAL
    # A socket of which all numbers are closed at once leaves its groups.
    member = joined("239.1.2.3")
    number, copy = member.fileno(), member.dup()
    libc.closefrom(number)
    assert errno_of(member.getsockname) == errno_of(copy.getsockname) == errno.EBADF
    member.detach(), copy.detach()
    # By dup, which closes nothing, another socket gets the number.
    heir = low.dup()
    assert heir.fileno() == number, (heir, number)
    request = struct.pack("=4s4xi", socket.inet_aton("239.1.2.3"), socket.if_nametoindex("mgm0"))
    assert errno_of(heir.setsockopt, IP, socket.IP_DROP_MEMBERSHIP, request) == errno.EADDRNOTAVAIL
    libc.closefrom(raw.fileno())
    assert errno_of(os.fstat, raw.fileno()) == errno.EBADF
    raw.detach()
    # The interfaces are free.
    assert is_served(routing(*interfaces))


def old_kernel(*interfaces):
    """As closefrom, with a kernel that has no close_range, and numbers above the limit."""
    libc = ctypes.CDLL(None, use_errno=True)
    raw = routing(*interfaces)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000))
    above = fcntl.fcntl(0, fcntl.F_DUPFD, 1500)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 2000))
    # struct sock_filter: for the system call 436, return ENOSYS, for others, do nothing.
    steps = ((0x20, 0, 0, 0), (0x15, 0, 1, 436), (6, 0, 0, 0x50000 | errno.ENOSYS), (6, 0, 0, 0x7FFF0000))
    filter = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("=HxxxxxxQ", len(steps), ctypes.addressof(filter))
    assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0  # PR_SET_SECCOMP
    assert libc.syscall(436, 1500, 1500, 0) == -1 and ctypes.get_errno() == errno.ENOSYS
    other = os.dup(0)
    libc.close_range(other + 1, 1499, 0)
    assert os.fstat(other) and os.fstat(above) and is_served(raw)
    libc.closefrom(raw.fileno() + 1)
    assert errno_of(os.fstat, other) == errno_of(os.fstat, above) == errno.EBADF
    assert is_served(raw)


def odd(*interfaces):
    """Calls that no daemon makes, and arguments that none has."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
    raw.setblocking(False)
    raw.setsockopt(IP, MRT_INIT, 1)
    index = socket.if_nametoindex(interfaces[0])
    vifctl = struct.pack("=HBBIii", 0, VIFF_USE_IFINDEX, 1, 0, index, 0)
    assert errno_of(raw.setsockopt, IP, MRT_ADD_VIF, vifctl[:15]) == errno.EINVAL
    assert errno_of(raw.setsockopt, IP, MRT_ADD_VIF, b"") == errno.EINVAL
    raw.setsockopt(IP, MRT_ADD_VIF, vifctl)
    assert fcntl.fcntl(raw, fcntl.F_GETFL) & os.O_NONBLOCK
    assert errno_of(raw.getpeername) == errno.ENOTCONN
    libc = ctypes.CDLL(None, use_errno=True)
    value, length = ctypes.create_string_buffer(b"\7" * 8, 8), ctypes.c_int()
    for said, wanted in ((0, b""), (1, b"\5"), (3, b"\5\3\0"), (4, b"\5\3\0\0"), (8, b"\5\3\0\0")):
        value.raw, length.value = b"\7" * 8, said
        assert libc.getsockopt(raw.fileno(), IP, 206, value, ctypes.byref(length)) == 0
        assert value.raw == wanted.ljust(8, b"\7") and length.value == len(wanted), said
    length.value = -1
    assert libc.getsockopt(raw.fileno(), IP, 206, value, ctypes.byref(length)) == -1
    assert ctypes.get_errno() == errno.EINVAL

    # Two messages of 100 octets each: struct mmsghdr with struct msghdr and struct iovec.
    buffers = [ctypes.create_string_buffer(100) for _ in range(2)]
    pieces = [ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(each), 100)) for each in buffers]
    heads = [struct.pack("=QIxxxxQQQQixxxxIxxxx", 0, 0, ctypes.addressof(each), 1, 0, 0, 0, 0) for each in pieces]
    messages = ctypes.create_string_buffer(b"".join(heads))

    def receive(time=None):
        return libc.recvmmsg(raw.fileno(), messages, 2, 0x10000, time)  # MSG_WAITFORONE

    assert receive() == -1 and ctypes.get_errno() == errno.EAGAIN
    for seconds, nanos in ((-1, 0), (0, -1), (0, 10**9), (2**63 - 1, 2**32)):
        assert receive(struct.pack("=qq", seconds, nanos)) == -1 and ctypes.get_errno() == errno.EINVAL
    # ppoll lets a blocked signal in, and wakes up for a packet.
    while select.select([raw], [], [], 0.5)[0]:  # what hosts say
        receive()
    signal.signal(signal.SIGUSR1, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    of, none = ctypes.create_string_buffer(struct.pack("=ihh", raw.fileno(), 1, 0)), bytes(8)
    time_out = struct.pack("=qq", PATIENCE, 0)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert libc.ppoll(of, 1, time_out, none, 8) == -1 and ctypes.get_errno() == errno.EINTR
    send_query(raw, interfaces[0])
    assert libc.ppoll(of, 1, time_out, none, 8) == 1
    assert receive(struct.pack("=qq", 2**63 - 1, 10**9 - 1)) == 1
    assert struct.unpack_from("=I", messages.raw, 56)[0] >= 28 and buffers[0].raw[9] == 2
    # From now on, the kernel calls the socket readable.
    assert errno_of(raw.shutdown, 0) == errno.ENOTCONN


def execs(*interfaces):
    """A program that inherits the socket can do nothing with it, and does it no harm."""
    raw = routing(*interfaces)
    number = raw.fileno()
    text = f"import os\ntry:\n    os.read({number}, 9)\nexcept OSError:\n    os.close({number})\n    print('refused')"
    done = subprocess.run([sys.executable, "-c", text], pass_fds=[number], capture_output=True, text=True)
    assert done.stdout == "refused\n", done
    assert is_served(raw)
    assert reads(raw, 1) < 5


def orphan(*interfaces):
    """A child closes its copy of the socket; the daemon goes on as before."""
    raw = routing(*interfaces)
    child = os.fork()
    if child == 0:
        os.close(raw.fileno())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    says_what_arrives(raw, interfaces[0])


if __name__ == "__main__":
    acts = (counters, hearing, moving, closing, vfork, helper, stopped, reused, threads, unicast, again)
    acts += (failing, high, lines, waiting, copies, stale, closefrom, old_kernel, odd, execs, orphan)
    {act.__name__: act for act in acts}[sys.argv[1]](*sys.argv[2:])
