/* The smallest program that proves that it got the right headers and library:
 * registers a routing protocol and prints the library's version. */
#include <mgm.h>
#include <mgmhost.h>

#include <stdio.h>

int main(void)
{
    ROUTING_PROTOCOL_CONFIG config = {0};
    MGMHOST_VERSION version = {0};
    HANDLE protocol = NULL;
    DWORD code;

    code = MgmRegisterMProtocol(&config, PROTO_IP_OSPF, 1, &protocol);
    if (code != NO_ERROR || protocol == NULL) {
        fprintf(stderr, "MgmRegisterMProtocol: %u\n", (unsigned)code);
        return 1;
    }
    code = MgmDeRegisterMProtocol(protocol);
    if (code != NO_ERROR) {
        fprintf(stderr, "MgmDeRegisterMProtocol: %u\n", (unsigned)code);
        return 1;
    }

    version.dwSize = sizeof(version);
    code = MgmHostVersion(&version);
    if (code != NO_ERROR) {
        fprintf(stderr, "MgmHostVersion: %u\n", (unsigned)code);
        return 1;
    }
    printf("mgm %u.%u\n", (unsigned)version.dwApiMajor, (unsigned)version.dwApiMinor);
    return 0;
}
