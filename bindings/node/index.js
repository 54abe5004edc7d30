// libmgm, the multicast group manager with the API of Windows RRAS (mgm.h).
//
// A Client is a registered routing protocol, or IGMP. `host` has the functions of mgmhost.h.
// Every call that can run or wait for callbacks returns a promise: callbacks run on the event
// loop, so a call that blocked the event loop would wait for ever.

export { Client, ownerOf } from './lib/client.js';
export { MgmError } from './lib/library.js';
export { getMfe, mfes } from './lib/tables.js';
export * as host from './lib/host.js';
export * from './lib/protocols.js';
