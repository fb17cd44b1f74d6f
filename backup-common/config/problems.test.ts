import assert from 'node:assert/strict';
import { it } from 'node:test';
import { BackupError } from '../errors.ts';
import { formatProblem, type Problem, Problems } from './problems.ts';

const cases: readonly (readonly [problem: Problem, line: string])[] = [
  [{ file: '/a', message: 'does not exist' }, '/a: does not exist'],
  [{ file: '/a', line: 3, column: 7, message: 'is wrong' }, '/a:3:7: is wrong'],
  [{ file: '/a', line: 3, message: 'is wrong' }, '/a:3:1: is wrong'],
  [{ file: '/a', line: 3, column: 7, path: 'hosts[0].port', message: 'is wrong' }, '/a:3:7: hosts[0].port: is wrong'],
  [{ file: '/a', line: 1, column: 1, path: '', message: 'is wrong' }, '/a:1:1: is wrong'],
];
for (const [problem, line] of cases) {
  it(`is shown as "${line}"`, () => assert.equal(formatProblem(problem), line));
}

it('nothing is thrown without a problem', () => new Problems().throwIfAny());

it('all problems are thrown as one error that ends the program with 2', () => {
  const problems = new Problems();
  problems.add({ file: '/a', message: 'is wrong' });
  problems.add({ file: '/b', line: 2, column: 1, message: 'is wrong too' });
  assert.throws(
    () => problems.throwIfAny(),
    (error) =>
      error instanceof BackupError &&
      error.exitCode === 2 &&
      error.kind === 'configuration' &&
      error.message === 'the configuration has 2 problems, nothing was done:\n/a: is wrong\n/b:2:1: is wrong too',
  );
});
