/* Linked by mgm.lib or rtm.lib, without any C library: ends with 42 if two calls
 * went into the DLL and came back. */
__declspec(dllimport) unsigned long MgmDeRegisterMProtocol(void *protocol);
__declspec(dllimport) unsigned long MgmSetMfe(void *protocol, void *mfe);

int start(void)
{
    enum { INVALID_PARAMETER = 87 };

    return MgmDeRegisterMProtocol(0) == INVALID_PARAMETER &&
                   MgmSetMfe(0, 0) == INVALID_PARAMETER
               ? 42
               : 1;
}
