import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseManifest } from './manifest.ts';

test('a manifest of version 1 names its files and databases', () => {
  const manifest = {
    meta: { fileName: 'a.meta', size: 88 },
    limited: false,
    files: [
      { database: 'm', policy: 'autogen', shardID: 1, fileName: 'a.s1.tar.gz', size: 3072, lastModified: 0 },
      { database: 'm', policy: 'autogen', shardID: 2, fileName: 'a.s2.tar.gz', size: 4096, lastModified: 0 },
    ],
  };
  assert.deepEqual(parseManifest(JSON.stringify(manifest)), {
    files: [
      { fileName: 'a.meta', size: 88 },
      { fileName: 'a.s1.tar.gz', size: 3072 },
      { fileName: 'a.s2.tar.gz', size: 4096 },
    ],
    sources: ['m'],
  });
});

test('a manifest of version 2 names its files and buckets; one without points counts, and a file without a name does not', () => {
  const shard = { id: 1, fileName: 'a.1.tar', size: 7, compression: 'none' };
  const manifest = {
    kv: { fileName: 'a.bolt', size: 5 },
    sql: { fileName: '', size: 0 },
    buckets: [
      { bucketName: 'sales', retentionPolicies: [{ shardGroups: [{ shards: [shard] }] }] },
      { bucketName: 'new', retentionPolicies: [] },
    ],
  };
  assert.deepEqual(parseManifest(JSON.stringify(manifest)), {
    files: [
      { fileName: 'a.bolt', size: 5 },
      { fileName: 'a.1.tar', size: 7 },
    ],
    sources: ['sales', 'new'],
  });
});

test('what is no JSON is no manifest', () => {
  for (const text of ['', '{"kv":', 'no']) assert.equal(parseManifest(text), undefined);
});
