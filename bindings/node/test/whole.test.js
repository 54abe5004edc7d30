// The rest of the library, the reasons of errors, and batches.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

process.env.MGM_FORWARDER = 'memory';
process.env.MGM_LOG ??= 'off';
const mgm = await import('../index.js');
const { Client, ClosedError, MgmError, PROTO_IP_BGMP, PROTO_IP_OSPF, getMfe, getMfeStats, host, mfes, mfeStats } = mgm;

const [GROUP, SOURCE] = ['239.1.2.3', '10.0.0.5'];
const HEADER = Buffer.from([0x45, 0, 0, 100, 0, 0, 0, 0, 16, 17, 0, 0, 10, 0, 0, 5, 239, 1, 2, 3]);
const at = (index, nextHop = null) => ({ index, nextHop });
// A client process cannot do everything.
const skip = process.env.MGM_SHIM_ROUTER ? "needs the router's own process" : false;

afterEach(() => host.stop());

async function router() {
  const [inner, outer] = [await Client.register(PROTO_IP_OSPF, 1), await Client.register(PROTO_IP_BGMP, 1)];
  await inner.take(1);
  await outer.take(2);
  await outer.join(2, GROUP);
  await host.addRoute('10.0.0.0/8', 1, { gateway: '192.0.2.1' });
  return [inner, outer];
}

const errorOf = (promise) => promise.then(() => assert.fail('no error'), (error) => error);

test('an error has the words of the log', { skip }, async () => {
  const lines = [];
  await host.start({ forwarder: 'memory', logLevel: 'warn', log: (...given) => lines.push(given) });
  const client = await Client.register(PROTO_IP_OSPF);
  const error = await errorOf(client.leave(77, GROUP));
  await sleep(0);
  assert.deepEqual(lines, [['warn', `MgmDeleteGroupMembershipEntry: ${error.reason}`]]);
  assert.match(error.reason, /77/);
  assert.equal(error.message, `MgmDeleteGroupMembershipEntry: ERROR_NOT_FOUND: ${error.reason} (code 1168)`);
  await host.setLogLevel('error');
  await errorOf(client.leave(77, GROUP));
  await host.setLogLevel('warn');
  await host.setLog(null);
  await host.setLogLevel('off');
  await errorOf(client.leave(77, GROUP));
  await sleep(0);
  assert.equal(lines.length, 1);
  await assert.rejects(host.setLog('stderr'), TypeError);
  await assert.rejects(host.setLogLevel('loud'), /unknown value loud/);
});

test('each of many calls has its own reason', async () => {
  const client = await Client.register(PROTO_IP_OSPF);
  const errors = await Promise.all(Array.from({ length: 100 }, (_, i) => errorOf(client.leave(1000 + i, GROUP))));
  errors.forEach((error, i) => assert.match(error.reason, new RegExp(`\\b${1000 + i}\\b`)));
});

test('calls are made in their order', async () => {
  const client = await Client.register(PROTO_IP_OSPF);
  await Promise.all([client.take(1), client.join(1, GROUP), client.leave(1, GROUP), client.release(1), client.take(1)]);
  assert.deepEqual(await client.groups(), []);
});

test('a closed client says so', async () => {
  const client = await Client.register(PROTO_IP_OSPF, 5);
  await client.take(1);
  await client[Symbol.asyncDispose ?? Symbol.for('nodejs.asyncDispose')]();
  assert.equal(await mgm.ownerOf(1), null);
  const calls = [
    () => client.take(1),
    () => client.release(1),
    () => client.join(1),
    () => client.leave(1),
    () => client.setMfe(SOURCE, GROUP),
    () => client.groups(),
    () => client.graceDone(),
  ];
  for (const call of calls) {
    const error = await errorOf(call());
    assert.ok(error instanceof ClosedError && error instanceof MgmError);
    assert.match(error.message, /the client \(protocol 13, component 5\) is closed \(code 87\)/);
  }
  await client.close();
});

