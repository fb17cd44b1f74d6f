import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkSchema, type Schema } from './json-schema.ts';
import { formatProblem, Problems } from './problems.ts';
import { parseYaml } from './yaml-source.ts';

function check(schema: Schema, text: string) {
  const problems = new Problems();
  const source = parseYaml('FILE', text, problems);
  assert.ok(source !== undefined);
  return { value: checkSchema(source, schema), messages: problems.list.map(formatProblem) };
}

const schema = {
  type: 'object',
  properties: {
    name: { type: 'string', description: 'What it is called.' },
    keep_days: { type: 'integer', minimum: 1, default: 7 },
    level: { enum: [0, 1, 2, 3] },
    dry: { type: 'boolean' },
    mode: { type: ['string', 'boolean'] },
    paths: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } },
    hosts: {
      type: 'array',
      items: {
        type: 'object',
        properties: { port: { type: 'integer', maximum: 65535 }, 'a/b~c': { type: 'string' } },
        additionalProperties: false,
      },
    },
    either: {
      anyOf: [
        { type: 'string', minLength: 3 },
        { type: 'array', items: { type: 'string' } },
      ],
      expected: 'a long text, or a list of texts',
    },
    lock: {
      type: 'object',
      default: {},
      properties: { retries: { type: 'integer', default: 3 } },
      additionalProperties: false,
    },
  },
  required: ['name'],
  additionalProperties: false,
} as const;

describe('a value that fits the schema', () => {
  it('gets the defaults, also those of maps that are not there', () =>
    assert.deepEqual(check(schema, 'name: web').value, { name: 'web', keep_days: 7, lock: { retries: 3 } }));

  it('keeps what it says itself, false and 0 included', () =>
    assert.deepEqual(check(schema, 'name: ""\nkeep_days: 1\ndry: false\nlevel: 0\nlock: { retries: 0 }').value, {
      name: '',
      keep_days: 1,
      dry: false,
      level: 0,
      lock: { retries: 0 },
    }));

  it('leaves the parsed file as it was', () => {
    const source = parseYaml('FILE', 'name: web', new Problems());
    assert.ok(source !== undefined);
    checkSchema(source, schema);
    assert.deepEqual(source.value, { name: 'web' });
  });
});

describe('a value that does not fit is told in words, where it stands', () => {
  const cases: readonly (readonly [text: string, messages: readonly string[]])[] = [
    ['{}', ['FILE:1:1: the key "name" is missing (What it is called)']],
    ['', ['FILE:1:1: the key "name" is missing (What it is called)']],
    ['[]', ['FILE:1:1: must be a map of keys, not a list']],
    ['name: 5', ['FILE:1:7: name: must be a text, not 5']],
    ['name:', ['FILE:1:6: name: must be a text, not null']],
    ['name: { a: [1, 2] }', ['FILE:1:7: name: must be a text, not a map of keys']],
    ['name: web\nkeep_days: 1.5', ['FILE:2:12: keep_days: must be a whole number, not 1.5']],
    ['name: web\nkeep_days: 0', ['FILE:2:12: keep_days: must be >= 1']],
    ['name: web\nlevel: 4', ['FILE:2:8: level: must be one of 0, 1, 2, 3']],
    ['name: web\ndry: "yes"', ['FILE:2:6: dry: must be true or false, not "yes"']],
    ['name: web\nmode: 1', ['FILE:2:7: mode: must be a text or true or false, not 1']],
    ['name: web\npaths: []', ['FILE:2:8: paths: must not be empty']],
    ['name: web\npaths: [a, ""]', ['FILE:2:12: paths[1]: must not be empty']],
    ['name: web\npaths: a', ['FILE:2:8: paths: must be a list, not "a"']],
    ['name: web\nhosts:\n  - port: 99999', ['FILE:3:11: hosts[0].port: must be <= 65535']],
    ['name: web\nhosts: [{ a/b~c: 1 }]', ['FILE:2:18: hosts[0].a/b~c: must be a text, not 1']],
    ['name: web\nkeepdays: 3', ['FILE:2:1: keepdays: is no known key; did you mean "keep_days"?']],
    ['name: web\nlock: { nonsense: 3 }', ['FILE:2:9: lock.nonsense: is no known key; known are retries']],
    [
      'name: web\n__proto__: 3\nconstructor: 4',
      [
        'FILE:2:1: __proto__: is no known key; known are name, keep_days, level, dry, mode, paths, hosts, either, lock',
        'FILE:3:1: constructor: is no known key; known are name, keep_days, level, dry, mode, paths, hosts, either, lock',
      ],
    ],
    ['name: web\neither: 5', ['FILE:2:9: either: must be a long text, or a list of texts']],
    ['name: web\neither: [a, 5]', ['FILE:2:9: either: must be a long text, or a list of texts']],
    [
      'name: 5\nlevel: 9\nhosts: [{ ports: 1 }]',
      [
        'FILE:1:7: name: must be a text, not 5',
        'FILE:2:8: level: must be one of 0, 1, 2, 3',
        'FILE:3:11: hosts[0].ports: is no known key; did you mean "port"?',
      ],
    ],
    ['name: &loop [*loop]', ['FILE:1:13: name: must be a text, not a list']],
  ];
  for (const [text, messages] of cases) {
    it(JSON.stringify(text), () => {
      const result = check(schema, text);
      assert.equal(result.value, undefined);
      assert.deepEqual([...result.messages].sort(), messages);
    });
  }
});

describe('texts with a meaning of their own', () => {
  const cases: readonly (readonly [format: string, good: readonly string[], bad: readonly string[], words: string])[] =
    [
      ['duration', ['90s', '1d12h'], ['90', '', 'soon'], 'a duration with a unit, such as 90s, 15m, 26h or 30d'],
      ['byte-size', ['500MiB', '10 GB'], ['500', '0MB', ''], 'a size above 0 with a unit, such as 500MiB or 10GB'],
      ['absolute-path', ['/', '/srv/a b'], ['srv', './srv', '~/srv', '', '/a\\0b'], 'an absolute path'],
      [
        'safe-name',
        ['web', 'web-2.example.org', '_x', '7', 'a'.repeat(200)],
        ['', '.', '..', '-rf', 'a/b', 'a b', 'ü', 'a\\n', 'a'.repeat(201)],
        'a name of letters, digits, ".", "_" and "-" that does not begin with "." or "-"',
      ],
      ['time-zone', ['UTC', 'Europe/Berlin'], ['', 'Berlin', 'Europe/Berlim'], 'a time zone such as Europe/Berlin'],
    ];
  for (const [format, good, bad, words] of cases) {
    for (const text of good) {
      it(`"${text}" is a ${format}`, () =>
        assert.deepEqual(check({ type: 'string', format }, `"${text}"`).messages, []));
    }
    for (const text of bad) {
      it(`"${text}" is no ${format}`, () =>
        assert.deepEqual(check({ type: 'string', format }, `"${text}"`).messages, [`FILE:1:1: must be ${words}`]));
    }
  }
});
