import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

process.env.MGM_FORWARDER = 'memory';
process.env.MGM_LOG ??= 'off';
const { Client, MgmError, PROTO_IP_BGMP, PROTO_IP_IGMP, PROTO_IP_OSPF, getMfe, host, interfaceIndex, mfes, ownerOf } =
  await import('../index.js');

const [GROUP, SOURCE] = ['239.1.2.3', '10.0.0.5'];
const STAR_G = { source: null, group: GROUP };
const S_G = { source: SOURCE, group: GROUP };
const at = (index, nextHop = null) => ({ index, nextHop });
const code = (wanted) => (error) => error instanceof MgmError && error.code === wanted;
const HEADER = Buffer.from([0x45, 0, 0, 100, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 5, 239, 1, 2, 3]);

afterEach(() => host.stop());

/** Sources lie behind a gateway on interface 1; interface 2 wants the group. */
async function router(inner = {}, outer = {}) {
  const clients = [
    await Client.register(PROTO_IP_OSPF, 1, inner),
    await Client.register(PROTO_IP_BGMP, 1, outer),
  ];
  await clients[0].take(1);
  await clients[1].take(2);
  await clients[1].join(2, GROUP);
  await host.addRoute('10.0.0.0/8', 1, { gateway: '192.0.2.1' });
  return clients;
}

test('codes are exceptions', async () => {
  const client = await Client.register(PROTO_IP_OSPF);
  await assert.rejects(Client.register(PROTO_IP_OSPF), code(183));
  await assert.rejects(client.take(0), /MgmTakeInterfaceOwnership: ERROR_INVALID_PARAMETER/);
  await assert.rejects(getMfe(SOURCE, GROUP), code(1168));
});

test('values that C would cut off', async () => {
  const client = await Client.register(PROTO_IP_OSPF);
  for (const index of [1.5, '1', null]) await assert.rejects(client.take(index), TypeError);
  for (const index of [-1, 2 ** 32 + 1]) await assert.rejects(client.take(index), RangeError);
  await assert.rejects(client.join(1, '239.1.2'), /239.1.2 is not an IPv4 address/);
  await assert.rejects(host.addRoute('10.0.0.0/33', 1), /not a network/);
});

test('texts that C would cut off', async () => {
  const path = 'a\0b';
  for (const call of [
    () => host.serveStatus(path),
    () => host.serveClients(path),
    () => host.start({ router: path }),
    () => host.setScopeName('239.0.0.0/8', path),
    () => interfaceIndex('lo\0'),
  ]) {
    await assert.rejects(call(), { name: 'TypeError', message: /null character/ });
  }
  const client = await Client.register(PROTO_IP_OSPF);
  await assert.rejects(client.take('x'), /x is not an interface/);
});

test('close releases what the client has', async () => {
  const client = await Client.register(PROTO_IP_OSPF, 7);
  await client.take(1);
  await client.take(at(2, '10.9.0.1'));
  assert.deepEqual(await ownerOf(1), { protocol: PROTO_IP_OSPF, component: 7 });
  await client.close();
  assert.equal(await ownerOf(1), null);
  assert.equal(await ownerOf(at(2, '10.9.0.1')), null);
  await client.close();
  await assert.rejects(client.take(1), code(87));
});

test('close releases an interface whose take has no answer yet', async () => {
  const client = await Client.register(PROTO_IP_OSPF, 7);
  client.take(1);
  client.take(2);
  client.release(2);
  client.take(2);
  await client.close();
  assert.equal(await ownerOf(1), null);
  // A refused take leaves what the client had, and nothing that it has not.
  const [one, other] = [await Client.register(PROTO_IP_OSPF, 8), await Client.register(PROTO_IP_BGMP)];
  await one.take(1);
  await assert.rejects(other.take(1), code(183));
  await other.close();
  assert.deepEqual(await ownerOf(1), { protocol: PROTO_IP_OSPF, component: 8 });
  await one.close();
  assert.equal(await ownerOf(1), null);
});

test('grace is at most five minutes, and has no effect in a router', async () => {
  await assert.rejects(host.setGrace(301), code(87));
  await host.setGrace(300);
  const client = await Client.register(PROTO_IP_OSPF);
  await client.take(1);
  await client.join(1, GROUP);
  await client.graceDone();
  assert.equal((await client.groups()).length, 1, 'nothing was left by another client');
  await host.setGrace(0);
});

