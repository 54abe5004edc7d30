// The protocol numbers of mgm.h (RFC 1354).
const PROTO_IP_OTHER = 1;
const PROTO_IP_LOCAL = 2;
const PROTO_IP_NETMGMT = 3;
const PROTO_IP_RIP = 8;
const PROTO_IP_MSDP = 9;
const PROTO_IP_IGMP = 10;
const PROTO_IP_BGMP = 11;
const PROTO_IP_OSPF = 13;
const PROTO_IP_BGP = 14;

module.exports = {
  PROTO_IP_OTHER,
  PROTO_IP_LOCAL,
  PROTO_IP_NETMGMT,
  PROTO_IP_RIP,
  PROTO_IP_MSDP,
  PROTO_IP_IGMP,
  PROTO_IP_BGMP,
  PROTO_IP_OSPF,
  PROTO_IP_BGP,
};
