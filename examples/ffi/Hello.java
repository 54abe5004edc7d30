// Two routing protocols share one router: examples/hello, with Java and JNA.
//
//     javac -cp /usr/share/java/jna.jar Hello.java Mgm.java && java -cp .:/usr/share/java/jna.jar Hello
import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import com.sun.jna.ptr.PointerByReference;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

class Hello {
    static final Mgm MGM = Mgm.LIBRARY;
    static final int HOST_MASK = 0xFFFFFFFF;

    // An address in network byte order, as the library has it.
    static int address(String text) throws UnknownHostException {
        return ByteBuffer.wrap(InetAddress.getByName(text).getAddress()).order(ByteOrder.nativeOrder()).getInt();
    }

    static String name(int address) {
        if (address == 0) {
            return "*";
        }
        byte[] octets = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder()).putInt(address).array();
        return (octets[0] & 255) + "." + (octets[1] & 255) + "." + (octets[2] & 255) + "." + (octets[3] & 255);
    }

    static String flow(int source, int group) {
        return "(" + name(source) + ", " + name(group) + ")";
    }

    static class Refusal extends RuntimeException {
        final int code;

        Refusal(int code, String reason) {
            super(reason);
            this.code = code;
        }
    }

    // Throws an exception for any code but NO_ERROR, with the library's reason. The library keeps the reason for
    // the thread of the refused call, so this call must be made on the same thread.
    static void check(int code) {
        if (code == Mgm.NO_ERROR) {
            return;
        }
        Memory reason = new Memory(1024);
        boolean isKnown = MGM.MgmHostGetLastMessage(new IntByReference(1024), reason) == Mgm.NO_ERROR;
        throw new Refusal(code, isKnown ? reason.getString(0, "UTF-8") : "");
    }

    // JNA keeps only a weak reference to a callback. So the garbage collector frees a callback to which nothing else
    // refers, although the library still has its address. Static fields refer to these. JNA prints an exception that
    // leaves a callback, and returns 0 to the library.
    static final Mgm.PMGM_RPF_CALLBACK RPF = (source, sourceMask, group, groupMask, index, nextHop, upstream, size, header, route) -> {
        System.out.println("rpf: " + flow(source, group) + " has to arrive on interface " + index.getValue());
        return Mgm.NO_ERROR;
    };
    static final Mgm.PMGM_JOIN_ALERT_CALLBACK JOIN_ALERT = (source, sourceMask, group, groupMask, somebodyElse) -> {
        String flow = flow(source, group);
        System.out.println(somebodyElse ? "join: somebody else wants " + flow : "join: " + flow + " has an outgoing interface again");
        return Mgm.NO_ERROR;
    };
    static final Mgm.PMGM_PRUNE_ALERT_CALLBACK PRUNE_ALERT = (source, sourceMask, group, groupMask, index, nextHop, nobodyElse, timeout) -> {
        String flow = flow(source, group);
        System.out.println(nobodyElse ? "prune: nobody else wants " + flow : "prune: " + flow + " has no outgoing interface");
        return Mgm.NO_ERROR;
    };

    static Pointer register(int component, Mgm.ROUTING_PROTOCOL_CONFIG callbacks) {
        PointerByReference handle = new PointerByReference();
        check(MGM.MgmRegisterMProtocol(callbacks, Mgm.PROTO_IP_OTHER, component, handle));
        return handle.getValue();
    }

    // An entry has as many outgoing interfaces as it says, also beyond the end of the structure's array.
    static void printMfes() {
        Memory buffer = new Memory(4096);
        IntByReference count = new IntByReference();
        MGM.MgmGetFirstMfe(new IntByReference(4096), buffer, count);
        long at = 0;
        for (int i = 0; i < count.getValue(); i++) {
            Mgm.MIB_IPMCAST_MFE mfe = new Mgm.MIB_IPMCAST_MFE(buffer.share(at));
            int oif = new Mgm.MIB_IPMCAST_OIF().size();
            at += mfe.size() - oif;
            StringBuilder line = new StringBuilder("mfe: " + flow(mfe.dwSource, mfe.dwGroup) + " from " + mfe.dwInIfIndex + " to");
            for (int out = 0; out < mfe.ulNumOutIf; out++, at += oif) {
                line.append(" ").append(new Mgm.MIB_IPMCAST_OIF(buffer.share(at)).dwOutIfIndex);
            }
            System.out.println(line);
        }
    }

    public static void main(String[] arguments) throws UnknownHostException {
        Mgm.MGMHOST_VERSION version = new Mgm.MGMHOST_VERSION();
        version.dwSize = version.size();
        check(MGM.MgmHostVersion(version));
        System.out.println("mgm " + version.dwApiMajor + "." + version.dwApiMinor);
        Mgm.MGMHOST_CONFIG config = new Mgm.MGMHOST_CONFIG();
        config.dwSize = config.size();
        config.dwForwarder = Mgm.MGMHOST_FORWARDER_MEMORY;
        config.dwLogLevel = Mgm.MGMHOST_LOG_OFF;
        check(MGM.MgmHostStart(config));
        check(MGM.MgmHostAddRoute(address("10.0.0.0"), address("255.0.0.0"), 1, 0, 0, 0));

        Mgm.ROUTING_PROTOCOL_CONFIG callbacks = new Mgm.ROUTING_PROTOCOL_CONFIG();
        callbacks.pfnRpfCallback = RPF;
        callbacks.pfnJoinAlertCallback = JOIN_ALERT;
        callbacks.pfnPruneAlertCallback = PRUNE_ALERT;
        Pointer pim = register(1, callbacks);
        Pointer edge = register(2, new Mgm.ROUTING_PROTOCOL_CONFIG());
        check(MGM.MgmTakeInterfaceOwnership(pim, 1, 0));
        check(MGM.MgmTakeInterfaceOwnership(edge, 2, 0));
        try {
            check(MGM.MgmTakeInterfaceOwnership(edge, 1, 0));
        } catch (Refusal refusal) {
            System.out.println("refused: code " + refusal.code);
        }

        int source = address("10.0.0.5"), group = address("239.1.2.3");
        check(MGM.MgmAddGroupMembershipEntry(edge, 0, 0, group, HOST_MASK, 2, 0, Mgm.MGM_JOIN_STATE_FLAG));
        IntByReference accepted = new IntByReference(), count = new IntByReference(8);
        Mgm.MGMHOST_OIF[] oifs = (Mgm.MGMHOST_OIF[]) new Mgm.MGMHOST_OIF().toArray(8);
        check(MGM.MgmHostPacketIn(source, group, 1, 0, 0, null, 100, accepted, count, oifs[0]));
        for (int i = 0; i < count.getValue(); i++) {
            System.out.println("packet: goes out on interface " + oifs[i].dwIfIndex);
        }
        printMfes();
        check(MGM.MgmDeleteGroupMembershipEntry(edge, 0, 0, group, HOST_MASK, 2, 0, Mgm.MGM_JOIN_STATE_FLAG));

        check(MGM.MgmReleaseInterfaceOwnership(edge, 2, 0));
        check(MGM.MgmReleaseInterfaceOwnership(pim, 1, 0));
        check(MGM.MgmDeRegisterMProtocol(edge));
        check(MGM.MgmDeRegisterMProtocol(pim));
        check(MGM.MgmHostStop());
    }
}
