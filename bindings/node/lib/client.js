// A client: a registered routing protocol, or IGMP.

import { check, register, unregister } from './callbacks.js';
import {
  call,
  codeOf,
  ERROR_INVALID_PARAMETER,
  ERROR_MORE_DATA,
  ERROR_NO_MORE_ITEMS,
  ERROR_NOT_FOUND,
  MgmError,
  NO_ERROR,
} from './library.js';
import { dword, fromFlow, toAddress, toFlow, toInterface } from './values.js';

const JOIN_STATE = 1;
const ALL_SOURCES = 1;
const ENTRIES = 256;

export class Client {
  #handle;
  #pointers;
  #interfaces = new Map();

  constructor(handle, pointers) {
    this.#handle = handle;
    this.#pointers = pointers;
  }

  static async register(protocol, component = 0, callbacks = {}) {
    dword(protocol, 'a protocol');
    dword(component, 'a component');
    check(callbacks);
    const pointers = register(callbacks);
    // ROUTING_PROTOCOL_CONFIG: flags, padding, nine pointers.
    const config = BigUint64Array.from([0n, ...pointers]);
    const handle = new BigUint64Array(1);
    try {
      await call('MgmRegisterMProtocol', config, protocol, component, handle);
    } catch (error) {
      unregister(pointers);
      throw error;
    }
    return new Client(handle[0], pointers);
  }

  /** Releases the interfaces and deregisters the client. No callback runs afterwards. */
  async close() {
    for (const pair of this.#interfaces.values()) {
      // The deregistration fails if an interface is still owned.
      await codeOf('MgmReleaseInterfaceOwnership', this.#handle, ...pair);
    }
    const code = await codeOf('MgmDeRegisterMProtocol', this.#handle);
    // With ERROR_INVALID_PARAMETER the library was stopped, or the client is already closed.
    if (code !== NO_ERROR && code !== ERROR_INVALID_PARAMETER) throw new MgmError('MgmDeRegisterMProtocol', code);
    unregister(this.#pointers.splice(0));
  }

  async take(given) {
    const pair = toInterface(given);
    await call('MgmTakeInterfaceOwnership', this.#handle, ...pair);
    this.#interfaces.set(String(pair), pair);
  }

  async graceDone() {
    await call('MgmHostGraceDone', this.#handle);
  }

  async release(given) {
    const pair = toInterface(given);
    await call('MgmReleaseInterfaceOwnership', this.#handle, ...pair);
    this.#interfaces.delete(String(pair));
  }

  async join(given, group = null, source = null) {
    const [flow, pair] = [toFlow(group, source), toInterface(given)];
    await call('MgmAddGroupMembershipEntry', this.#handle, ...flow, ...pair, JOIN_STATE);
  }

  async leave(given, group = null, source = null) {
    const [flow, pair] = [toFlow(group, source), toInterface(given)];
    await call('MgmDeleteGroupMembershipEntry', this.#handle, ...flow, ...pair, JOIN_STATE);
  }

  async setMfe(source, group, upstream = null, incoming = 0) {
    // MIB_IPMCAST_MFE: group, source, mask, upstream neighbour, incoming interface, …
    const mfe = new Uint32Array(19);
    mfe.set([toAddress(group), toAddress(source), 0, toAddress(upstream), dword(incoming, 'an interface')]);
    await call('MgmSetMfe', this.#handle, mfe);
  }

  async groups() {
    const handle = new BigUint64Array(1);
    await call('MgmGroupEnumerationStart', this.#handle, ALL_SOURCES, handle);
    const flows = [];
    try {
      for (let code = ERROR_MORE_DATA; code === ERROR_MORE_DATA; ) {
        const entries = new Uint32Array(ENTRIES * 4);
        const size = Uint32Array.of(entries.byteLength);
        const count = new Uint32Array(1);
        code = await codeOf('MgmGroupEnumerationGetNext', handle[0], size, entries, count);
        if (code !== ERROR_MORE_DATA && code !== ERROR_NO_MORE_ITEMS) {
          throw new MgmError('MgmGroupEnumerationGetNext', code);
        }
        for (let i = 0; i < count[0]; i++) flows.push(fromFlow(entries[i * 4], entries[i * 4 + 2]));
      }
    } finally {
      await codeOf('MgmGroupEnumerationEnd', handle[0]);
    }
    return flows;
  }
}

export async function ownerOf(given) {
  const [protocol, component] = [new Uint32Array(1), new Uint32Array(1)];
  const code = await codeOf('MgmGetProtocolOnInterface', ...toInterface(given), protocol, component);
  if (code === ERROR_NOT_FOUND) return null;
  if (code !== NO_ERROR) throw new MgmError('MgmGetProtocolOnInterface', code);
  return { protocol: protocol[0], component: component[0] };
}
