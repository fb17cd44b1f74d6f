import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { collectorProblem } from './collector-problem.ts';

const nothing = async () => undefined;
const good = { name: 'mine', taskKeys: ['mine', 'other'], phase: 'live', schema: {}, collect: nothing };
const stop = { plan: nothing, describe: String, begin: nothing, end: nothing };
const taken = new Map([['files', 'the built-in collector files']]);

const cases: readonly (readonly [title: string, value: unknown, problem: string | undefined])[] = [
  ['all that is needed', good, undefined],
  [
    'all that there can be',
    { ...good, check: nothing, skip: nothing, stop, snapshot: { ...stop, isComplete: () => true } },
    undefined,
  ],
  ['nothing', undefined, 'exports no collector, neither as default nor as "collector"'],
  ['a list', [good], 'exports no collector, neither as default nor as "collector"'],
  [
    'no name',
    { ...good, name: undefined },
    'its name must be of small letters, digits and "_", a letter first, not undefined',
  ],
  [
    'a name for a path',
    { ...good, name: '../x' },
    'its name must be of small letters, digits and "_", a letter first, not "../x"',
  ],
  ['no keys', { ...good, taskKeys: [] }, 'it names no key of service.yaml that it answers to'],
  [
    'a key that is no word',
    { ...good, taskKeys: ['My-Key'] },
    'a key must be of small letters, digits and "_", a letter first, not "My-Key"',
  ],
  ['a key twice', { ...good, taskKeys: ['a', 'a'] }, 'its key "a" is there twice'],
  [
    'a key of another',
    { ...good, taskKeys: ['mine', 'files'] },
    'its key "files" is that of the built-in collector files',
  ],
  ['another phase', { ...good, phase: 'later' }, 'its phase must be "live" or "quiesced"'],
  ['no schema', { ...good, schema: 'none' }, 'its schema must be a JSON Schema, a map of keys'],
  [
    'a schema with a word that is none',
    { ...good, schema: { type: 'object', propertys: {} } },
    'its schema is no JSON Schema that can be used: strict mode: unknown keyword: "propertys"',
  ],
  ['no collect', { ...good, collect: undefined }, 'it has no function collect'],
  ['a check that is no function', { ...good, check: true }, 'its check is no function'],
  ['a stop that cannot start again', { ...good, stop: { ...stop, end: undefined } }, 'its stop has no function end'],
  ['a snapshot that is none', { ...good, snapshot: stop }, 'its snapshot has no function isComplete'],
  ['a stop that is no map', { ...good, stop: nothing }, 'its stop has no function plan'],
];

describe('a collector from elsewhere', () => {
  for (const [title, value, problem] of cases) {
    test(`${problem === undefined ? 'may' : 'must not'} have ${title}`, () => {
      assert.equal(collectorProblem(value, taken), problem);
    });
  }
});
