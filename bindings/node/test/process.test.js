// What needs a process of its own: libraries that are not ours, and the end.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

const MODULE = new URL('../index.js', import.meta.url).href;

/** What a program says that uses this library. */
function run(program, environment = {}) {
  return spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, MGM_FORWARDER: 'memory', ...environment },
    encoding: 'utf8',
    timeout: 120_000,
  });
}

function importWith(library) {
  const { status, stderr } = run(`await import('${MODULE}')`, { MGM_LIBRARY: library });
  assert.equal(status, 1);
  return stderr;
}

function build(text) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mgm-'));
  const [source, library] = ['other.c', 'other.so'].map((name) => path.join(directory, name));
  fs.writeFileSync(source, text);
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, source]);
  return library;
}

const version = (major) =>
  `unsigned MgmHostVersion(unsigned *v) { v[1] = ${major}; return 0; }`;

test('no library', () => {
  assert.match(importWith('/no/where/libmgm.so.1'), /libmgm cannot be loaded: .*MGM_LIBRARY/);
});

test('another library', () => {
  assert.match(importWith(build('int x;')), /other\.so has no function MgmHostVersion: it is not libmgm/);
});

test('another major version', () => {
  assert.match(importWith(build(version(2))), /other\.so has API version 2\.0, but this module needs version 1/);
});

test('a missing function', () => {
  assert.match(importWith(build(version(1))), /other\.so has no function MgmRegisterMProtocol/);
});

const FLOWS = `
  import { Client, host } from '${MODULE}';
  await host.start({ forwarder: 'memory', mfeTimeout: 1 });
  let asked = 0;
  const client = await Client.register(1, 0, { rpf: () => { asked++; BODY } });
  await client.take(1);
  await client.take(2);
  await client.join(2);
  await host.addRoute('10.0.0.0/8', 1);
  while (asked <= 100) {
    for (let i = 1; i <= 100; i++) await host.packetIn('10.0.0.5', '239.1.1.' + i, 1);
  }
`;

test('the end, while flows are being renewed', () => {
  const { status, signal, stderr } = run(`${FLOWS.replace('BODY', '')} process.exit(7);`);
  assert.deepEqual([status, signal, stderr], [7, null, '']);
});

test('the end of a program that is through', () => {
  const { status, signal, stderr } = run(`${FLOWS.replace('BODY', '')} await client.close();`);
  assert.deepEqual([status, signal, stderr], [0, null, '']);
});

test('the end after an argument that no thread can be given', () => {
  const { status, signal, stdout, stderr } = run(`
    import calls from '${new URL('../lib/calls.js', import.meta.url).href}';
    await calls.call('MgmHostServeClientsEx', () => {}, null).catch((error) => console.log(error.name));
  `);
  assert.deepEqual([status, signal, stdout, stderr], [0, null, 'DataCloneError\n', '']);
});

test('what a callback throws is an uncaught exception', () => {
  const { status, stderr } = run(FLOWS.replace('BODY', "throw new Error('no such neighbour');"));
  assert.equal(status, 1);
  assert.match(stderr, /Error: no such neighbour/);
});

const WAITS = `
  import { Client } from '${MODULE}';
  const listener = await Client.register(2, 0, { joinAlert: () => { IN_CALLBACK } });
  const client = await Client.register(1);
  await client.take(1);
  client.join(1, '239.1.2.3');
`;

test('the end, while a call waits for a callback', () => {
  const program = WAITS.replace('IN_CALLBACK', '');
  const { status, signal, stderr } = run(`${program}
    const begun = Date.now();
    while (Date.now() - begun < 500); // no callback can run
    process.exit(7);
  `);
  assert.deepEqual([status, signal, stderr], [7, null, '']);
});

test('the end inside a callback', () => {
  const { status, signal, stderr } = run(WAITS.replace('IN_CALLBACK', 'process.exit(8);'));
  assert.deepEqual([status, signal, stderr], [8, null, '']);
});

// A client process cannot serve others.
const skip = process.env.MGM_SHIM_ROUTER ? "needs the router's own process" : false;

