import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type ReceivedMail, startSmtp } from '../../rig/smtp.ts';
import { must } from './commands.ts';
import { mirrorProxy } from './mirror-proxy.ts';
import { mirrors } from './mirrors.ts';
import { placeFor } from './place.ts';

/** A switch in a network namespace of its own: the machine's network is left as it is, and no host reaches it. */
export interface Network {
  /** What every host finds at `gateway`: a proxy for apt, and a mail server. */
  readonly gateway: string;
  readonly proxyPort: number;
  /** The switch's own namespace, from which every host is reached. */
  readonly namespace: string;
  readonly mails: readonly ReceivedMail[];
  /** Plugs in a host under a namespace with its own address; the name of the namespace. */
  plugIn(name: string, address: string): Promise<string>;
  unplug(name: string): Promise<void>;
  close(): Promise<void>;
}

const gateway = '10.77.0.1';
const proxyPort = 3142;
const switchName = 'bs-switch';

export async function startNetwork(): Promise<Network> {
  await removeNamespace(switchName);
  const ip = (...args: string[]) => must('ip', args);
  await ip('netns', 'add', switchName);
  await ip('-n', switchName, 'link', 'add', 'bridge', 'type', 'bridge');
  await ip('-n', switchName, 'addr', 'add', `${gateway}/24`, 'dev', 'bridge');
  await ip('-n', switchName, 'link', 'set', 'bridge', 'up');

  const smtp = await startSmtp();
  const proxySocket = await listenOn('proxy.socket', mirrorProxy(await mirrors()));
  const mailSocket = await listenOn(
    'mail.socket',
    createServer((client) => client.pipe(connect(smtp.port, '127.0.0.1')).pipe(client)),
  );
  const script = fileURLToPath(new URL('relay.ts', import.meta.url));
  const ports = [`${proxyPort}=${proxySocket.path}`, `25=${mailSocket.path}`];
  const relay = spawn(
    'ip',
    ['netns', 'exec', switchName, process.execPath, '--import', 'tsx', script, gateway, ...ports],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  await once(relay.stdout, 'data');

  return {
    gateway,
    proxyPort,
    namespace: switchName,
    mails: smtp.mails,
    plugIn: async (name, address) => {
      const namespace = `bs-${name}`;
      await removeNamespace(namespace);
      await ip('netns', 'add', namespace);
      await ip('-n', namespace, 'link', 'set', 'lo', 'up');
      // The same after each boot, as that of a real machine: others remember where it was.
      const mac = `02:00:00:00:00:${Number(address.split('.')[3]).toString(16).padStart(2, '0')}`;
      const peer = ['peer', 'name', 'eth0', 'address', mac, 'netns', namespace];
      await ip('-n', switchName, 'link', 'add', name, 'type', 'veth', ...peer);
      await ip('-n', switchName, 'link', 'set', name, 'master', 'bridge', 'up');
      await ip('-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0');
      await ip('-n', namespace, 'link', 'set', 'eth0', 'up');
      return namespace;
    },
    unplug: (name) => removeNamespace(`bs-${name}`),
    close: async () => {
      relay.kill();
      await smtp.stop();
      proxySocket.server.close();
      mailSocket.server.close();
      await removeNamespace(switchName);
    },
  };
}

async function listenOn(name: string, server: Server): Promise<{ readonly path: string; readonly server: Server }> {
  const path = await placeFor('run', name);
  await rm(path, { force: true });
  server.listen(path);
  await once(server, 'listening');
  return { path, server };
}

async function removeNamespace(name: string): Promise<void> {
  if (existsSync(`/run/netns/${name}`)) await must('ip', ['netns', 'del', name]);
}
