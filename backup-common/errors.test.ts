import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BackupError, hasCode, hintOf, kindOf, messagesOf } from './errors.ts';

const inner = new BackupError('inner', { hint: 'inner hint', kind: 'inner-kind' });
const chain = new BackupError('outer', { cause: new Error('middle', { cause: inner }) });

test('a BackupError ends the program with 1 unless it says otherwise', () => {
  assert.equal(new BackupError('x').exitCode, 1);
  assert.equal(new BackupError('x', { exitCode: 75 }).exitCode, 75);
});

test('a BackupError without a cause has no cause property, so that nobody prints "undefined"', () => {
  assert.equal('cause' in new BackupError('x'), false);
});

test('messages come outermost first, also from what is no error', () => {
  assert.deepEqual(messagesOf(chain), ['outer', 'middle', 'inner']);
  assert.deepEqual(messagesOf(new Error('a', { cause: 'a text' })), ['a', 'a text']);
  assert.deepEqual(messagesOf(undefined), []);
});

test('an error for several addresses says what each of them failed with', () => {
  const refused = new AggregateError([new Error('connect ::1 refused'), new Error('connect 127.0.0.1 refused')]);
  assert.deepEqual(messagesOf(new BackupError('no connection', { cause: refused })), [
    'no connection',
    'connect ::1 refused; connect 127.0.0.1 refused',
  ]);
});

test('an error without a message is called by its name', () => {
  assert.deepEqual(messagesOf(new TypeError()), ['TypeError']);
});

test('hint and kind are the outermost there are', () => {
  assert.equal(hintOf(chain), 'inner hint');
  assert.equal(kindOf(chain), 'inner-kind');
  assert.equal(hintOf(new BackupError('x', { hint: 'mine', cause: inner })), 'mine');
  assert.equal(kindOf(new BackupError('x', { kind: 'mine', cause: inner })), 'mine');
  assert.equal(hintOf(new Error('x')), undefined);
  assert.equal(kindOf('a text'), undefined);
});

test('causes that go in a circle come to an end', { timeout: 5000 }, () => {
  const first = new Error('first');
  first.cause = new Error('second', { cause: first });
  assert.equal(messagesOf(first).length, 10);
  assert.equal(hintOf(first), undefined);
  assert.equal(kindOf(first), undefined);
});

test('system errors are known by their code', () => {
  assert.equal(hasCode(Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT'), true);
  assert.equal(hasCode(Object.assign(new Error('x'), { code: 'EACCES' }), 'ENOENT'), false);
  assert.equal(hasCode({ code: 'ENOENT' }, 'ENOENT'), false);
});
