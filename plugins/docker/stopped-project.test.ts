import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container } from './containers.ts';
import { currentOf, type Progress, progressOf, type StoppedContainer, stoppedContainer } from './stopped-project.ts';

const container = (more: Partial<Container>): Container => ({
  id: '1',
  name: 'shop-web-1',
  project: 'shop',
  service: 'web',
  state: 'running',
  exitCode: 0,
  health: undefined,
  startedAt: '',
  dependsOn: [],
  image: { id: '', name: '' },
  volumes: [],
  ...more,
});

test('after the start no more is expected than before the stop', () => {
  const table: readonly (readonly [Partial<Container>, StoppedContainer['expectation']])[] = [
    [{}, 'running'],
    [{ health: 'healthy' }, 'healthy'],
    [{ health: 'starting' }, 'healthy'],
    [{ health: 'unhealthy' }, 'running'],
    [{ state: 'restarting' }, 'nothing'],
  ];
  for (const [before, expectation] of table) assert.equal(stoppedContainer(container(before)).expectation, expectation);
});

test('a container is up, waited for, or has failed', () => {
  const failed = (reason: string): Progress => ({ type: 'failed', reason });
  const table: readonly (readonly [StoppedContainer['expectation'], Partial<Container> | undefined, Progress])[] = [
    ['running', {}, { type: 'up' }],
    ['running', { state: 'restarting' }, { type: 'waiting' }],
    ['running', { state: 'exited', exitCode: 3 }, failed('ended with exit code 3')],
    ['running', { health: 'unhealthy' }, { type: 'up' }],
    ['healthy', { health: 'starting' }, { type: 'waiting' }],
    ['healthy', { health: 'healthy' }, { type: 'up' }],
    ['healthy', { health: 'unhealthy' }, failed('is unhealthy')],
    ['nothing', { state: 'exited' }, { type: 'up' }],
    ['nothing', undefined, failed('is gone')],
  ];
  for (const [expectation, now, progress] of table) {
    assert.deepEqual(progressOf({ expectation }, now === undefined ? undefined : container(now)), progress);
  }
});

test('what compose has made anew meanwhile stands for the container that was stopped', () => {
  const stopped = stoppedContainer(container({}));
  const [same, idle, successor, other] = [
    container({}),
    container({ id: '2', state: 'created' }),
    container({ id: '3' }),
    container({ id: '4', service: 'db' }),
  ];
  assert.equal(currentOf(stopped, [idle, successor, same]), same);
  assert.equal(currentOf(stopped, [idle, other, successor]), successor);
  assert.equal(currentOf(stopped, [other, idle]), idle);
  assert.equal(currentOf(stopped, [other]), undefined);
});
