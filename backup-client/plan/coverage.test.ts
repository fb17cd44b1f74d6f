import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Asset, Coverage } from '#common/plugin/collector.ts';
import { assetId, uncovered } from './coverage.ts';

const volume = (name: string): Asset => ({ kind: 'volume', name, path: `/var/lib/docker/volumes/${name}/_data` });
const database: Asset = { kind: 'PostgreSQL database', name: 'shop' };
const assets = [volume('web'), volume('web_cache'), database];

const cases: readonly {
  title: string;
  coverage?: Partial<Coverage>;
  ignore?: readonly string[];
  left: readonly string[];
}[] = [
  {
    title: 'without a service nothing is covered',
    left: ['PostgreSQL database/shop', 'volume/web', 'volume/web_cache'],
  },
  {
    title: 'what a task names is covered, and only within its kind',
    coverage: {
      assets: [
        { kind: 'volume', name: 'shop' },
        { kind: 'volume', name: 'web' },
      ],
    },
    left: ['PostgreSQL database/shop', 'volume/web_cache'],
  },
  {
    title: 'what lies below a folder that a task saves is covered',
    coverage: { paths: ['/var/lib/docker/volumes/'] },
    left: ['PostgreSQL database/shop'],
  },
  {
    title: 'a folder whose name only begins alike covers nothing',
    coverage: { paths: ['/var/lib/docker/volumes/web/_dat', '/var/lib/dock'] },
    left: ['PostgreSQL database/shop', 'volume/web', 'volume/web_cache'],
  },
  { title: 'the root covers all files', coverage: { paths: ['/'] }, left: ['PostgreSQL database/shop'] },
  {
    title: 'a pattern of ignore stands for the whole of kind and name',
    ignore: ['volume/*_cache', 'volume/we', 'PostgreSQL database/*'],
    left: ['volume/web'],
  },
  {
    title: 'signs of other pattern languages stand for themselves',
    ignore: ['volume/w.b', 'volume/[w]eb'],
    left: ['PostgreSQL database/shop', 'volume/web', 'volume/web_cache'],
  },
];

describe('uncovered', () => {
  for (const { title, coverage, ignore = [], left } of cases) {
    test(title, () => {
      const found = uncovered(assets, [{ assets: [], paths: [], ...coverage }], ignore);
      assert.deepEqual(found.map(assetId), left);
    });
  }
});
