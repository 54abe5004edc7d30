// Two routing protocols share one router: examples/hello, with C#.
//
//     mcs hello.cs Mgm.cs && mono hello.exe
using System;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

static class Hello
{
    const uint HostMask = 0xFFFFFFFF;

    // An address in network byte order, as the library has it.
    static uint Address(string text) { return BitConverter.ToUInt32(IPAddress.Parse(text).GetAddressBytes(), 0); }

    static string Name(uint address) { return address == 0 ? "*" : new IPAddress(address).ToString(); }

    static string Flow(uint source, uint group) { return "(" + Name(source) + ", " + Name(group) + ")"; }

    class Refusal : Exception
    {
        public readonly uint Code;
        public Refusal(uint code, string reason) : base(reason) { Code = code; }
    }

    // Throws an exception for any code but NO_ERROR, with the library's reason. The library keeps the reason for
    // the thread of the refused call, so an "await" must not come between the call and this one.
    static void Check(uint code)
    {
        if (code == Mgm.NO_ERROR)
            return;
        uint size = 1024;
        var reason = new byte[size];
        if (Mgm.MgmHostGetLastMessage(ref size, reason) != Mgm.NO_ERROR)
            throw new Refusal(code, "");
        throw new Refusal(code, Encoding.UTF8.GetString(reason, 0, Array.IndexOf(reason, (byte)0)));
    }

    // The garbage collector frees a delegate to which nothing in C# refers, although the library still has its
    // address. Static fields refer to these.
    static readonly Mgm.PMGM_RPF_CALLBACK RpfCallback = Rpf;
    static readonly Mgm.PMGM_JOIN_ALERT_CALLBACK JoinAlertCallback = JoinAlert;
    static readonly Mgm.PMGM_PRUNE_ALERT_CALLBACK PruneAlertCallback = PruneAlert;

    static uint Rpf(uint source, uint sourceMask, uint group, uint groupMask, ref uint index, ref uint nextHop,
                    ref uint upstream, uint size, IntPtr header, IntPtr route)
    {
        return Print("rpf: " + Flow(source, group) + " has to arrive on interface " + index);
    }

    static uint JoinAlert(uint source, uint sourceMask, uint group, uint groupMask, bool somebodyElse)
    {
        var flow = Flow(source, group);
        return Print(somebodyElse ? "join: somebody else wants " + flow : "join: " + flow + " has an outgoing interface again");
    }

    static uint PruneAlert(uint source, uint sourceMask, uint group, uint groupMask, uint index, uint nextHop,
                           bool nobodyElse, ref uint timeout)
    {
        var flow = Flow(source, group);
        return Print(nobodyElse ? "prune: nobody else wants " + flow : "prune: " + flow + " has no outgoing interface");
    }

    // An exception must not leave a callback: the call of the library that runs the callback would never finish.
    static uint Print(string line)
    {
        try
        {
            Console.WriteLine(line);
        }
        catch (Exception error)
        {
            Console.Error.WriteLine(error);
        }
        return Mgm.NO_ERROR;
    }

    static IntPtr Register(uint component, Mgm.ROUTING_PROTOCOL_CONFIG callbacks)
    {
        var handle = IntPtr.Zero;
        Check(Mgm.MgmRegisterMProtocol(ref callbacks, Mgm.PROTO_IP_OTHER, component, ref handle));
        return handle;
    }

    static T At<T>(byte[] buffer, int at)
    {
        var pinned = GCHandle.Alloc(buffer, GCHandleType.Pinned);
        try
        {
            return (T)Marshal.PtrToStructure(pinned.AddrOfPinnedObject() + at, typeof(T));
        }
        finally
        {
            pinned.Free();
        }
    }

    // An entry has as many outgoing interfaces as it says, also beyond the one of the structure.
    static void PrintMfes()
    {
        uint size = 4096, count = 0;
        var buffer = new byte[size];
        Mgm.MgmGetFirstMfe(ref size, buffer, ref count);
        for (var at = 0; count > 0; count--)
        {
            var mfe = At<Mgm.MIB_IPMCAST_MFE>(buffer, at);
            at += (int)Marshal.OffsetOf(typeof(Mgm.MIB_IPMCAST_MFE), "rgmioOutInfo");
            var line = "mfe: " + Flow(mfe.dwSource, mfe.dwGroup) + " from " + mfe.dwInIfIndex + " to";
            for (var i = 0; i < mfe.ulNumOutIf; i++, at += Marshal.SizeOf(typeof(Mgm.MIB_IPMCAST_OIF)))
                line += " " + At<Mgm.MIB_IPMCAST_OIF>(buffer, at).dwOutIfIndex;
            Console.WriteLine(line);
        }
    }

    static void Main()
    {
        var version = new Mgm.MGMHOST_VERSION { dwSize = (uint)Marshal.SizeOf(typeof(Mgm.MGMHOST_VERSION)) };
        Check(Mgm.MgmHostVersion(ref version));
        Console.WriteLine("mgm " + version.dwApiMajor + "." + version.dwApiMinor);
        var config = new Mgm.MGMHOST_CONFIG
        {
            dwSize = (uint)Marshal.SizeOf(typeof(Mgm.MGMHOST_CONFIG)),
            dwForwarder = Mgm.MGMHOST_FORWARDER_MEMORY,
            dwLogLevel = Mgm.MGMHOST_LOG_OFF
        };
        Check(Mgm.MgmHostStart(ref config));
        Check(Mgm.MgmHostAddRoute(Address("10.0.0.0"), Address("255.0.0.0"), 1, 0, 0, 0));

        var pim = Register(1, new Mgm.ROUTING_PROTOCOL_CONFIG
        {
            pfnRpfCallback = RpfCallback,
            pfnJoinAlertCallback = JoinAlertCallback,
            pfnPruneAlertCallback = PruneAlertCallback
        });
        var edge = Register(2, new Mgm.ROUTING_PROTOCOL_CONFIG());
        Check(Mgm.MgmTakeInterfaceOwnership(pim, 1, 0));
        Check(Mgm.MgmTakeInterfaceOwnership(edge, 2, 0));
        try
        {
            Check(Mgm.MgmTakeInterfaceOwnership(edge, 1, 0));
        }
        catch (Refusal refusal)
        {
            Console.WriteLine("refused: code " + refusal.Code);
        }

        uint source = Address("10.0.0.5"), group = Address("239.1.2.3");
        Check(Mgm.MgmAddGroupMembershipEntry(edge, 0, 0, group, HostMask, 2, 0, Mgm.MGM_JOIN_STATE_FLAG));
        var accepted = false;
        var oifs = new Mgm.MGMHOST_OIF[8];
        var count = (uint)oifs.Length;
        Check(Mgm.MgmHostPacketIn(source, group, 1, 0, 0, null, 100, ref accepted, ref count, oifs));
        for (var i = 0; i < count; i++)
            Console.WriteLine("packet: goes out on interface " + oifs[i].dwIfIndex);
        PrintMfes();
        Check(Mgm.MgmDeleteGroupMembershipEntry(edge, 0, 0, group, HostMask, 2, 0, Mgm.MGM_JOIN_STATE_FLAG));

        Check(Mgm.MgmReleaseInterfaceOwnership(edge, 2, 0));
        Check(Mgm.MgmReleaseInterfaceOwnership(pim, 1, 0));
        Check(Mgm.MgmDeRegisterMProtocol(edge));
        Check(Mgm.MgmDeRegisterMProtocol(pim));
        Check(Mgm.MgmHostStop());
    }
}
