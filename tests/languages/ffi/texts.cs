// docs/ffi.md: texts are UTF-8, also in a locale with another encoding.
using System;
using System.Text;

static class Texts
{
    static void Check(uint code, uint wanted)
    {
        if (code != wanted)
            throw new Exception("code " + code);
    }

    static void Main()
    {
        const string Path = "/nowhere/\u00fc\u4e16";
        uint size = 1024;
        var reason = new byte[size];
        Check(Mgm.MgmHostServeStatus(Path), Mgm.ERROR_CAN_NOT_COMPLETE);
        Check(Mgm.MgmHostGetLastMessage(ref size, reason), Mgm.NO_ERROR);
        Check(Mgm.MgmHostStop(), Mgm.NO_ERROR);
        var text = Encoding.UTF8.GetString(reason, 0, Array.IndexOf(reason, (byte)0));
        if (!text.Contains(Path))
            throw new Exception("the reason does not name the path: " + text);
    }
}
