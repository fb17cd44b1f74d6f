import assert from 'node:assert/strict';
import { linkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { type EntryStat, entryStat } from '#common/archive/entry-stat.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { HardLinks } from './hard-links.ts';

it('the first name of a file is known until all its names have passed', async (test) => {
  const folder = await tempFolder(test);
  const [first, second, alone] = ['first', 'second', 'alone'].map((name) => join(folder, name));
  writeFileSync(first ?? '', '');
  writeFileSync(alone ?? '', '');
  linkSync(first ?? '', second ?? '');
  const statOf = (path = ''): EntryStat => entryStat(path) ?? assert.fail(path);
  const links = new HardLinks<string>();
  assert.equal(links.firstOf(statOf(first)), undefined);
  links.add(statOf(first), 'first');
  assert.equal(links.firstOf(statOf(second)), 'first');
  links.add(statOf(second), 'second');
  assert.equal(links.firstOf(statOf(first)), undefined);
  links.add(statOf(alone), 'alone');
  assert.equal(links.firstOf(statOf(alone)), undefined);
});
