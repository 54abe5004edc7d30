// docs/ffi.md: texts are UTF-8 both ways, also in a locale with another encoding.
import com.sun.jna.Native;
import java.util.ArrayList;
import java.util.List;

class Texts {
    static final List<String> LOGGED = new ArrayList<>();
    static final Mgm.MGMHOST_LOG_CALLBACK LOG = (context, level, text) -> LOGGED.add(text);

    static void check(int code, int wanted) {
        if (code != wanted) {
            throw new IllegalStateException("code " + code);
        }
    }

    public static void main(String[] arguments) {
        String path = "/nowhere/\u00fc\u4e16";
        check(Mgm.LIBRARY.MgmHostSetLogCallback(LOG, null), Mgm.NO_ERROR);
        check(Mgm.LIBRARY.MgmHostServeStatus(Native.toByteArray(path, "UTF-8")), Mgm.ERROR_CAN_NOT_COMPLETE);
        check(Mgm.LIBRARY.MgmHostSetLogCallback(null, null), Mgm.NO_ERROR);
        check(Mgm.LIBRARY.MgmHostStop(), Mgm.NO_ERROR);
        if (LOGGED.stream().noneMatch(text -> text.contains(path))) {
            throw new IllegalStateException("no message names the path: " + LOGGED);
        }
    }
}
