// The protocol numbers of mgm.h (RFC 1354).
export const PROTO_IP_OTHER = 1;
export const PROTO_IP_LOCAL = 2;
export const PROTO_IP_NETMGMT = 3;
export const PROTO_IP_RIP = 8;
export const PROTO_IP_MSDP = 9;
export const PROTO_IP_IGMP = 10;
export const PROTO_IP_BGMP = 11;
export const PROTO_IP_OSPF = 13;
export const PROTO_IP_BGP = 14;
