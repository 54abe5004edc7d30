// Prints the size of each structure and the name of each function of mgm.ffi.h, as examples/ffi/Mgm.java has them.
import com.sun.jna.NativeLibrary;
import com.sun.jna.Structure;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

class Names {
    static Matcher find(String pattern, String text) {
        return Pattern.compile(pattern, Pattern.MULTILINE).matcher(text);
    }

    public static void main(String[] arguments) throws Exception {
        String text = Files.readString(Path.of(arguments[0]));
        for (Matcher each = find("^typedef struct _(\\w+) (\\w+);$", text); each.find();) {
            Structure made = (Structure) Class.forName("Mgm$" + each.group(1)).getDeclaredConstructor().newInstance();
            System.out.println(each.group(2) + " " + made.size());
        }
        for (Matcher each = find("^    (\\w+) = (\\d+)", text); each.find();) {
            if (Mgm.class.getField(each.group(1)).getInt(null) != Integer.parseInt(each.group(2))) {
                throw new Exception(each.group());
            }
        }
        Set<String> methods = Arrays.stream(Mgm.class.getMethods()).map(Method::getName).collect(Collectors.toSet());
        for (Matcher each = find("^DWORD (Mgm\\w+)\\(", text); each.find();) {
            // Throws unless the library has the function.
            NativeLibrary.getInstance("libmgm.so.1").getFunction(each.group(1));
            if (methods.contains(each.group(1))) {
                System.out.println(each.group(1));
            }
        }
    }
}
