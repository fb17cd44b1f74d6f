import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { execaRunner } from '#common/process/execa-runner.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { manualPage } from './manual-page.ts';
import { optionWords } from './option-words.ts';
import { programs } from './programs.ts';

const run = (file: string, ...args: string[]) => execaRunner().run({ file, args, env: { MANWIDTH: '100' } });
const skip = await run('man', '--version').then(
  () => false as const,
  () => 'man is not installed',
);

describe('the manual pages', () => {
  for (const { spec, files } of programs) {
    test(`${spec.name}(8) has all that --help tells, and man reads it without a warning`, { skip }, async (context) => {
      const file = join(await tempFolder(context), `${spec.name}.8`);
      await writeFile(file, manualPage(spec, files, ['another']));
      const { exitCode, stdout, stderr } = await run('man', '--warnings', '--local-file', file);
      assert.deepEqual([exitCode, stderr], [0, '']);
      const words = stdout.replaceAll(/\s+/g, ' ');
      for (const { summary, name, options = [] } of spec.commands) {
        assert.ok(words.includes(` ${name} `), name);
        assert.ok(words.toLowerCase().includes(summary.toLowerCase().slice(0, 30)), summary);
        for (const [flags] of options) assert.ok(words.includes(`--${optionWords([flags, '']).long}`), flags);
      }
      for (const part of [...files, '--config-dir', 'already running', 'another(8)'])
        assert.ok(words.includes(part), part);
    });
  }
});
