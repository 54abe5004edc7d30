// docs/ffi.md: a delegate runs on a thread of the library as well, also while the garbage collector runs.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

static class Threads
{
    const int Groups = 3000;
    static readonly HashSet<int> OnThreads = new HashSet<int>();
    static readonly HashSet<uint> Seen = new HashSet<uint>();
    static readonly ManualResetEvent Everything = new ManualResetEvent(false);
    static readonly Mgm.PMGM_PRUNE_ALERT_CALLBACK PruneAlert = Pruned;

    static uint Pruned(uint source, uint sourceMask, uint group, uint groupMask, uint index, uint nextHop, bool nobodyElse,
                       ref uint timeout)
    {
        lock (Seen)
        {
            OnThreads.Add(Thread.CurrentThread.ManagedThreadId);
            Seen.Add(group);
            if (Seen.Count % 1000 == 0)
                GC.Collect();
            if (Seen.Count == Groups)
                Everything.Set();
        }
        return 0;
    }

    static void Check(uint code)
    {
        if (code != 0)
            throw new Exception("code " + code);
    }

    static IntPtr Register(uint component, Mgm.ROUTING_PROTOCOL_CONFIG callbacks)
    {
        var handle = IntPtr.Zero;
        Check(Mgm.MgmRegisterMProtocol(ref callbacks, Mgm.PROTO_IP_OTHER, component, ref handle));
        return handle;
    }

    static void Main()
    {
        var edge = Register(1, new Mgm.ROUTING_PROTOCOL_CONFIG());
        var pim = Register(2, new Mgm.ROUTING_PROTOCOL_CONFIG { pfnPruneAlertCallback = PruneAlert });
        Check(Mgm.MgmTakeInterfaceOwnership(edge, 1, 0));
        for (var i = 0; i < Groups; i++)
        {
            var group = BitConverter.ToUInt32(new byte[] { 239, 1, (byte)(i / 250), (byte)(1 + i % 250) }, 0);
            Check(Mgm.MgmAddGroupMembershipEntry(edge, 0, 0, group, 0xFFFFFFFF, 1, 0, Mgm.MGM_JOIN_STATE_FLAG));
        }
        // One call causes more callbacks than it makes itself.
        Check(Mgm.MgmReleaseInterfaceOwnership(edge, 1, 0));
        if (!Everything.WaitOne(20000))
            throw new Exception(Seen.Count + " of " + Groups + " alerts");
        lock (Seen)
            if (OnThreads.Count < 2 || !OnThreads.Contains(Thread.CurrentThread.ManagedThreadId))
                throw new Exception("on threads " + string.Join(", ", OnThreads));
        Check(Mgm.MgmDeRegisterMProtocol(edge));
        Check(Mgm.MgmDeRegisterMProtocol(pim));
        Check(Mgm.MgmHostStop());
        Console.WriteLine(Groups + " alerts on " + OnThreads.Count + " threads");
    }
}
