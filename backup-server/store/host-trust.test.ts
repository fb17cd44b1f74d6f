import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fingerprintOf,
  formatPublicKey,
  type HostKey,
  type HostTrust,
  hostKeyOf,
  hostKeyOffers,
  judgeHostKey,
  parsePublicKey,
} from './host-trust.ts';

/** A key of that type with some bytes that make it differ from others. */
function keyOf(type: string, content = 'a'): HostKey {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(type.length);
  return hostKeyOf(Buffer.concat([length, Buffer.from(type), Buffer.from(content)]));
}

function trustIn(trust: Partial<HostTrust>): HostTrust {
  return { keys: [], fingerprints: [], revoked: [], from: 'a test', ...trust };
}

const ed25519 = keyOf('ssh-ed25519');
const rsa = keyOf('ssh-rsa');

test('the fingerprint is the one that ssh-keygen shows', () => {
  const key = parsePublicKey(
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl github.com',
  );
  assert.ok(key);
  assert.equal(fingerprintOf(key), 'SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
});

test('a public key is read and written in its usual form', () => {
  assert.deepEqual(parsePublicKey(`  ${formatPublicKey(rsa)} root@web `), rsa);
  for (const wrong of [
    '',
    'ssh-ed25519',
    'ssh-ed25519 AAAA',
    'SHA256:abc',
    `ssh-ed25519 ${rsa.blob.toString('base64')}`,
  ]) {
    assert.equal(parsePublicKey(wrong), undefined, wrong);
  }
});

test('a key is judged by what is known of the host', () => {
  const cases = [
    [trustIn({}), ed25519, 'unknown', 'nothing known'],
    [trustIn({ keys: [rsa, ed25519] }), ed25519, 'trusted', 'one of the known keys'],
    [trustIn({ fingerprints: [fingerprintOf(ed25519)] }), ed25519, 'trusted', 'a known fingerprint'],
    [trustIn({ keys: [keyOf('ssh-ed25519', 'b')] }), ed25519, 'changed', 'another key of the same type'],
    [trustIn({ keys: [rsa] }), ed25519, 'changed', 'only keys of other types'],
    [trustIn({ fingerprints: [fingerprintOf(rsa)] }), ed25519, 'changed', 'another fingerprint'],
    [trustIn({ keys: [ed25519], revoked: [ed25519] }), ed25519, 'revoked', 'known, but revoked'],
    [trustIn({ revoked: [rsa] }), ed25519, 'unknown', 'another one is revoked'],
  ] as const;
  for (const [trust, key, expected, what] of cases) assert.equal(judgeHostKey(trust, key), expected, what);
});

test('types of known keys are offered first, in one connection', () => {
  const [offer = [], ...others] = hostKeyOffers(trustIn({ keys: [rsa] }));
  assert.deepEqual(offer.slice(0, 3), ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
  assert.deepEqual(others, []);
  assert.equal(hostKeyOffers(trustIn({}))[0]?.[0], 'ssh-ed25519');
});

test('a pinned fingerprint is looked for among all types of keys', () => {
  const offers = hostKeyOffers(trustIn({ fingerprints: ['SHA256:x'], keys: [rsa] }));
  assert.deepEqual(
    offers.map((offer) => offer[0]),
    ['rsa-sha2-512', 'ssh-ed25519', 'ecdsa-sha2-nistp256'],
  );
});
