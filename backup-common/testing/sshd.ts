import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

type HostKeyType = 'ed25519' | 'ecdsa' | 'rsa';

interface TestSshdOptions {
  /** An empty or missing folder for keys and configuration; the caller removes it. */
  readonly folder: string;
  /** The account that may log in; the one that runs the test when left out. */
  readonly user?: string;
  readonly hostKeyTypes?: readonly HostKeyType[];
  /** Lets the account run any program, as rsync needs; without it, only SFTP. */
  readonly anyProgram?: boolean;
}

/** A real sshd on a free port of 127.0.0.1, whose only account can do nothing but SFTP, with a key made for it. */
export interface TestSshd {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The account's private key, 0600. */
  readonly keyFile: string;
  /** `ssh-ed25519 AAAA…`, one for each type, in the order of `hostKeyTypes`. */
  readonly hostKeys: readonly string[];
  /** Names all host keys for `[127.0.0.1]:port`. */
  readonly knownHostsFile: string;
  /** Ends the processes that serve the present connections; sshd itself goes on. */
  dropConnections(): Promise<void>;
  /** Stops these processes with SIGSTOP, so that the peer is there but silent; `dropConnections` ends that too. */
  freezeConnections(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts it and waits until it listens. */
export async function startSshd(options: TestSshdOptions): Promise<TestSshd> {
  const { folder, user = userInfo().username, hostKeyTypes = ['ed25519'] } = options;
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await makePrivilegeSeparationFolder();
  const hostKeyFiles = await Promise.all(hostKeyTypes.map((type) => makeKey(folder, `host_${type}`, type)));
  const keyFile = await makeKey(folder, 'client', 'ed25519');
  await writeFile(join(folder, 'authorized_keys'), await readFile(`${keyFile}.pub`), { mode: 0o644 });
  const port = await freePort();
  const configFile = join(folder, 'sshd_config');
  await writeFile(configFile, await configOf(folder, port, user, hostKeyFiles, options.anyProgram === true));
  const child = await startListening(configFile);
  const hostKeys = await Promise.all(hostKeyFiles.map(publicKeyOf));
  const knownHostsFile = join(folder, 'known_hosts');
  await writeFile(knownHostsFile, hostKeys.map((key) => `[127.0.0.1]:${port} ${key}\n`).join(''));
  const signalConnections = (signal: NodeJS.Signals) => signalDescendants(child, signal);
  return {
    address: '127.0.0.1',
    port,
    user,
    keyFile,
    hostKeys,
    knownHostsFile,
    dropConnections: () => signalConnections('SIGKILL'),
    freezeConnections: () => signalConnections('SIGSTOP'),
    stop: () => stop(child),
  };
}

/** Makes a key without a passphrase (and its `.pub`) and returns its path. */
export async function makeKey(folder: string, name: string, type: HostKeyType): Promise<string> {
  const path = join(folder, name);
  const bits = type === 'rsa' ? ['-b', '2048'] : [];
  await run('ssh-keygen', ['-q', '-t', type, ...bits, '-N', '', '-C', '', '-f', path]);
  return path;
}

/** Type and key of a `.pub` file, without its comment. */
async function publicKeyOf(keyFile: string): Promise<string> {
  const [type, key] = (await readFile(`${keyFile}.pub`, 'utf8')).trim().split(' ');
  return `${type} ${key}`;
}

/** sshd wants it and has nobody to make it where it is not started by systemd. */
async function makePrivilegeSeparationFolder(): Promise<void> {
  if (userInfo().uid === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a listening server has no port');
  return address.port;
}

async function configOf(
  folder: string,
  port: number,
  user: string,
  hostKeyFiles: readonly string[],
  anyProgram: boolean,
): Promise<string> {
  const lines = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...hostKeyFiles.map((file) => `HostKey ${file}`),
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin prohibit-password',
    'AuthenticationMethods publickey',
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    `AllowUsers ${user}`,
    'DisableForwarding yes',
    'PermitTTY no',
    'Subsystem sftp internal-sftp',
    ...(anyProgram ? [] : ['ForceCommand internal-sftp']),
    ...((await penalizesFailedLogins()) ? ['PerSourcePenalties no'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** OpenSSH 9.8 and later lock an address out for a while after failed logins, which tests make on purpose. */
async function penalizesFailedLogins(): Promise<boolean> {
  const { stderr } = await run('ssh', ['-V']);
  const [, major, minor] = /OpenSSH_(\d+)\.(\d+)/.exec(stderr) ?? [];
  return Number(major) * 1000 + Number(minor) >= 9008;
}

async function startListening(configFile: string): Promise<ChildProcess> {
  const child = spawn('/usr/sbin/sshd', ['-D', '-e', '-f', configFile], { stdio: ['ignore', 'ignore', 'pipe'] });
  const endWithUs = () => child.kill();
  process.once('exit', endWithUs);
  child.once('exit', () => process.off('exit', endWithUs));
  const said: string[] = [];
  const failed = once(child, 'exit').then(() => {
    throw new Error(`sshd ended instead of listening: ${said.join('\n')}`);
  });
  const listening = new Promise<void>((resolve) => {
    // goes on reading after that, so that sshd never blocks on a full pipe
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      if (line.startsWith('Server listening')) resolve();
    });
  });
  failed.catch(() => undefined); // also settles when it is stopped later
  await Promise.race([listening, failed]);
  child.unref();
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await signalDescendants(child, 'SIGKILL');
  const ended = once(child, 'exit');
  child.ref();
  child.kill();
  await ended;
}

async function signalDescendants(ancestor: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const parents = await parentsOfProcesses();
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === ancestor.pid || isBelow(parent));
  };
  for (const pid of [...parents.keys()].filter(isBelow)) signalIfThere(pid, signal);
}

async function parentsOfProcesses(): Promise<ReadonlyMap<number, number>> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const pairs = await Promise.all(pids.map(async (pid) => [Number(pid), await parentOf(pid)] as const));
  return new Map(pairs);
}

/** The second field after the name in /proc/PID/stat; the name is in brackets and may hold anything. 0: it has ended. */
async function parentOf(pid: string): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it ended by itself in between
  }
}
