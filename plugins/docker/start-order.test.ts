import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startOrder } from './start-order.ts';

const container = (service: string, dependsOn: readonly string[] | undefined, second = 0, number = 1) => ({
  id: `${service}-${number}`,
  service,
  startedAt: new Date(second * 1000).toISOString(),
  dependsOn,
});
const idsOf = (containers: readonly ReturnType<typeof container>[]) =>
  startOrder(containers).map((group) => group.map(({ id }) => id));

test('each container comes after all that it needs, also when there are several of one service', () => {
  const containers = [
    container('proxy', ['web']),
    container('web', ['db', 'cache'], 0, 1),
    container('web', ['db', 'cache'], 0, 2),
    container('cache', []),
    container('db', []),
  ];
  assert.deepEqual(idsOf(containers), [['cache-1', 'db-1'], ['web-1', 'web-2'], ['proxy-1']]);
});

test('what is needed and does not run is not waited for', () => {
  assert.deepEqual(idsOf([container('web', ['db'])]), [['web-1']]);
  assert.deepEqual(idsOf([]), []);
});

test('a circle does not keep anything from being started', () => {
  assert.deepEqual(idsOf([container('a', ['b']), container('b', ['a']), container('c', [])]), [
    ['c-1'],
    ['a-1', 'b-1'],
  ]);
});

test('where compose does not say what needs what, they go as they were started', () => {
  const containers = [container('web', undefined, 2), container('db', undefined, 1), container('new', [], 3)];
  assert.deepEqual(idsOf(containers), [['db-1'], ['web-1'], ['new-1']]);
});
