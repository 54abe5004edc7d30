// The module for `import`. It is the same as that for `require`, so a program may use both.

import mgm from './index.cjs';

export const { Client, ClosedError, MgmError, getMfe, getMfeStats, host, interfaceIndex, interfaceName, mfes, mfeStats, ownerOf } = mgm;
export const {
  PROTO_IP_OTHER,
  PROTO_IP_LOCAL,
  PROTO_IP_NETMGMT,
  PROTO_IP_RIP,
  PROTO_IP_MSDP,
  PROTO_IP_IGMP,
  PROTO_IP_BGMP,
  PROTO_IP_OSPF,
  PROTO_IP_BGP,
} = mgm;
