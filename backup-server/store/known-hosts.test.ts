import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import type { Runner } from '#common/process/runner.ts';
import { formatPublicKey } from './host-trust.ts';
import { trustOf } from './known-hosts.ts';

const first = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL4IqCDEQXBKThZCk7TS6DBllyDoLC9ICWGbhUpdgrEV';
const second = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';

const failure = { exitCode: 255, signal: undefined, timedOut: false, stdout: '', stderr: '', durationMs: 1 };

async function fileOf(t: TestContext, ...lines: string[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'known-hosts-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'known_hosts');
  await writeFile(path, lines.map((line) => `${line}\n`).join(''));
  return path;
}

async function lookUp(knownHostsFile: string, address: string, port = 22) {
  const trust = await trustOf({ address, port, hostKeys: [], knownHostsFile }, execaRunner());
  return { keys: trust.keys.map(formatPublicKey), revoked: trust.revoked.map(formatPublicKey) };
}

test('keys are found by name, port, pattern and whatever the case', async (t) => {
  const file = await fileOf(
    t,
    `web.example,10.0.0.1 ${first}`,
    `[web.example]:2222 ${second} a comment`,
    `*.lan ${first}`,
  );
  assert.deepEqual(await lookUp(file, 'web.example'), { keys: [first], revoked: [] });
  assert.deepEqual(await lookUp(file, 'Web.Example'), { keys: [first], revoked: [] });
  assert.deepEqual(await lookUp(file, 'web.example', 2222), { keys: [second], revoked: [] });
  assert.deepEqual(await lookUp(file, 'db.lan'), { keys: [first], revoked: [] });
  assert.deepEqual(await lookUp(file, 'web'), { keys: [], revoked: [] });
});

test('hashed names are found', async (t) => {
  const file = await fileOf(t, `[web.example]:2222 ${second}`);
  execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
  assert.deepEqual(await lookUp(file, 'web.example', 2222), { keys: [second], revoked: [] });
});

test('revoked keys are kept apart and authorities left out', async (t) => {
  const file = await fileOf(t, `web ${first}`, `@revoked * ${second}`, `@cert-authority * ${second}`);
  assert.deepEqual(await lookUp(file, 'web'), { keys: [first], revoked: [second] });
});

test('a missing file knows nobody', async (t) => {
  assert.deepEqual(await lookUp(`${await fileOf(t)}.missing`, 'web'), { keys: [], revoked: [] });
});

test('a file that ssh-keygen cannot search is an error and not an unknown host', async () => {
  const failing: Runner = {
    run: async () => ({ ...failure, stderr: 'Cannot stat /x: Permission denied\n' }),
    start: () => assert.fail('not needed'),
  };
  const host = { address: 'web', port: 22, hostKeys: [], knownHostsFile: '/x' };
  await assert.rejects(async () => trustOf(host, failing), /ssh-keygen cannot search \/x: .*Permission denied/);
});

test('pins of the configuration are all that counts', async () => {
  const host = { address: 'web', port: 22, hostKeys: [`${first} root@web`, 'SHA256:abc='], knownHostsFile: '/missing' };
  const trust = await trustOf(host, execaRunner());
  assert.deepEqual(trust.keys.map(formatPublicKey), [first]);
  assert.deepEqual(trust.fingerprints, ['SHA256:abc']);
});

test('a pin that is no key is refused', () => {
  const host = { address: 'web', port: 22, hostKeys: ['ssh-ed25519 oops'], knownHostsFile: '/missing' };
  assert.throws(() => trustOf(host, execaRunner()), /neither a public key nor a SHA256 fingerprint/);
});