test('clients outlive a stop', async () => {
  const client = await Client.register(PROTO_IP_OSPF);
  await client.take(1);
  await host.stop();
  await client.close();
});

test('groups, in more than one look', async () => {
  const [inner, outer] = await router();
  for (let i = 0; i < 300; i++) await outer.join(2, `239.2.${i >> 8}.${i & 255}`);
  await inner.join(1);
  const groups = await inner.groups();
  assert.equal(groups.length, 302);
  assert.deepEqual(groups[0], { source: null, group: null });
});

test('packets make MFEs', async () => {
  const [inner] = await router();
  assert.deepEqual(await host.packetIn(SOURCE, GROUP, 1, { size: 100 }), { accepted: true, outgoing: [at(2)] });
  assert.equal((await host.packetIn(SOURCE, GROUP, 2)).accepted, false);
  const mfe = await getMfe(SOURCE, GROUP);
  assert.deepEqual([mfe.incoming, mfe.upstream, mfe.timeout, mfe.outgoing], [1, '192.0.2.1', 900, [at(2)]]);
  await inner.setMfe(SOURCE, GROUP, '192.0.2.9');
  assert.equal((await getMfe(SOURCE, GROUP)).upstream, '192.0.2.9');
  assert.equal((await host.status()).totals.mfes, 1);
});

test('a header stays as its program has it', async () => {
  const heard = [];
  await router({ rpf: (flow, suggested, header) => void heard.push(header) });
  const pass = (last, header) => host.packetIn(SOURCE, `239.1.2.${last}`, 1, { header });
  const own = Uint8Array.from(HEADER);
  const reused = pass(3, own);
  own.fill(7); // the program uses its buffer for the next packet already
  await reused;
  assert.ok(own.every((each) => each === 7));
  const wider = new Uint8Array(HEADER.length + 9);
  wider.set(HEADER, 4);
  await pass(4, new DataView(wider.buffer, 4, HEADER.length));
  const sent = Uint8Array.from(HEADER);
  const detached = pass(5, sent);
  structuredClone(sent.buffer, { transfer: [sent.buffer] });
  await detached;
  assert.deepEqual(heard, [HEADER, HEADER, HEADER]);
  await assert.rejects(pass(6, HEADER.buffer), TypeError);
});

test('a flow is explained', async () => {
  await router();
  const reason = async (...given) => (await host.explain(SOURCE, GROUP, ...given)).verdict.reason;
  assert.equal(await reason(), 'no_packet');
  await host.packetIn(SOURCE, GROUP, 1);
  assert.equal(await reason(), null);
  assert.equal(await reason(null), null);
  assert.equal(await reason(2), 'wrong_interface');
  assert.equal(await reason(at(9)), 'foreign_arrival');
  assert.equal((await host.explain(SOURCE, GROUP, 2)).arrival.index, 2);
  await assert.rejects(host.explain(SOURCE, SOURCE), code(87));
  await assert.rejects(host.explain(null, GROUP), code(87));
  // More than the first buffer holds.
  for (let index = 100; index < 120; index++) {
    const client = await Client.register(PROTO_IP_OSPF, index);
    await client.take(index);
    await client.join(index, GROUP);
  }
  assert.equal((await host.explain(SOURCE, GROUP)).interfaces.length, 21);
});

test('new flows are limited', async () => {
  await router();
  await host.setFlowLimit(1, 1, 2);
  const accepted = [];
  for (let i = 1; i <= 5; i++) accepted.push((await host.packetIn(SOURCE, `239.5.0.${i}`, 1)).accepted);
  const count = accepted.filter(Boolean).length;
  assert.ok(count >= 2 && count <= 3, `${count} flows, not the two of the burst`);
  await host.setFlowLimit(1, 0);
  assert.equal((await host.packetIn(SOURCE, '239.5.0.9', 1)).accepted, true);
  await host.setFlowLimit(1, 7);
  assert.equal((await host.status()).limits.flow_rates[0].burst, 1);
  await assert.rejects(host.setFlowLimit(0, 1), code(87));
  await assert.rejects(host.setFlowLimit(1, -1), RangeError);
});

test('walks go on behind the first buffer', async () => {
  const [, outer] = await router();
  await outer.join(2);
  const groups = Array.from({ length: 1000 }, (_, i) => `239.3.${i >> 8}.${i & 255}`);
  for (const group of groups) await host.packetIn(SOURCE, group, 1);
  const walked = [];
  for await (const mfe of mfes()) walked.push(mfe.group);
  assert.deepEqual(walked, groups);
});

