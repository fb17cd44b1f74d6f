import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { dateAssets, readSeenAssets, saveSeenAssets } from './seen-assets.ts';

const [monday, tuesday] = [new Date('2026-06-01T00:00:00Z'), new Date('2026-06-02T00:00:00Z')];
const [web, shop] = [
  { kind: 'volume', name: 'web' },
  { kind: 'volume', name: 'shop' },
];

test('the first audit dates all, and calls nothing new', () => {
  assert.deepEqual(dateAssets([web], undefined, monday), [{ ...web, since: monday.toISOString(), isNew: false }]);
});

test('a later audit keeps the dates, and calls new what it has not seen', async (t) => {
  const folder = join(await tempFolder(t), 'state');
  await saveSeenAssets(folder, dateAssets([web], undefined, monday));
  const found = dateAssets([shop, web], await readSeenAssets(folder), tuesday);
  assert.deepEqual(found, [
    { ...shop, since: tuesday.toISOString(), isNew: true },
    { ...web, since: monday.toISOString(), isNew: false },
  ]);
});

test('what was covered in between begins anew', async (t) => {
  const folder = await tempFolder(t);
  await saveSeenAssets(folder, dateAssets([web, shop], undefined, monday));
  await saveSeenAssets(folder, dateAssets([shop], await readSeenAssets(folder), monday));
  const [found] = dateAssets([web], await readSeenAssets(folder), tuesday);
  assert.deepEqual(found, { ...web, since: tuesday.toISOString(), isNew: true });
});

test('a damaged record is as none', async (t) => {
  const folder = await tempFolder(t);
  await writeFile(join(folder, 'uncovered.json'), '{"volume/we');
  assert.equal(await readSeenAssets(folder), undefined);
});
