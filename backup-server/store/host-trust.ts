import { createHash } from 'node:crypto';

/** A public host key as SSH sends it. */
export interface HostKey {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` … */
  readonly type: string;
  readonly blob: Buffer;
}

/** Which host keys are believed to belong to one host. */
export interface HostTrust {
  readonly keys: readonly HostKey[];
  /** `SHA256:…`, as ssh-keygen and ssh show it. */
  readonly fingerprints: readonly string[];
  readonly revoked: readonly HostKey[];
  /** Where that stands, for messages. */
  readonly from: string;
}

export type HostKeyVerdict = 'trusted' | 'unknown' | 'changed' | 'revoked';

/** `unknown`: nothing is known about the host. `changed`: other keys are known, and none of them is this one. */
export function judgeHostKey(trust: HostTrust, key: HostKey): HostKeyVerdict {
  if (holds(trust.revoked, key)) return 'revoked';
  if (holds(trust.keys, key) || trust.fingerprints.includes(fingerprintOf(key))) return 'trusted';
  return trust.keys.length + trust.fingerprints.length === 0 ? 'unknown' : 'changed';
}

const keyFamilies = [
  ['ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'],
  ['rsa-sha2-512', 'rsa-sha2-256'],
] as const;

export type HostKeyAlgorithm = (typeof keyFamilies)[number][number];

/**
 * What to offer a host that may have keys of several types, in one list for each connection to try. Types of known
 * keys come first, as OpenSSH does it; a fingerprint does not tell its type, so each type gets a try of its own.
 */
export function hostKeyOffers(trust: HostTrust): readonly (readonly HostKeyAlgorithm[])[] {
  const known = (algorithm: HostKeyAlgorithm) => trust.keys.some(({ type }) => type === keyTypeOf(algorithm));
  const algorithms = keyFamilies.flat();
  const knownFirst = [...algorithms.filter(known), ...algorithms.filter((algorithm) => !known(algorithm))];
  if (trust.fingerprints.length === 0) return [knownFirst];
  const families = keyFamilies.map((family) => knownFirst.filter((algorithm) => isIn(family, algorithm)));
  return families.sort((a, b) => Number(b.some(known)) - Number(a.some(known)));
}

/** `SHA256:` and unpadded base64, as OpenSSH shows it. */
export function fingerprintOf(key: HostKey): string {
  return `SHA256:${createHash('sha256').update(key.blob).digest('base64').replace(/=+$/, '')}`;
}

/** Reads a key from the bytes that SSH sends: the type's name comes first, after its length. */
export function hostKeyOf(blob: Buffer): HostKey {
  const length = blob.length < 4 ? 0 : blob.readUInt32BE(0);
  return { type: blob.toString('latin1', 4, 4 + length), blob };
}

/** Reads `ssh-ed25519 AAAA…`, whatever follows; undefined when that is no key. */
export function parsePublicKey(text: string): HostKey | undefined {
  const [type, base64 = ''] = text.trim().split(/\s+/);
  const key = hostKeyOf(Buffer.from(base64, 'base64'));
  return key.type !== '' && key.type === type ? key : undefined;
}

/** The key as it stands in configurations and known_hosts files. */
export function formatPublicKey({ type, blob }: HostKey): string {
  return `${type} ${blob.toString('base64')}`;
}

function keyTypeOf(algorithm: HostKeyAlgorithm): string {
  return algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm;
}

function holds(keys: readonly HostKey[], { blob }: HostKey): boolean {
  return keys.some((key) => key.blob.equals(blob));
}

function isIn(family: readonly string[], algorithm: string): boolean {
  return family.includes(algorithm);
}
