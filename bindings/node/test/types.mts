// Compiled, but not run, by tests/languages: every use must have its type.

import { Client, ClosedError, MgmError, getMfeStats, host, interfaceIndex, mfeStats, type Flow, type Status } from 'mgm';

async function program(): Promise<void> {
  const client = await Client.register(1, 0, {
    rpf: (flow, suggested) => ({ interface: suggested.interface, upstream: flow.source }),
    pruneAlert: (flow, iface, nobodyElse, timeout) => (nobodyElse ? undefined : (timeout ?? 0) + iface.index),
  });
  await client.join(await interfaceIndex('eth0'), { source: '10.0.0.5', group: '239.1.2.3' }, { forwardOnly: true });
  await client.leave({ index: 1, nextHop: '10.0.0.1' }, '239.1.2.3');
  const flows: Flow[] = await client.groups({ anySource: true });
  const status: Status = await host.status({ mfes: false });
  const limit: number = status.limits.max_flows + flows.length;
  const reason: string | null = (await host.explain('10.0.0.5', '239.1.2.3')).verdict.reason;
  const packets: number = (await getMfeStats('10.0.0.5', '239.1.2.3')).outgoing[0]!.packets;
  for await (const { octets } of mfeStats()) console.log(octets + limit + packets, reason);
  await host.start({ forwarder: 'memory', log: (level, text) => console.log(level.length, text.length), maxFlows: 7 });
  await host.packetIn('10.0.0.5', '239.1.2.3', 1, { header: new Uint8Array(20) });
  await host.packetIn('10.0.0.5', '239.1.2.3', 1, { header: Buffer.alloc(20), size: 100 });
  const text: string = host.version().text;
  console.log(text);
  await host.batch(() => void client.join(1));
  await client[Symbol.asyncDispose]();
  // @ts-expect-error: the group of the former order of the parameters
  await client.join(1, '239.1.2.3', '10.0.0.5');
  // @ts-expect-error: an interface is no text
  await client.take('eth0');
  // @ts-expect-error: there is no such member
  console.log(status.colour);
}

program().catch((error: unknown) => {
  if (error instanceof ClosedError) console.log(error.reason);
  if (error instanceof MgmError) console.log(error.code + error.number, error.function, error.reason);
});