test('a flow has the source first, and may have no source', async () => {
  const [inner, outer] = await router();
  await outer.join(2, { source: SOURCE, group: GROUP });
  await inner.join(1);
  assert.deepEqual(await inner.groups(), [
    { source: null, group: null },
    { source: null, group: GROUP },
    { source: SOURCE, group: GROUP },
  ]);
  assert.deepEqual(await inner.groups({ anySource: true }), [{ source: null, group: GROUP }]);
  await outer.leave(2, { source: SOURCE, group: GROUP });
  await assert.rejects(outer.join(2, 17), TypeError);
});

test('a membership that only forwards', async () => {
  const [, outer] = await router();
  await outer.take(3);
  await host.packetIn(SOURCE, GROUP, 1);
  await outer.join(3, GROUP, { forwardOnly: true });
  assert.deepEqual((await getMfe(SOURCE, GROUP)).outgoing, [at(2), at(3)]);
  await outer.leave(3, GROUP, { forwardOnly: true });
  assert.deepEqual((await getMfe(SOURCE, GROUP)).outgoing, [at(2)]);
});

test('statistics', async () => {
  const [, outer] = await router();
  await outer.join(2);
  for (let i = 0; i < 800; i++) await host.packetIn(SOURCE, `239.3.${i >> 8}.${i & 255}`, 1, { size: 100 });
  await host.packetIn(SOURCE, '239.3.0.7', 2);
  const all = [];
  for await (const stats of mfeStats()) all.push(stats);
  assert.equal(all.length, 800);
  const one = await getMfeStats(SOURCE, '239.3.0.7');
  assert.deepEqual(one, all[7]);
  assert.deepEqual(one, {
    source: SOURCE,
    group: '239.3.0.7',
    incoming: 1,
    packets: 1,
    octets: 100,
    wrongInterface: 1,
    negative: 0,
    sent: 1,
    outgoing: [{ interface: at(2), packets: 1, ttlTooLow: 0, tooLarge: 0, discards: 0 }],
  });
  await assert.rejects(getMfeStats(SOURCE, '239.9.9.9'), ({ code }) => code === 1168);
  const { route, routeProtocol } = await getMfe(SOURCE, '239.3.0.7');
  assert.deepEqual([route, routeProtocol], ['10.0.0.0/8', 3]);
  // Without an outgoing interface.
  await outer.leave(2);
  await host.packetIn(SOURCE, '239.3.0.7', 1, { header: Uint8Array.from(HEADER) });
  const { packets, negative, sent } = await getMfeStats(SOURCE, '239.3.0.7');
  assert.deepEqual([packets, negative, sent], [2, 1, 1]);
  await outer.join(2);
  let count = 0;
  for await (const mfe of mfes()) count += mfe.outgoing.length;
  assert.equal(count, 800);
});

test('the version', () => {
  const { api, build, text } = host.version();
  assert.deepEqual(api, [1, 0]);
  assert.ok(text.startsWith(`mgm ${build.join('.')}`), text);
});

test('limits, boundaries and scope names', async () => {
  await router();
  const goes = async () => (await host.packetIn(SOURCE, GROUP, 1, { header: HEADER })).outgoing.length;
  await host.setTtlThreshold(2, 16);
  assert.equal(await goes(), 0);
  await host.setTtlThreshold(2, 1);
  assert.equal(await goes(), 1);
  await host.addBoundary(2, '239.0.0.0/8');
  assert.equal(await goes(), 0);
  await host.deleteBoundary(2, '239.0.0.0/8');
  assert.equal(await goes(), 1);
  await host.setScopeName('239.0.0.0/8', 'Büro 😀');
  assert.equal(await host.scopeName('239.0.0.0/8'), 'Büro 😀');
  await host.setScopeName('239.0.0.0/8', null);
  assert.equal(await host.scopeName('239.0.0.0/8'), '239.0.0.0/8');
  await assert.rejects(host.setScopeName('239.0.0.0/8', 7), TypeError);
  await assert.rejects(host.scopeName(7), TypeError);
});

