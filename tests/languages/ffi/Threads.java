// docs/ffi.md: a callback runs on a thread of the library as well, also while the garbage collector runs.
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

class Threads {
    static final int GROUPS = 3000;
    static final Set<Integer> SEEN = new HashSet<>();
    static final CountDownLatch EVERYTHING = new CountDownLatch(1);
    static boolean isOnCaller, isOnOther;
    static Thread caller;
    static final Mgm.PMGM_PRUNE_ALERT_CALLBACK PRUNE_ALERT = (source, sourceMask, group, groupMask, index, nextHop, nobodyElse, timeout) -> {
        synchronized (SEEN) {
            isOnCaller |= Thread.currentThread() == caller;
            isOnOther |= Thread.currentThread() != caller;
            SEEN.add(group);
            if (SEEN.size() % 1000 == 0) {
                System.gc();
            }
            if (SEEN.size() == GROUPS) {
                EVERYTHING.countDown();
            }
        }
        return 0;
    };

    static void check(int code) {
        if (code != 0) {
            throw new IllegalStateException("code " + code);
        }
    }

    static Pointer register(int component, Mgm.ROUTING_PROTOCOL_CONFIG callbacks) {
        PointerByReference handle = new PointerByReference();
        check(Mgm.LIBRARY.MgmRegisterMProtocol(callbacks, Mgm.PROTO_IP_OTHER, component, handle));
        return handle.getValue();
    }

    public static void main(String[] arguments) throws InterruptedException {
        caller = Thread.currentThread();
        Pointer edge = register(1, new Mgm.ROUTING_PROTOCOL_CONFIG());
        Mgm.ROUTING_PROTOCOL_CONFIG callbacks = new Mgm.ROUTING_PROTOCOL_CONFIG();
        callbacks.pfnPruneAlertCallback = PRUNE_ALERT;
        Pointer pim = register(2, callbacks);
        check(Mgm.LIBRARY.MgmTakeInterfaceOwnership(edge, 1, 0));
        for (int i = 0; i < GROUPS; i++) {
            byte[] octets = {(byte) 239, 1, (byte) (i / 250), (byte) (1 + i % 250)};
            int group = ByteBuffer.wrap(octets).order(ByteOrder.nativeOrder()).getInt();
            check(Mgm.LIBRARY.MgmAddGroupMembershipEntry(edge, 0, 0, group, 0xFFFFFFFF, 1, 0, Mgm.MGM_JOIN_STATE_FLAG));
        }
        // One call causes more callbacks than it makes itself.
        check(Mgm.LIBRARY.MgmReleaseInterfaceOwnership(edge, 1, 0));
        if (!EVERYTHING.await(20, TimeUnit.SECONDS)) {
            throw new IllegalStateException(SEEN.size() + " of " + GROUPS + " alerts");
        }
        if (!isOnCaller || !isOnOther) {
            throw new IllegalStateException("all alerts are on threads of one kind");
        }
        check(Mgm.LIBRARY.MgmDeRegisterMProtocol(edge));
        check(Mgm.LIBRARY.MgmDeRegisterMProtocol(pim));
        check(Mgm.LIBRARY.MgmHostStop());
        System.out.println(GROUPS + " alerts on several threads");
    }
}
