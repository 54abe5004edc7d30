// Prints the size of each structure and the name of each function of mgm.ffi.h, as examples/ffi/Mgm.cs has them.
using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

static class Names
{
    static void Main(string[] arguments)
    {
        var text = File.ReadAllText(arguments[0]);
        foreach (Match each in Regex.Matches(text, @"^typedef struct _(\w+) (\w+);$", RegexOptions.Multiline))
            Console.WriteLine(each.Groups[2] + " " + Marshal.SizeOf(typeof(Mgm).GetNestedType(each.Groups[1].Value)));
        foreach (Match each in Regex.Matches(text, @"^    (\w+) = (\d+)", RegexOptions.Multiline))
            // Those of MGM_ENUM_TYPES, too.
            if ((uint)typeof(Mgm).GetField(each.Groups[1].Value).GetValue(null) != uint.Parse(each.Groups[2].Value))
                throw new Exception(each.Value);
        foreach (Match each in Regex.Matches(text, @"^DWORD (Mgm\w+)\(", RegexOptions.Multiline))
        {
            // Throws unless the library has the function.
            Marshal.Prelink(typeof(Mgm).GetMethod(each.Groups[1].Value));
            Console.WriteLine(each.Groups[1]);
        }
    }
}
