// Two routing protocols share one router. `pim` owns interface 1, towards the sources, and `edge`
// owns interface 2, where hosts join. With the memory forwarder this program passes the packets to
// the library.

import { Client, host, mfes, PROTO_IP_OTHER } from 'mgm';

const text = (flow) => `(${flow.source ?? '*'}, ${flow.group ?? '*'})`;

const { api } = host.version();
console.log(`mgm ${api.join('.')}`);
await host.start({ forwarder: 'memory', logLevel: 'off' });
await host.addRoute('10.0.0.0/8', 1);

const pim = await Client.register(PROTO_IP_OTHER, 1, {
  rpf(flow, suggested) {
    console.log(`rpf: ${text(flow)} has to arrive on interface ${suggested.interface.index}`);
  },
  joinAlert(flow, somebodyElse) {
    console.log(somebodyElse ? `join: somebody else wants ${text(flow)}` : `join: ${text(flow)} has an outgoing interface again`);
  },
  pruneAlert(flow, iface, nobodyElse) {
    console.log(nobodyElse ? `prune: nobody else wants ${text(flow)}` : `prune: ${text(flow)} has no outgoing interface`);
  },
});
const edge = await Client.register(PROTO_IP_OTHER, 2);

await pim.take(1);
await edge.take(2);
try {
  await edge.take(1);
} catch (refusal) {
  console.log(`refused: code ${refusal.code}`);
}

await edge.join(2, '239.1.2.3');
const { outgoing } = await host.packetIn('10.0.0.5', '239.1.2.3', 1, { size: 100 });
console.log('packet: goes out on interface', ...outgoing.map((each) => each.index));
for await (const mfe of mfes()) {
  console.log(`mfe: ${text(mfe)} from ${mfe.incoming} to`, ...mfe.outgoing.map((each) => each.index));
}
await edge.leave(2, '239.1.2.3');

await edge.close();
await pim.close();
