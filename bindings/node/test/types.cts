// The same for require.

import mgm = require('mgm');

async function program(): Promise<mgm.Mfe> {
  const client: mgm.Client = await mgm.Client.register(mgm.PROTO_IP_OTHER);
  await client.take(1);
  const status: mgm.Status = await mgm.host.status();
  const oifs: mgm.StatusOif[] = status.mfes?.[0]?.oifs ?? [];
  console.log(oifs.length);
  return mgm.getMfe('10.0.0.5', '239.1.2.3');
}

void program();
