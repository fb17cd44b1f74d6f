import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { runInZfsGuest } from './rig/zfs-guest.ts';

/** `npm test` runs them on what stands for ZFS where its module is not loaded. Here nothing does. */
test('all tests of ZFS pass on OpenZFS itself', async (context) => {
  const names = readdirSync('tests').filter((name) => /^(zfs.*|files-snapshot)\.test\.ts$/.test(name));
  const { exitCode, output } = await runInZfsGuest(names.map((name) => `tests/${name}`));
  context.diagnostic(
    output
      .split('\n')
      .filter((line) => /^# (tests|pass|fail|skipped) /.test(line))
      .join(', '),
  );
  assert.equal(exitCode, 0, output);
  assert.match(output, /on OpenZFS/);
  assert.doesNotMatch(output, /stands for ZFS/);
});
