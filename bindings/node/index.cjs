// libmgm, the multicast group manager with the API of Windows RRAS (mgm.h).
//
// A Client is a registered routing protocol, or IGMP. `host` has the functions of mgmhost.h. Every call returns a
// promise, because callbacks run on the event loop, so a call that blocked the event loop would wait for ever.

module.exports = {
  ...require('./lib/client.js'),
  ...require('./lib/protocols.js'),
  ...require('./lib/tables.js'),
  ClosedError: require('./lib/library.js').ClosedError,
  MgmError: require('./lib/library.js').MgmError,
  host: require('./lib/host.js'),
};
