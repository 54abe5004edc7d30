// Compiled and run by tests/languages: `await using` closes the client when its block ends, also after an exception.

import { Client, ClosedError, PROTO_IP_OSPF, ownerOf } from 'mgm';

let kept: Client | undefined;

async function program(): Promise<void> {
  await using client = await Client.register(PROTO_IP_OSPF, 1);
  kept = client;
  await client.take(1);
  console.log((await ownerOf(1))?.protocol);
  throw new Error('the block ends');
}

await program().catch((error: unknown) => console.log((error as Error).message));
console.log(await ownerOf(1));
await kept?.take(2).catch((error: unknown) => console.log(error instanceof ClosedError));
