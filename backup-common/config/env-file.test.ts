import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { execaRunner } from '../process/execa-runner.ts';
import { tempFolder } from '../testing/temp-folder.ts';
import { parseEnvFile } from './env-file.ts';
import { formatProblem, Problems } from './problems.ts';

function parse(text: string) {
  const problems = new Problems();
  const values = parseEnvFile('FILE', text, problems);
  return {
    values: Object.fromEntries([...values].map(([key, { value }]) => [key, value])),
    problems: problems.list.map(formatProblem),
  };
}

describe('an assignment', () => {
  const cases: readonly (readonly [line: string, value: string])[] = [
    ['KEY=tar', 'tar'],
    ['KEY=', ''],
    ['KEY= # nothing', ''],
    ['  export KEY=tar', 'tar'],
    ['KEY="docker compose"', 'docker compose'],
    ["KEY='it costs $5 `each` \\'", 'it costs $5 `each` \\'],
    ['KEY="a \\"quoted\\" \\$word \\\\"', 'a "quoted" $word \\'],
    ['KEY="a # in quotes" # and a comment', 'a # in quotes'],
    ['KEY=tar # comment', 'tar'],
    ['KEY=half#way', 'half#way'],
    ['KEY=#all', '#all'],
    ['KEY=a=b==', 'a=b=='],
    ['KEY=backup+admin@example.org', 'backup+admin@example.org'],
    ['KEY=tar\r\n', 'tar'],
    ['KEY=tar \t', 'tar'],
  ];
  for (const [line, value] of cases) {
    it(`${JSON.stringify(line)} is ${JSON.stringify(value)}`, () =>
      assert.deepEqual(parse(line), { values: { KEY: value }, problems: [] }));
  }

  it('is the last one where a key is there twice, as in a shell', () =>
    assert.deepEqual(parse('KEY=a\nKEY=b').values, { KEY: 'b' }));

  it('knows where its value stands', () => {
    const values = parseEnvFile('FILE', '\n  export KEY=tar', new Problems());
    assert.deepEqual(values.get('KEY'), { value: 'tar', line: 2, column: 14 });
  });
});

describe('what a shell would have to work out is refused, in place', () => {
  const values = [
    '$(which tar)',
    '`which tar`',
    '$HOME/tar',
    '"$HOME/tar"',
    '~/tar',
    '/bin:~/bin',
    'docker compose',
    ' tar',
    'a\\ b',
    '"a\\nb"',
    '"never closed',
    "'never closed",
    "'glued'word",
    "'glued'#word",
    '"one""two"',
    'tar; reboot',
    'tar && reboot',
    'tar > file',
    '(a b)',
  ];
  for (const value of values) {
    it(value, () =>
      assert.deepEqual(parse(`# comment\n\nKEY=${value}`), {
        values: {},
        problems: ['FILE:3:5: the value of KEY would need a shell to understand; write it plainly'],
      }),
    );
  }

  for (const line of ['KEY', 'KEY = tar', '1KEY=tar', 'KEY+=tar', 'if true; then', 'readonly KEY=tar', '. other']) {
    it(line, () => assert.deepEqual(parse(line), { values: {}, problems: ['FILE:1:1: is no KEY=value'] }));
  }
});

it('whatever is accepted is what bash makes of the same line', async (test) => {
  const piece = fc.constantFrom(
    ...'ab  \t\'\'""\\$`~#;&|<>(){}[]*?!=:%^,@',
    'ü',
    '\u00a0',
    '"a b"',
    "'a b'",
    ' #',
    ':~',
  );
  const lines = fc
    .sample(fc.array(piece, { maxLength: 8 }), 3000)
    .map((pieces) => `KEY=${pieces.join('')}`)
    .filter((line) => parse(line).problems.length === 0);
  assert.ok(lines.length > 200, `only ${lines.length} of the lines were accepted`);
  const folder = await tempFolder(test);
  const script = lines.map((line) => `${line}\nprintf '%s\\0' "$KEY"\n`).join('');
  await writeFile(join(folder, 'script'), script);
  const { stdout, stderr } = await execaRunner().run({ file: 'bash', args: ['script'], cwd: folder });
  assert.equal(stderr, '');
  const meant = stdout.split('\0').slice(0, -1);
  assert.deepEqual(
    lines.map((line) => [line, parse(line).values.KEY]),
    lines.map((line, index) => [line, meant[index]]),
  );
});
