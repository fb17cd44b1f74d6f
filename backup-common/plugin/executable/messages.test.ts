import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { schemaProblem } from '../../config/json-schema.ts';
import { readMessages } from './messages.ts';
import { descriptionSchema, messageSchemas } from './protocol.ts';

test('the schemas of what a plugin prints are valid themselves', () => {
  for (const [name, schema] of Object.entries({ describe: descriptionSchema, ...messageSchemas }))
    assert.equal(schemaProblem(schema), undefined, name);
});

describe('messages of a plugin', () => {
  test('are read line by line, by their type, with what is left out filled in', () => {
    const output = [
      '{"type": "file", "path": "a", "as": "x/a"}',
      '',
      '{"type": "warning", "message": "careful"}',
      '{"type": "tree", "path": "/srv", "as": "srv", "exclude": ["cache"]}',
      '{"type": "file", "path": "b", "as": "b", "allow_empty": true}',
    ].join('\n');
    assert.deepEqual(readMessages(output, 'collect'), {
      file: [
        { type: 'file', path: 'a', as: 'x/a', allow_empty: false },
        { type: 'file', path: 'b', as: 'b', allow_empty: true },
      ],
      tree: [{ type: 'tree', path: '/srv', as: 'srv', exclude: ['cache'] }],
      warning: [{ type: 'warning', message: 'careful' }],
      error: [],
      skip: [],
      state: [],
      problem: undefined,
    });
  });

  test('may have any state, also none', () => {
    const output = '{"type": "state", "state": null, "describes": "it"}';
    assert.deepEqual(readMessages(output, 'plan').state, [{ type: 'state', state: null, describes: 'it' }]);
  });

  test('that are sound are read also beside one that is not', () => {
    const { error, problem } = readMessages('oops\n{"type": "error", "message": "no"}', 'check');
    assert.deepEqual([error.length, problem], [1, 'printed what is no message: "oops"']);
  });

  const problems: readonly (readonly [line: string, problem: string])[] = [
    ['[]', 'printed what is no message: "[]"'],
    ['null', 'printed what is no message: "null"'],
    ['{"type": 3}', 'printed what is no message: "{\\"type\\": 3}"'],
    ['x'.repeat(100), `printed what is no message: "${'x'.repeat(80)}…"`],
    ['{"type": "fiel"}', 'printed a message of the type "fiel"; allowed are warning, error, skip, file, tree'],
    ['{"type": "file", "path": "a"}', 'printed a message of the type "file" that is none: the key "as" is missing'],
    [
      '{"type": "tree", "path": "srv", "as": "a"}',
      'printed a message of the type "tree" that is none: path: must be an absolute path',
    ],
    [
      '{"type": "warning", "message": ""}',
      'printed a message of the type "warning" that is none: message: must not be empty',
    ],
  ];
  for (const [line, problem] of problems) {
    test(`must not be ${line.slice(0, 50)}`, () => assert.equal(readMessages(line, 'collect').problem, problem));
  }

  test('that come in tens of thousands are read at once', () => {
    const output = '{"type": "warning", "message": "x"}\n'.repeat(25_000);
    assert.equal(readMessages(output, 'check').warning.length, 25_000);
  });
});