test('the end of the router is reported', { skip }, () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mgm-'));
  const protocol = `
    import { Client, host } from '${MODULE}';
    const client = await Client.register(1);
    await client.take(5);
    const lost = new Promise((resolve) => host.setRouterLost(resolve));
    console.log('ready');
    const keepAlive = setInterval(() => {}, 1000);
    await lost;
    clearInterval(keepAlive);
    await client.take(6).catch((error) => console.log('lost', error.code));
  `;
  const router = `
    import { spawn } from 'node:child_process';
    import { host, ownerOf } from '${MODULE}';
    await host.serveClients('${directory}/router');
    const { MGM_FORWARDER, ...environment } = process.env;
    const child = spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(protocol)}], {
      env: { ...environment, MGM_ROUTER: '${directory}/router' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.once('data', async (text) => {
      console.log(String(text).trim(), await ownerOf(5));
      await host.serveClients(null);
      console.log(await ownerOf(5));
    });
    let last = '';
    child.stdout.on('data', (text) => (last = String(text).trim()));
    child.on('exit', (status) => console.log(last, status));
  `;
  const { status, stdout, stderr } = run(router);
  assert.deepEqual(
    [status, stdout, stderr],
    [0, 'ready { protocol: 1, component: 0 }\nnull\nlost 87 0\n', ''],
  );
});

/** Runs a program as a client process of a router in another process, whose program goes on with `after`. */
function withClient(before, client, after = '') {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'mgm-'));
  return run(`
    import { spawn } from 'node:child_process';
    import fs from 'node:fs';
    import { Client, host, ownerOf } from '${MODULE}';
    const path = '${directory}/router';
    ${before}
    const { MGM_FORWARDER, ...environment } = process.env;
    const client = (program) => new Promise((resolve) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        env: { ...environment, MGM_ROUTER: path },
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      child.on('exit', resolve);
    });
    const program = ${JSON.stringify(`import { Client, host } from '${MODULE}'; ${client}`)};
    console.log(await client(program));
    ${after}
  `);
}

test('a filter decides what client processes may do', { skip }, () => {
  const { status, stdout, stderr } = withClient(
    `await host.serveClients(path);
     await host.setClientFilter(({ user, protocol, component, interface: iface }) => {
       console.log(user === process.geteuid(), protocol, component, iface?.index);
       if (iface?.index === 7) throw new Error('no decision');
       return iface?.index !== 6;
     });
     process.on('uncaughtException', (error) => console.log(error.message));`,
    `const client = await Client.register(1, 7);
     for (const index of [5, 6, 7]) await client.take(index).catch((error) => console.log('refused', error.code));`,
    `await host.setClientFilter(null); await host.serveClients(null);`,
  );
  const asked = ['true 1 7 undefined', 'true 1 7 5', 'true 1 7 6', 'true 1 7 7'];
  assert.deepEqual([status, stderr], [0, '']);
  const lines = stdout.trim().split('\n');
  assert.deepEqual(lines.filter((line) => line.startsWith('true')), asked);
  assert.equal(lines.filter((line) => line === 'refused 1003').length, 2);
  assert.ok(lines.includes('no decision'));
});

test('the socket of client processes has settings', { skip }, () => {
  const { status, stdout, stderr } = withClient(
    `await host.serveClients(path, {
       mode: 0o640, owner: process.geteuid(), group: process.getegid(), maxProcesses: 3, maxUserProcesses: 1, answerMs: 500,
     });
     console.log((fs.statSync(path).mode & 0o777).toString(8));
     const other = await host.serveClients(path, { maxUserProcesses: 65537 }).catch((error) => console.log(error.code));`,
    `import { spawnSync } from 'node:child_process';
     await Client.register(1);
     const second = "import { Client } from '${MODULE}'; await Client.register(2)";
     const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', second]);
     console.log(status === 0 ? 'welcome' : 'refused');`,
    `await host.serveClients(path, { maxUserProcesses: 2 });
     console.log(await client(program));
     await host.serveClients(null);`,
  );
  assert.deepEqual([status, stdout, stderr], [0, '640\n87\nrefused\n0\nwelcome\n0\n', '']);
});
