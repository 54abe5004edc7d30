// The multicast group manager of Windows RRAS (mgm.h) by libmgm.
//
// A Client is a routing protocol, or IGMP, that is registered; `host` is the router's
// side. Every call that may make or await callbacks gives a promise: callbacks need the
// event loop, and a call that held it up would wait for ever.

export { Client, ownerOf } from './lib/client.js';
export { MgmError } from './lib/library.js';
export { getMfe, mfes } from './lib/tables.js';
export * as host from './lib/host.js';
export * from './lib/protocols.js';
