import assert from 'node:assert/strict';
import { test } from 'node:test';
import { programBeside } from './program-beside.ts';

test('another program is taken from beside the configured one, with the words in front of it', () => {
  const at = (tool: string, program?: string) => {
    const { file, args } = programBeside(tool, program, ['--version']);
    return [file, ...args].join(' ');
  };
  assert.equal(at('pg_dump', 'psql'), 'psql --version');
  assert.equal(at('pg_dump'), 'pg_dump --version');
  assert.equal(at('/opt/pg/bin/pg_dump-16', 'psql'), '/opt/pg/bin/psql --version');
  assert.equal(at('/opt/pg/bin/pg_dump-16'), '/opt/pg/bin/pg_dump-16 --version');
  assert.equal(at('nice -n 10 /opt/pg/bin/pg_dump', 'psql'), 'nice -n 10 /opt/pg/bin/psql --version');
});
