import { BackupError } from '#common/errors.ts';
import type { Runner } from '#common/process/runner.ts';
import { type HostKey, type HostTrust, parsePublicKey } from './host-trust.ts';

interface TrustedHost {
  readonly address: string;
  readonly port: number;
  /** Public keys or `SHA256:` fingerprints from the configuration; when there are any, nothing else counts. */
  readonly hostKeys: readonly string[];
  readonly knownHostsFile: string;
}

/** What is known of the host's keys: the configuration's pins, or else what ssh-keygen finds in the known_hosts file. */
export function trustOf(host: TrustedHost, runner: Runner): Promise<HostTrust> | HostTrust {
  return host.hostKeys.length > 0 ? parsePins(host.hostKeys) : lookUp(host, runner);
}

/** The name under which OpenSSH files the keys of a host. */
export function knownHostName(address: string, port: number): string {
  const name = address.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

function parsePins(pins: readonly string[]): HostTrust {
  const isFingerprint = (pin: string) => pin.startsWith('SHA256:');
  return {
    keys: pins.filter((pin) => !isFingerprint(pin)).map(parsePin),
    fingerprints: pins.filter(isFingerprint).map((pin) => pin.trim().replace(/=+$/, '')),
    revoked: [],
    from: 'host_key in the configuration',
  };
}

function parsePin(pin: string): HostKey {
  const key = parsePublicKey(pin);
  if (key !== undefined) return key;
  throw new BackupError(`host_key "${pin}" is neither a public key nor a SHA256 fingerprint`, {
    hint: 'Write it as "ssh-ed25519 AAAA…", which is what the host has in /etc/ssh/ssh_host_ed25519_key.pub.',
  });
}

/** ssh-keygen knows hashed names, patterns and ports, so that no other reader of the format is needed. */
async function lookUp({ address, port, knownHostsFile }: TrustedHost, runner: Runner): Promise<HostTrust> {
  const args = ['-F', knownHostName(address, port), '-f', knownHostsFile];
  const result = await runner.run({ file: 'ssh-keygen', args, timeoutMs: 30_000 });
  const found = result.exitCode === 0 ? result.stdout : '';
  // 1 stands for "no such host" and says nothing; a missing file knows nobody
  if (result.exitCode !== 0 && !/^$|No such file or directory/.test(result.stderr.trim())) {
    throw new BackupError(`ssh-keygen cannot search ${knownHostsFile}: ${result.stderr.trim()}`, {
      hint: 'Mend that file, or pin the host’s key by host_key in the configuration.',
    });
  }
  return { ...parseKnownHosts(found), fingerprints: [], from: knownHostsFile };
}

/** Reads the lines that `ssh-keygen -F` prints. Keys of certificate authorities are left out: they sign, they do not log in. */
function parseKnownHosts(text: string): Pick<HostTrust, 'keys' | 'revoked'> {
  const entries = text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map(parseEntry);
  const keysMarked = (marker: string | undefined) =>
    entries.flatMap((entry) => (entry.marker === marker && entry.key !== undefined ? [entry.key] : []));
  return { keys: keysMarked(undefined), revoked: keysMarked('@revoked') };
}

function parseEntry(line: string): { readonly marker: string | undefined; readonly key: HostKey | undefined } {
  const words = line.trim().split(/\s+/);
  const marker = words[0]?.startsWith('@') ? words.shift() : undefined;
  return { marker, key: parsePublicKey(words.slice(1).join(' ')) };
}
