import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clashIn, type ListedPath, placesOf } from './places.ts';

describe('the place of a listed path', () => {
  const table: readonly {
    readonly title: string;
    readonly paths: readonly (string | ListedPath)[];
    readonly names: readonly string[];
  }[] = [
    { title: 'is its last name', paths: ['/srv/www', '/etc/app.conf'], names: ['www', 'app.conf'] },
    {
      title: 'is the whole path for each of those with one last name',
      paths: ['/srv/a/conf', '/srv/b/conf', '/srv/www'],
      names: ['srv-a-conf', 'srv-b-conf', 'www'],
    },
    { title: 'does not depend on how the path is written', paths: ['/srv//a/../www/'], names: ['www'] },
    { title: 'is root for the root', paths: ['/'], names: ['root'] },
    {
      title: 'is the name it was given',
      paths: [{ path: '/srv/www', as: 'site' }, '/var/www'],
      names: ['site', 'www'],
    },
    {
      title: 'makes way for a name that was given',
      paths: [{ path: '/srv/a', as: 'www' }, '/srv/www'],
      names: ['www', 'srv-www'],
    },
  ];
  for (const { title, paths, names } of table) {
    test(title, () => {
      const places = placesOf(paths.map((path) => (typeof path === 'string' ? { path } : path)));
      assert.deepEqual(
        places.map(({ as }) => as),
        names.map((name) => `data/${name}`),
      );
      assert.equal(clashIn(places), undefined);
    });
  }

  const clashes: readonly (readonly [title: string, paths: readonly ListedPath[]])[] = [
    ['a path that is listed twice', [{ path: '/srv/a' }, { path: '/srv/a/' }]],
    [
      'two paths that are the same when joined',
      [{ path: '/srv/a-b/c' }, { path: '/srv/a/b-c' }, { path: '/x/c' }, { path: '/x/b-c' }],
    ],
    [
      'a name that was given twice',
      [
        { path: '/srv/a', as: 'x' },
        { path: '/srv/b', as: 'x' },
      ],
    ],
    ['the root and /root', [{ path: '/' }, { path: '/root' }]],
  ];
  for (const [title, paths] of clashes) {
    test(`clashes for ${title}`, () => {
      const sources = clashIn(placesOf(paths))?.map(({ source }) => source);
      assert.deepEqual(
        sources,
        [paths[0], paths[1]].map((listed) => listed?.path.replace(/(.)\/$/, '$1')),
      );
    });
  }
});
