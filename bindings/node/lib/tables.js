// Reads the forwarding table.

import { codeOf, ERROR_INSUFFICIENT_BUFFER, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, MgmError, NO_ERROR } from './library.js';
import { fromAddress, fromInterface, toAddress } from './values.js';

const NEVER = 0xffffffff;
const BUFFER = 65536;
// Sizes in DWORDs: MIB_IPMCAST_MFE without outgoing interfaces, and one outgoing interface.
const HEAD = 15;
const OIF = 4;

const key = (source, group) => {
  const mfe = new Uint32Array(HEAD + OIF);
  mfe.set([toAddress(group), toAddress(source)]);
  return mfe;
};

function parse(words, at) {
  const seconds = (value) => (value === NEVER ? null : value);
  const [group, source, , upstream, incoming, protocol, routeProtocol, , , up, expires, timeout, count] =
    words.subarray(at, at + HEAD);
  const oif = (i) => fromInterface(words[at + HEAD + i * OIF], words[at + HEAD + i * OIF + 1]);
  return {
    next: at + HEAD + count * OIF,
    mfe: {
      source: fromAddress(source),
      group: fromAddress(group),
      incoming,
      upstream: fromAddress(upstream),
      protocol,
      routeProtocol,
      upTime: up,
      expiresIn: seconds(expires),
      timeout: seconds(timeout),
      outgoing: Array.from({ length: count }, (_, i) => oif(i)),
    },
  };
}

export async function getMfe(source, group) {
  const wanted = key(source, group);
  for (let room = 1024; ; ) {
    const words = new Uint32Array(room / 4);
    const size = Uint32Array.of(room);
    const code = await codeOf('MgmGetMfe', wanted, size, words);
    if (code === NO_ERROR) return parse(words, 0).mfe;
    if (code !== ERROR_INSUFFICIENT_BUFFER) throw new MgmError('MgmGetMfe', code);
    room = size[0];
  }
}

/** Returns all MFEs, in ascending order of group, then of source. Each call reads a buffer full. */
export async function* mfes() {
  let [name, start, room] = ['MgmGetFirstMfe', [], BUFFER];
  for (;;) {
    const [words, size, count] = [new Uint32Array(room / 4), Uint32Array.of(room), new Uint32Array(1)];
    const code = await codeOf(name, ...start, size, words, count);
    if (code === ERROR_INSUFFICIENT_BUFFER) {
      room = size[0];
      continue;
    }
    if (code !== ERROR_MORE_DATA && code !== ERROR_NO_MORE_ITEMS) throw new MgmError(name, code);
    let last;
    for (let i = 0, at = 0; i < count[0]; i++) {
      const { next, mfe } = parse(words, at);
      [at, last] = [next, mfe];
      yield mfe;
    }
    if (code === ERROR_NO_MORE_ITEMS) return;
    [name, start] = ['MgmGetNextMfe', [key(last.source, last.group)]];
  }
}
