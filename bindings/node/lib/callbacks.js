// Converts the arguments of C callbacks for JavaScript callbacks, and the answers back.

const koffi = require('koffi');
const { dword, fromAddress, fromFlow, fromInterface, toAddress, toInterface } = require('./values.js');

const F = 'uint32 s, uint32 sm, uint32 g, uint32 gm';
const proto = (name, parameters) => koffi.pointer(koffi.proto(`uint32 mgm_${name}(${parameters})`));
const get = (at, i = 0) => koffi.decode(at, i * 4, 'uint32');
const put = (at, value, i = 0) => koffi.encode(at, i * 4, 'uint32', value);
const bytes = (at, size) => (size ? Buffer.from(koffi.decode(at, 'uint8', size)) : Buffer.alloc(0));

function rpf(callback, s, _sm, g, _gm, index, hop, upstream, size, header) {
  const suggested = { interface: fromInterface(get(index), get(hop)), upstream: fromAddress(get(upstream)) };
  const answer = callback(fromFlow(s, g), suggested, bytes(header, size));
  if (answer === undefined || answer === null) return;
  // Convert the whole answer before writing any of it: an invalid answer changes nothing.
  const [newIndex, newHop] = toInterface(answer.interface);
  const neighbour = toAddress(answer.upstream);
  put(index, newIndex);
  put(hop, newHop);
  put(upstream, neighbour);
}

function creationAlert(callback, s, _sm, g, _gm, index, hop, count, entries) {
  const outgoing = Array.from({ length: count }, (_, i) => ({
    interface: fromInterface(get(entries, i * 4), get(entries, i * 4 + 1)),
    igmp: get(entries, i * 4 + 2) !== 0,
    enabled: get(entries, i * 4 + 3) !== 0,
  }));
  callback(fromFlow(s, g), fromInterface(index, hop), [...outgoing]);
  outgoing.forEach((each, i) => put(entries, each.enabled ? 1 : 0, i * 4 + 3));
}

function pruneAlert(callback, s, _sm, g, _gm, index, hop, member, timeout) {
  // With bMemberDelete TRUE the library ignores the lifetime.
  const life = member ? null : get(timeout);
  const answer = callback(fromFlow(s, g), fromInterface(index, hop), member !== 0, life);
  if (answer !== undefined && answer !== null && !member) put(timeout, dword(answer, 'seconds'));
}

const local = (callback, s, _sm, g, _gm, index, hop) => callback(fromFlow(s, g), fromInterface(index, hop));
const igmp = (callback, index, hop) => callback(fromInterface(index, hop));

// In the order of ROUTING_PROTOCOL_CONFIG. `answers`: the library waits for the result.
const KINDS = {
  rpf: {
    type: proto('rpf', `${F}, void *index, void *hop, void *upstream, uint32 size, void *header, void *route`),
    takes: ['flow', 'suggested', 'header'],
    answers: true,
    convert: rpf,
  },
  creationAlert: {
    type: proto('creation', `${F}, uint32 index, uint32 hop, uint32 count, void *entries`),
    takes: ['flow', 'incoming', 'outgoing'],
    answers: true,
    convert: creationAlert,
  },
  pruneAlert: {
    type: proto('prune', `${F}, uint32 index, uint32 hop, int32 member, void *timeout`),
    takes: ['flow', 'interface', 'nobodyElse', 'timeout'],
    answers: true,
    convert: pruneAlert,
  },
  joinAlert: {
    type: proto('join', `${F}, int32 member`),
    takes: ['flow', 'somebodyElse'],
    convert: (callback, s, _sm, g, _gm, member) => callback(fromFlow(s, g), member !== 0),
  },
  wrongIf: {
    type: proto('wrong_if', 'uint32 s, uint32 g, uint32 index, uint32 hop, uint32 size, void *header'),
    takes: ['flow', 'interface', 'header'],
    convert: (callback, s, g, index, hop, size, header) =>
      callback(fromFlow(s, g), fromInterface(index, hop), bytes(header, size)),
  },
  localJoin: {
    type: proto('local_join', `${F}, uint32 index, uint32 hop`),
    takes: ['flow', 'interface'],
    convert: local,
  },
  localLeave: {
    type: proto('local_leave', `${F}, uint32 index, uint32 hop`),
    takes: ['flow', 'interface'],
    convert: local,
  },
  disableIgmp: { type: proto('disable_igmp', 'uint32 index, uint32 hop'), takes: ['interface'], convert: igmp },
  enableIgmp: { type: proto('enable_igmp', 'uint32 index, uint32 hop'), takes: ['interface'], convert: igmp },
};

/** Throws a TypeError for an unknown callback, or for one with other parameters. */
function check(callbacks) {
  for (const [name, callback] of Object.entries(callbacks)) {
    const kind = KINDS[name];
    if (!kind) throw new TypeError(`unknown callback ${name}; known are ${Object.keys(KINDS).join(', ')}`);
    const expected = `${name} is called with (${kind.takes.join(', ')})`;
    if (typeof callback !== 'function') throw new TypeError(`${expected} and must be a function`);
    if (callback.length > kind.takes.length) {
      throw new TypeError(`${expected}, but this function has ${callback.length} parameters`);
    }
    if (kind.answers && callback.constructor.name === 'AsyncFunction') {
      throw new TypeError(`${name} must not be async: the library waits for its answer`);
    }
  }
}

/** Returns pointers to C functions for the callbacks, in the order of the structure; 0 for missing ones. */
function register(callbacks) {
  return Object.entries(KINDS).map(([name, { type, convert }]) => {
    const callback = callbacks[name];
    if (!callback) return 0n;
    const called = (...given) => {
      try {
        convert(callback, ...given);
      } catch (error) {
        // Do not throw into C: raise an uncaught exception, as any other event does.
        process.nextTick(() => {
          throw error;
        });
      }
      return 0;
    };
    return koffi.register(called, type);
  });
}

function unregister(pointers) {
  for (const each of pointers) if (each) koffi.unregister(each);
}

module.exports = { check, register, unregister };
