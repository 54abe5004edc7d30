// A client: a registered routing protocol, or IGMP.

const { check, register, unregister } = require('./callbacks.js');
const { attempt, call, text } = require('./calls.js');
const { collect } = require('./collected.js');
const { ClosedError, ERROR_INVALID_PARAMETER, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, ERROR_NOT_FOUND, MgmError, NO_ERROR } = require('./library.js');
const { dword, fromFlow, toAddress, toFlow, toInterface, toText } = require('./values.js');

const JOIN_STATE = 1;
const FORWARD_STATE = 2;
const ANY_SOURCE = 0;
const ALL_SOURCES = 1;
const ENTRIES = 256;

class Client {
  #handle;
  #pointers;
  #interfaces = new Map();
  #isClosed = false;

  constructor(handle, pointers, protocol, component) {
    this.#handle = handle;
    this.#pointers = pointers;
    this.protocol = protocol;
    this.component = component;
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
    return new Client(handle[0], pointers, protocol, component);
  }

  toString() {
    return `the client (protocol ${this.protocol}, component ${this.component})`;
  }

  /** Calls a function with the handle. A closed client does not call it. */
  #call(name, ...given) {
    if (this.#isClosed) throw new ClosedError(name, this);
    return call(name, this.#handle, ...given);
  }

  /** Releases the interfaces and deregisters the client. No callback runs afterwards. A second call does nothing. */
  async close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const pair of this.#interfaces.values()) {
      // The deregistration fails if an interface is still owned.
      await attempt('MgmReleaseInterfaceOwnership', this.#handle, ...pair);
    }
    const { code, reason } = await attempt('MgmDeRegisterMProtocol', this.#handle);
    // With ERROR_INVALID_PARAMETER the library was stopped.
    if (code !== NO_ERROR && code !== ERROR_INVALID_PARAMETER) {
      this.#isClosed = false;
      throw new MgmError('MgmDeRegisterMProtocol', code, reason);
    }
    unregister(this.#pointers.splice(0));
  }

  async [Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]() {
    await this.close();
  }

  async take(given) {
    const pair = toInterface(given);
    const key = String(pair);
    const isNew = !this.#interfaces.has(key);
    const taken = this.#call('MgmTakeInterfaceOwnership', ...pair);
    // Before the answer, because a close that does not wait for it must release the interface.
    this.#interfaces.set(key, pair);
    try {
      await taken;
    } catch (error) {
      if (isNew) this.#interfaces.delete(key);
      throw error;
    }
    // A release that was called before this take may have been answered meanwhile.
    this.#interfaces.set(key, pair);
  }

  async graceDone() {
    await this.#call('MgmHostGraceDone');
  }

  async release(given) {
    const pair = toInterface(given);
    await this.#call('MgmReleaseInterfaceOwnership', ...pair);
    this.#interfaces.delete(String(pair));
  }

  join(given, flow = null, { forwardOnly = false } = {}) {
    return collect(this.#membership('MgmAddGroupMembershipEntry', given, flow, forwardOnly));
  }

  leave(given, flow = null, { forwardOnly = false } = {}) {
    return collect(this.#membership('MgmDeleteGroupMembershipEntry', given, flow, forwardOnly));
  }

  async #membership(name, given, flow, forwardOnly) {
    const values = [...toFlow(flow), ...toInterface(given)];
    await this.#call(name, ...values, forwardOnly ? FORWARD_STATE : JOIN_STATE);
  }

  async setMfe(source, group, upstream = null, incoming = 0) {
    // MIB_IPMCAST_MFE: group, source, mask, upstream neighbour, incoming interface, …
    const mfe = new Uint32Array(19);
    mfe.set([toAddress(group), toAddress(source), 0, toAddress(upstream), dword(incoming, 'an interface')]);
    await this.#call('MgmSetMfe', mfe);
  }

  async groups({ anySource = false } = {}) {
    const handle = new BigUint64Array(1);
    await this.#call('MgmGroupEnumerationStart', anySource ? ANY_SOURCE : ALL_SOURCES, handle);
    const flows = [];
    try {
      for (let next = ERROR_MORE_DATA; next === ERROR_MORE_DATA; ) {
        const entries = new Uint32Array(ENTRIES * 4);
        const size = Uint32Array.of(entries.byteLength);
        const count = new Uint32Array(1);
        const { code, reason } = await attempt('MgmGroupEnumerationGetNext', handle[0], size, entries, count);
        if (code !== ERROR_MORE_DATA && code !== ERROR_NO_MORE_ITEMS) {
          throw new MgmError('MgmGroupEnumerationGetNext', code, reason);
        }
        for (let i = 0; i < count[0]; i++) flows.push(fromFlow(entries[i * 4], entries[i * 4 + 2]));
        next = code;
      }
    } finally {
      await attempt('MgmGroupEnumerationEnd', handle[0]);
    }
    return flows;
  }
}

async function ownerOf(given) {
  const [protocol, component] = [new Uint32Array(1), new Uint32Array(1)];
  const name = 'MgmGetProtocolOnInterface';
  const { code, reason } = await attempt(name, ...toInterface(given), protocol, component);
  if (code === ERROR_NOT_FOUND) return null;
  if (code !== NO_ERROR) throw new MgmError(name, code, reason);
  return { protocol: protocol[0], component: component[0] };
}

/** Returns the index of the interface that has this name in the system. */
async function interfaceIndex(name) {
  const index = new Uint32Array(1);
  await call('MgmHostInterfaceIndex', toText(name, 'name'), index);
  return index[0];
}

/** Returns the name of an interface in the system. */
const interfaceName = (index) => text('MgmHostInterfaceName', dword(index, 'an interface'));

module.exports = { Client, ownerOf, interfaceIndex, interfaceName };
