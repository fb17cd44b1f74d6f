import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = ['--import', 'tsx', fileURLToPath(new URL('./testing/tiny-program.ts', import.meta.url)), '--verbose'];

test('for journald every line is JSON with level, time, program and bindings, and no password', () => {
  const { stderr } = spawnSync(process.execPath, program, { encoding: 'utf8' });
  const lines = stderr.trim().split('\n');
  const records = lines.map((line) => JSON.parse(line));
  for (const { time } of records) assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(
    records.map(({ time: _, ...record }) => record),
    [
      { level: 'debug', program: 'tiny', message: 'a debug line' },
      { level: 'info', program: 'tiny', url: 'https://u:***@host', message: 'an info line' },
      { level: 'warn', program: 'tiny', host: 'web', stage: 'fetch', message: 'a warning' },
      { level: 'error', program: 'tiny', message: 'an error line' },
    ],
  );
});

test('on a terminal they are short lines for people, with the same bindings and no password', () => {
  const command = [process.execPath, ...program].map((word) => `'${word}'`).join(' ');
  const { stdout } = spawnSync('script', ['-qec', `${command} >/dev/null`, '/dev/null'], { encoding: 'utf8' });
  assert.deepEqual(stdout.replace(/^\d\d:\d\d:\d\d /gm, 'hh:mm:ss ').split('\r\n'), [
    'hh:mm:ss  debug a debug line',
    'hh:mm:ss  an info line  url=https://u:***@host',
    'hh:mm:ss  WARN  a warning  host=web  stage=fetch',
    'hh:mm:ss  ERROR an error line',
    '',
  ]);
});