test('answers count', async () => {
  const heard = [];
  await router(
    {
      rpf(flow, suggested, header) {
        heard.push([flow, suggested, header]);
        return { interface: suggested.interface, upstream: '192.0.2.9' };
      },
      pruneAlert(...given) {
        heard.push(given);
        return 60;
      },
    },
    {
      creationAlert(flow, incoming, outgoing) {
        heard.push([flow, incoming, structuredClone(outgoing)]);
        outgoing[0].enabled = false;
      },
    },
  );
  assert.deepEqual((await host.packetIn(SOURCE, GROUP, 1, { header: HEADER })).outgoing, []);
  assert.deepEqual(heard, [
    [S_G, { interface: at(1), upstream: '192.0.2.1' }, HEADER],
    [S_G, at(1), [{ interface: at(2), igmp: false, enabled: true }]],
    [S_G, at(1), false, 900],
  ]);
  const mfe = await getMfe(SOURCE, GROUP);
  assert.deepEqual([mfe.upstream, mfe.timeout, mfe.outgoing], ['192.0.2.9', 60, []]);
});

test('what is told, in order', async () => {
  const heard = [];
  const note = (name) => (...given) => void heard.push([name, ...given]);
  const igmp = await Client.register(PROTO_IP_IGMP, 0, { disableIgmp: note('disable'), enableIgmp: note('enable') });
  await igmp.take(2);
  await router(
    { joinAlert: note('join'), pruneAlert: note('prune') },
    { localJoin: note('local join'), localLeave: note('local leave'), wrongIf: note('wrong') },
  );
  await igmp.join(2, '239.9.9.9');
  await igmp.leave(2, '239.9.9.9');
  await host.packetIn(SOURCE, GROUP, 1);
  await host.packetIn(SOURCE, GROUP, 2, { header: HEADER });
  const other = { source: null, group: '239.9.9.9' };
  assert.deepEqual(
    heard.filter(([name]) => name !== 'join' && name !== 'prune'),
    [
      ['disable', at(2)],
      ['enable', at(2)],
      ['local join', other, at(2)],
      ['local leave', other, at(2)],
      ['wrong', S_G, at(2), HEADER],
    ],
  );
  assert.deepEqual(heard.find(([name]) => name === 'join'), ['join', STAR_G, true]);
  assert.ok(heard.some(([name, flow, , gone]) => name === 'prune' && flow.group === '239.9.9.9' && gone));
});

test('threads of MGM call JavaScript', async () => {
  await host.start({ forwarder: 'memory', mfeTimeout: 1 });
  let asked = 0;
  await router({ rpf: () => void asked++ });
  // An MFE that forwards is renewed when its time is over: a thread of MGM's asks.
  for (let i = 0; i < 1000 && asked < 2; i++) {
    await host.packetIn(SOURCE, GROUP, 1);
    await sleep(20);
  }
  assert.ok(asked >= 2);
});

test('a callback may call, but not wait', async () => {
  let closed;
  const heard = [];
  const listener = await Client.register(PROTO_IP_OSPF, 1, {
    joinAlert(flow) {
      heard.push(flow.group);
      closed ??= listener.close();
    },
  });
  const other = await Client.register(PROTO_IP_BGMP);
  await other.take(2);
  await other.join(2, GROUP);
  await closed;
  await other.join(2, '239.9.9.9');
  assert.deepEqual(heard, [GROUP]);
});

test('callbacks of the wrong signature are refused', async () => {
  const refused = (callbacks, why) => assert.rejects(Client.register(PROTO_IP_OSPF, 0, callbacks), why);
  await refused({ joinAlert: (flow, wanted, more) => more }, /joinAlert is called with \(flow, somebodyElse\)/);
  await refused({ joinAlert: 'print' }, /must be a function/);
  await refused({ joinAlarm() {} }, /unknown callback joinAlarm; known are rpf, /);
  await refused({ rpf: async () => {} }, /rpf must not be async/);
  // And nothing was registered.
  await (await Client.register(PROTO_IP_OSPF)).close();
});

test('settings that make no sense', async () => {
  await assert.rejects(host.start({ forwarder: 'hardware' }), /forwarder: unknown value hardware; known are default, auto/);
  await assert.rejects(host.start({ colour: 'blue' }), /unknown setting colour/);
  await host.start({ forwarder: 'memory', logLevel: 'off' });
  await assert.rejects(host.start(), code(183));
});
