import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatProblem, Problems } from './problems.ts';
import { type KeyPath, parseYaml } from './yaml-source.ts';

function parse(text: string) {
  const problems = new Problems();
  const source = parseYaml('FILE', text, problems);
  return { source, messages: () => problems.list.map(formatProblem) };
}

describe('what stands in a YAML file', () => {
  const cases: readonly (readonly [what: string, text: string, value: unknown])[] = [
    ['a map', 'a: 1\nb: [x, true]\n', { a: 1, b: ['x', true] }],
    ['JSON', '{"a": {"b": null}}', { a: { b: null } }],
    ['"no" is a text and 010 is ten, as in YAML 1.2', 'a: no\nb: 010\n', { a: 'no', b: 10 }],
    ['a value used twice', 'a: &x [1]\nb: *x\n', { a: [1], b: [1] }],
    ['nothing', '', null],
    ['comments', '# nothing\n', null],
    ['lines that end as on Windows', 'a: 1\r\nb: 2\r\n', { a: 1, b: 2 }],
    ['a byte order mark', '\ufeffa: 1', { a: 1 }],
  ];
  for (const [what, text, value] of cases) {
    it(what, () => assert.deepEqual(parse(text).source?.value, value));
  }
});

describe('what is no YAML is refused, with its place', () => {
  const cases: readonly (readonly [what: string, text: string, place: string, message: RegExp])[] = [
    ['a key twice', 'a: 1\na: 2\n', '2:1', /is no valid YAML: Map keys must be unique/],
    ['a tab', 'a:\n\t- b\n', '2:1', /is no valid YAML: Tabs are not allowed/],
    ['an open bracket', 'a: [1\nb: 2\n', '2:1', /is no valid YAML: /],
    ['an open quote', 'a: "b\n', '2:1', /is no valid YAML: Missing closing "quote/],
    ['a second document', 'a: 1\n---\nb: 2\n', '2:1', /begins a second document; a file is one/],
    ['an alias of nothing', 'a: 1\nb: *x\n', '2:4', /is no valid YAML: Unresolved alias/],
    ['aliases without end', `a: &a [1]\nb: [${Array(200).fill('*a')}]`, '1:1', /is no valid YAML: Excessive alias/],
  ];
  for (const [what, text, place, message] of cases) {
    it(what, () => {
      const { source, messages } = parse(text);
      assert.equal(source, undefined);
      const [first = ''] = messages();
      assert.match(first, message);
      assert.ok(first.startsWith(`FILE:${place}: `), first);
    });
  }

  it('all errors at once', () => assert.equal(parse('a: 1\na: 2\nb: 1\nb: 2\n').messages().length, 2));
});

describe('a problem stands', () => {
  const text = 'hosts:\n  - name: web\n    ports: [22, many]\n  - name: db\n';
  const cases: readonly (readonly [what: string, path: KeyPath, atValue: string, atKey: string])[] = [
    ['at a value or its key', ['hosts', 0, 'name'], '2:11: hosts[0].name', '2:5: hosts[0].name'],
    ['in a list', ['hosts', 0, 'ports', 1], '3:17: hosts[0].ports[1]', '3:12: hosts[0].ports[1]'],
    ['at the nearest above what is missing', ['hosts', 1, 'user'], '4:5: hosts[1].user', '4:5: hosts[1].user'],
    ['at the beginning for what is missing at the top', ['mail', 'smtp'], '1:1: mail.smtp', '1:1: mail.smtp'],
    ['at the beginning for the whole', [], '1:1', '1:1'],
  ];
  for (const [what, path, atValue, atKey] of cases) {
    it(what, () => {
      const { source, messages } = parse(text);
      source?.problemAt(path, 'is wrong');
      source?.problemAtKey(path, 'is wrong');
      assert.deepEqual(messages(), [`FILE:${atValue}: is wrong`, `FILE:${atKey}: is wrong`]);
    });
  }

  it('at the beginning of an empty file', () => {
    const { source, messages } = parse('');
    source?.problemAt(['a'], 'is missing');
    assert.deepEqual(messages(), ['FILE:1:1: a: is missing']);
  });
});
