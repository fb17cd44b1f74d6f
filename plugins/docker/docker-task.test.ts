import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DockerOptions } from './docker-schema.ts';
import { dockerTaskOf } from './docker-task.ts';

const taskOf = (options: Partial<DockerOptions>) =>
  dockerTaskOf({ start_timeout: '3m', backup_config: true, ...options }, '/etc/backup/docker/shop');

test('the keys of both spellings mean the same', () => {
  const [one, other] = [
    { docker_compose_path: '/srv/shop/compose.yaml', wait_after_restart: 30, pin_images_to_digest: true },
    { compose_file: '/srv/shop/compose.yaml', stop_wait_seconds: '30s', pin_images: true, stop_services: true },
  ].map(taskOf);
  assert.deepEqual(one, other);
  assert.deepEqual(one, {
    files: ['/srv/shop/compose.yaml'],
    folder: '/srv/shop',
    projectName: undefined,
    mode: 'stop',
    stopSeconds: undefined,
    startTimeoutMs: 180_000,
    settleMs: 30_000,
    volumes: [],
    savesConfig: true,
    pinsImages: true,
  });
});

test('a compose file counts from the project, else from service.yaml, and the project from its first file', () => {
  const table: readonly (readonly [Partial<DockerOptions>, folder: string, files: readonly string[]])[] = [
    [{ project_directory: '/srv/shop' }, '/srv/shop', []],
    [{ project_directory: '/srv/shop', compose_file: 'a.yaml' }, '/srv/shop', ['/srv/shop/a.yaml']],
    [{ compose_file: './compose.yaml' }, '/etc/backup/docker/shop', ['/etc/backup/docker/shop/compose.yaml']],
    [{ compose_file: ['/srv/a.yaml', '/etc/b.yaml'] }, '/srv', ['/srv/a.yaml', '/etc/b.yaml']],
  ];
  for (const [options, folder, files] of table) {
    const task = taskOf(options);
    assert.deepEqual([task.folder, task.files], [folder, files]);
  }
});

test('stop_services: false is mode: none, and mode can say it alone', () => {
  const file = { compose_file: '/srv/compose.yaml' };
  const table: readonly (readonly [Partial<DockerOptions>, mode: string])[] = [
    [{}, 'stop'],
    [{ stop_services: true }, 'stop'],
    [{ stop_services: false }, 'none'],
    [{ mode: 'pause' }, 'pause'],
  ];
  for (const [options, mode] of table) assert.equal(taskOf({ ...file, ...options }).mode, mode);
});
