import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Container } from './containers.ts';
import { parseVolumes, type Volume, volumeSources } from './volumes.ts';

const volume = (name: string, more: Partial<Volume> = {}): Volume => ({
  name,
  key: undefined,
  project: undefined,
  driver: 'local',
  mountpoint: `/volumes/${name}/_data`,
  options: {},
  ...more,
});
const own = (key: string) => volume(`shop_${key}`, { key, project: 'shop' });
const nameless = volume('0123456789abcdef'.repeat(4));
const container = {
  project: 'shop',
  service: 'db',
  volumes: [
    { name: 'shop_data', destination: '/data' },
    { name: 'shared', destination: '/shared' },
    { name: nameless.name, destination: '/var/lib/db' },
  ],
} as unknown as Container;
const known = [
  own('data'),
  own('unused'),
  volume('shared'),
  nameless,
  volume('other_data', { key: 'data', project: 'other' }),
];
const sourcesOf = (volumes: 'all' | readonly string[], mode: 'stop' | 'pause' | 'none' = 'stop', there = known) =>
  volumeSources({ volumes, mode }, [container], there);

describe('the volumes of a project', () => {
  test('all are those that its containers use and those that compose made for it', () => {
    assert.deepEqual(
      sourcesOf('all').map(({ as }) => as),
      ['volumes/data', 'volumes/unused', 'volumes/shared', 'volumes/db+var+lib+db'],
    );
  });

  test("a name is that of the compose file, else docker's own", () => {
    assert.deepEqual(sourcesOf(['data', 'shared', 'other_data']), [
      { name: 'shop_data', source: '/volumes/shop_data/_data', as: 'volumes/data' },
      { name: 'shared', source: '/volumes/shared/_data', as: 'volumes/shared' },
      { name: 'other_data', source: '/volumes/other_data/_data', as: 'volumes/other_data' },
    ]);
  });

  test('a volume that stands for a folder is read there', () => {
    const bound = volume('bound', { options: { type: 'none', o: 'bind', device: '/srv/data' } });
    assert.deepEqual(
      sourcesOf(['bound'], 'stop', [bound]).map(({ source }) => source),
      ['/srv/data'],
    );
  });

  test('a volume that is mounted only for its containers is read only while they have it', () => {
    const nfs = volume('nfs', { options: { type: 'nfs', o: 'addr=10.0.0.1', device: ':/export' } });
    assert.equal(sourcesOf(['nfs'], 'pause', [nfs]).length, 1);
    assert.throws(() => sourcesOf(['nfs'], 'stop', [nfs]), {
      message: 'docker: the volume nfs is mounted (nfs) only while a container uses it',
      hint: 'Save it where its files lie, or set mode: pause.',
    });
  });

  const refused: readonly (readonly [title: string, volumes: readonly string[], message: string, hint: RegExp])[] = [
    ['is not there', ['cache'], 'docker: there is no volume cache in the project shop', /docker volume ls/],
    [
      'is listed by both its names',
      ['data', 'shop_data'],
      'docker: two volumes would be volumes/data in the archive',
      /once/,
    ],
    [
      'is not on this machine',
      ['far'],
      'docker: the volume far is of the driver cloud, and its files are not seen here',
      /command task/,
    ],
  ];
  for (const [title, volumes, message, hint] of refused) {
    test(`one that ${title} is refused`, () => {
      const there = [...known, volume('far', { driver: 'cloud', mountpoint: '' })];
      assert.throws(() => sourcesOf(volumes, 'stop', there), { name: 'BackupError', message, hint });
    });
  }
});

test('the answer of docker is read with and without labels and options', () => {
  const json = JSON.stringify([
    { Name: 'a', Driver: 'local', Mountpoint: '/m', Labels: null, Options: null },
    {
      Name: 'shop_b',
      Driver: 'local',
      Mountpoint: '/n',
      Labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.volume': 'b' },
      Options: { type: 'tmpfs' },
    },
  ]);
  assert.deepEqual(parseVolumes(json), [
    volume('a', { mountpoint: '/m' }),
    volume('shop_b', { mountpoint: '/n', key: 'b', project: 'shop', options: { type: 'tmpfs' } }),
  ]);
});
