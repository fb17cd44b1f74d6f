import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { BackupError } from '../errors.ts';
import { execaRunner } from '../process/execa-runner.ts';
import { tempFolder } from '../testing/temp-folder.ts';
import { openArchiveIndex } from './archive-index.ts';
import { workInPlace } from './archive-work.ts';
import { ArchiveWriter } from './archive-writer.ts';
import { openFileSource } from './file-range-source.ts';
import type { RangeSource } from './range-source.ts';
import { restoreArchive } from './restore-archive.ts';

it('a restore of some paths reads the index and what it needs', async (test) => {
  const folder = await tempFolder(test);
  const contents = new Map(Array.from({ length: 100 }, (_, index) => [`s/file-${index + 100}`, randomBytes(50_000)]));
  const path = join(folder, 'web.tar.gz');
  const [file, spool] = [await open(path, 'w+'), await open(join(folder, 'spool'), 'w+')];
  test.after(() => Promise.all([file.close(), spool.close()]));
  const writer = new ArchiveWriter(file, spool);
  const common = { mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, link: undefined, attributes: [] };
  await writer.add({ ...common, path: 's', type: 'folder', size: 0, storedSize: 0 }, [], {});
  for (const [name, content] of contents) {
    const sizes = { size: content.length, storedSize: content.length };
    await writer.add({ ...common, path: name, type: 'file', ...sizes }, [content], {});
  }
  await writer.finish({ host: 'web', program: 'test', createdAt: '', services: [] }, 0n);

  const source = await openFileSource(path);
  test.after(() => source.close());
  let read = 0;
  const metered: RangeSource = {
    name: source.name,
    size: source.size,
    read: (offset, length) => {
      read += length;
      return source.read(offset, length);
    },
    stream: () => assert.fail('the archive is not to be read as a whole'),
    close: async () => undefined,
  };
  const index = await openArchiveIndex(metered);
  assert.ok(index !== undefined);
  const target = join(folder, 'restored');
  const tools = { tar: 'tar', runner: execaRunner(), work: workInPlace() };
  const restored = await restoreArchive(index, ['s/file-103', 's/file-177'], target, tools);
  assert.deepEqual(restored, { entries: 3, bytes: 100_000, devices: 0 });
  for (const name of ['s/file-103', 's/file-177'])
    assert.deepEqual(await readFile(join(target, name)), contents.get(name));
  assert.ok(read < 200_000, `${read} bytes`);
  await assert.rejects(restoreArchive(index, ['s/none'], join(folder, 'other'), tools), BackupError);
});