test('interfaces have names', async () => {
  const index = await mgm.interfaceIndex('lo');
  assert.equal(await mgm.interfaceName(index), 'lo');
  assert.match((await errorOf(mgm.interfaceIndex('nothing0'))).reason, /nothing0/);
  await assert.rejects(mgm.interfaceIndex(1), TypeError);
});

test('settings, status and metrics', { skip }, async () => {
  await host.start({ forwarder: 'memory', maxFlows: 17, openForwarder: true, unicastTable: 254, logLevel: 'off' });
  const status = await host.status({ memberships: false, mfes: false });
  assert.equal(status.limits.max_flows, 17);
  assert.equal(status.mfes, undefined);
  assert.match(await host.metrics({ mfes: true }), /^mgm_mfes 0$/m);
  const socket = path.join(os.tmpdir(), `mgm-${process.pid}`);
  await host.serveStatus(socket);
  const peer = net.connect(socket);
  await new Promise((resolve) => peer.once('connect', resolve));
  peer.destroy();
  await host.serveStatus(null);
  assert.equal(existsSync(socket), false);
  await host.stop();
  const error = await errorOf(host.start({ router: '/no/where/router', logLevel: 'off' }));
  assert.match(error.reason, /\/no\/where\/router/);
});

test('a batch is made at its end, and its callbacks run', async () => {
  const heard = [];
  const listener = await Client.register(PROTO_IP_BGMP, 0, { joinAlert: (flow) => heard.push(flow.group) });
  const client = await Client.register(PROTO_IP_OSPF);
  await client.take(1);
  await host.batch(() => {
    client.join(1, '239.1.2.3');
    client.join(1, '239.1.2.4');
    client.leave(1, '239.1.2.3');
  });
  assert.deepEqual(await client.groups(), [{ source: null, group: '239.1.2.4' }]);
  for (let i = 0; i < 100 && heard.length < 2; i++) await sleep(10);
  assert.deepEqual(heard, ['239.1.2.3', '239.1.2.4']);
  await host.batch(() => {});
  await assert.rejects(host.batch(async () => {}), TypeError);
  let nested;
  await host.batch(() => (nested = errorOf(host.batch(() => {}))));
  assert.match((await nested).message, /begun already/);
  await assert.rejects(
    host.batch(() => {
      client.join(1, '239.1.2.5');
      throw new Error('of the program');
    }),
    /of the program/,
  );
  assert.equal((await client.groups()).length, 2);
  await listener.close();
});

test('a batch names the first refused call', async () => {
  const client = await Client.register(PROTO_IP_OSPF);
  await client.take(1);
  const refused = async (calls) => {
    const { code, number, function: name } = await errorOf(host.batch(calls));
    return [code, number, name];
  };
  const valid = () => void client.join(1, '239.1.2.3');
  const foreign = () => void client.join(7, '239.1.2.3'); // an interface of nobody
  const invalid = () => void client.join(1, '10.0.0.1'); // no group
  const all = (...calls) => () => calls.forEach((call) => call());
  assert.deepEqual(await refused(all(valid, foreign, invalid)), [87, 2, 'MgmHostEndBatch']);
  assert.deepEqual(await refused(all(invalid, foreign, valid)), [87, 1, 'MgmAddGroupMembershipEntry']);
  assert.deepEqual(await refused(all(valid, valid, invalid)), [87, 3, 'MgmAddGroupMembershipEntry']);
  assert.equal((await client.groups()).length, 1);
});

test('the module for require is the same one', () => {
  const required = createRequire(import.meta.url)('../index.cjs');
  assert.equal(required.Client, Client);
  assert.deepEqual(Object.keys(required).sort(), Object.keys(mgm).sort());
});
