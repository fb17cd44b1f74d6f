import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { lockName, lockOwnerName } from '#common/directory-lock.ts';
import { BackupError } from '#common/errors.ts';
import type { ArchiveStore } from './archive-store.ts';

/** Opens a store over that folder for archives of the host `web`, and closes nothing itself. */
type OpenTestStore = (folder: string) => Promise<ArchiveStore>;

type StoreTest = (store: ArchiveStore, folder: string) => Promise<void>;

/** What every store must do, whatever lies between it and the folder. */
export function archiveStoreContract(name: string, openStore: OpenTestStore): void {
  const it = (title: string, check: StoreTest) => test(title, () => withStore(openStore, check));

  describe(`${name}: looking at the lock`, () => {
    it('a folder without a lock is free', async (store) => {
      assert.deepEqual(await store.lookAtLock(), { held: false });
    });

    it('a lock is seen with its time and its owner', async (store, folder) => {
      await mkdir(join(folder, lockName));
      await utimes(join(folder, lockName), 1_700_000_000, 1_700_000_000);
      assert.deepEqual(await store.lookAtLock(), { held: true, mtimeMs: 1_700_000_000_000, owner: undefined });

      await writeFile(join(folder, lockOwnerName), '{"pid":5}\u001b[31m\u0007\n');
      const look = await store.lookAtLock();
      assert.equal(look.held && look.owner, '{"pid":5} [31m');
    });

    it('an owner is never read through a link, and only 1 KiB of it', async (store, folder) => {
      await mkdir(join(folder, lockName));
      await symlink('/etc/hostname', join(folder, lockOwnerName));
      const linked = await store.lookAtLock();
      assert.equal(linked.held && linked.owner, undefined);

      await rm(join(folder, lockOwnerName));
      await writeFile(join(folder, lockOwnerName), 'x'.repeat(5000));
      const long = await store.lookAtLock();
      assert.equal(long.held && long.owner, 'x'.repeat(1024));
    });

    it('whatever has the name of the lock holds the folder', async (store, folder) => {
      await symlink('/nowhere', join(folder, lockName));
      assert.equal((await store.lookAtLock()).held, true);
    });

    it('a folder that is missing is an error and not free', async (store, folder) => {
      await rm(folder, { recursive: true });
      await assert.rejects(store.lookAtLock(), expected(/cannot look into .*no such file or folder/));
      await assert.rejects(store.list(), expected(/cannot list .*no such file or folder/));
    });
  });

  describe(`${name}: listing`, () => {
    it('regular files are listed with size and time, and nothing else', async (store, folder) => {
      const names = [`a name with blanks, "quotes", 'more' and $HOME`, '-rf', 'Größe.tar.gz', '.hidden'];
      for (const fileName of names) await writeFile(join(folder, fileName), 'four');
      for (const fileName of names) await utimes(join(folder, fileName), 1_700_000_000, 1_700_000_000);
      await mkdir(join(folder, 'done'));
      await symlink('-rf', join(folder, 'a link'));
      execFileSync('mkfifo', [join(folder, 'a pipe')]);
      const files = [...(await store.list())].sort((a, b) => (a.fileName < b.fileName ? -1 : 1));
      const wanted = [...names].sort().map((fileName) => ({ fileName, size: 4, mtimeMs: 1_700_000_000_000 }));
      assert.deepEqual(files, wanted);
    });

    it('an empty folder has no files', async (store) => {
      assert.deepEqual(await store.list(), []);
    });

    it('hundreds of files are all listed', async (store, folder) => {
      const names = Array.from({ length: 300 }, (_, number) => `file ${number}`);
      for (const fileName of names) await writeFile(join(folder, fileName), '');
      assert.deepEqual(new Set((await store.list()).map((file) => file.fileName)), new Set(names));
    });
  });

  describe(`${name}: reading`, () => {
    it('a file of 50 MiB is streamed and read in ranges byte for byte', async (store, folder) => {
      const content = randomBytes(50 * 1024 * 1024 + 123);
      await writeFile(join(folder, 'large "one"'), content);
      const source = await store.open('large "one"');
      assert.equal(source.size, content.length);
      assert.equal(await sha256Of(source.stream()), hash(content));
      assert.equal(await sha256Of(source.stream(7, 3_000_000)), hash(content.subarray(7, 3_000_000)));
      for (const [offset, length] of [
        [0, 1],
        [32_767, 2],
        [content.length - 5, 5],
        [1_000_001, 2_500_000],
        [content.length, 0],
      ] as const) {
        assert.equal(hash(await source.read(offset, length)), hash(content.subarray(offset, offset + length)));
      }
      await source.close();
    });

    it('many ranges may be asked for at once', async (store, folder) => {
      const content = randomBytes(1024 * 1024);
      await writeFile(join(folder, 'file'), content);
      const source = await store.open('file');
      const offsets = Array.from({ length: 100 }, (_, number) => number * 10_000);
      const ranges = await Promise.all(offsets.map((offset) => source.read(offset, 20_000)));
      for (const [index, offset] of offsets.entries()) {
        assert.ok(ranges[index]?.equals(content.subarray(offset, offset + 20_000)), `range at ${offset}`);
      }
      await source.close();
    });

    it('an empty file gives no bytes', async (store, folder) => {
      await writeFile(join(folder, 'file'), '');
      const source = await store.open('file');
      assert.equal(await sha256Of(source.stream()), hash(Buffer.alloc(0)));
      await source.close();
    });

    it('a stream may be left half way', async (store, folder) => {
      await writeFile(join(folder, 'file'), randomBytes(5 * 1024 * 1024));
      const source = await store.open('file');
      for await (const part of source.stream()) {
        assert.ok(part.length > 0);
        break;
      }
      await source.close();
      assert.equal((await store.list()).length, 1);
    });

    it('a file that grows, is touched or is cut while it is open is an error', async (store, folder) => {
      const path = join(folder, 'file');
      await writeFile(path, randomBytes(100_000));
      const source = await store.open('file');
      await appendFile(path, 'more');
      await assert.rejects(sha256Of(source.stream()), expected(/file has changed while it was read/));
      await truncate(path, 100_000);
      await utimes(path, 1, 1);
      await assert.rejects(source.verifyUnchanged(), expected(/file has changed while it was read/));
      await truncate(path, 50_000);
      await assert.rejects(sha256Of(source.stream()), expected(/file ends at byte 50000/));
      await assert.rejects(source.read(49_000, 2000), expected(/file ends at byte 50000/));
      await source.close();
    });

    it('a file that is replaced while it is open is still the one that was opened', async (store, folder) => {
      const path = join(folder, 'file');
      await writeFile(path, 'the first one');
      const source = await store.open('file');
      await rm(path);
      await writeFile(path, 'another');
      assert.equal((await source.read(0, source.size)).toString(), 'the first one');
      await source.close();
    });

    it('links, folders, pipes and names that lead elsewhere are refused', async (store, folder) => {
      await writeFile(join(folder, 'file'), 'content');
      await symlink('file', join(folder, 'a link'));
      await mkdir(join(folder, 'a folder'));
      execFileSync('mkfifo', [join(folder, 'a pipe')]);
      for (const other of ['a link', 'a folder', 'a pipe']) {
        await assert.rejects(store.open(other), expected(/is not a regular file/), other);
        await assert.rejects(store.move(other), expected(/is not a regular file/), other);
        await assert.rejects(store.remove(other), expected(/is not a regular file/), other);
      }
      for (const name of ['../file', 'a folder/x', '..', '.', '', '/etc/hostname', 'a\0b']) {
        await assert.rejects(store.open(name), expected(/is not the name of a file/), name);
      }
      await assert.rejects(store.open('missing'), BackupError);
    });
  });

  describe(`${name}: after the fetch`, () => {
    const archive = (day: number, host = 'web') => `${host}-202401${String(day).padStart(2, '0')}_000000.tar.gz`;

    it('an archive is removed', async (store, folder) => {
      await writeFile(join(folder, archive(1)), 'content');
      await store.remove(archive(1));
      assert.deepEqual(await readdir(folder), []);
      await assert.rejects(store.remove(archive(1)), expected(/no such file or folder/));
    });

    it('an archive is moved into done, which is made, and older ones of the same host go', async (store, folder) => {
      const others = [archive(1, 'web-2'), 'web-notes.txt'];
      for (const fileName of [archive(1), archive(2), ...others]) await writeFile(join(folder, fileName), fileName);
      await store.move(archive(1));
      assert.deepEqual(await readdir(join(folder, 'done')), [archive(1)]);

      for (const other of others) await link(join(folder, other), join(folder, 'done', other));
      await store.move(archive(2));
      assert.deepEqual((await readdir(join(folder, 'done'))).sort(), [
        archive(1, 'web-2'),
        archive(2),
        'web-notes.txt',
      ]);
      assert.equal(await readFile(join(folder, 'done', archive(2)), 'utf8'), archive(2));
      assert.deepEqual((await readdir(folder)).sort(), ['done', archive(1, 'web-2'), 'web-notes.txt']);
    });

    it('an archive of the same name in done is replaced, and a newer one stays', async (store, folder) => {
      await mkdir(join(folder, 'done'));
      await writeFile(join(folder, 'done', archive(2)), 'old');
      await writeFile(join(folder, 'done', archive(3)), 'newer');
      await writeFile(join(folder, archive(2)), 'new');
      await store.move(archive(2));
      assert.equal(await readFile(join(folder, 'done', archive(2)), 'utf8'), 'new');
      assert.deepEqual((await readdir(join(folder, 'done'))).sort(), [archive(2), archive(3)]);
    });

    it('nothing is moved through a link in the place of done', async (store, folder) => {
      await mkdir(join(folder, 'elsewhere'));
      await symlink('elsewhere', join(folder, 'done'));
      await writeFile(join(folder, archive(1)), 'content');
      await assert.rejects(store.move(archive(1)), expected(/done is not a folder/));
      assert.deepEqual((await readdir(folder)).sort(), ['done', 'elsewhere', archive(1)].sort());
      assert.deepEqual(await readdir(join(folder, 'elsewhere')), []);
    });
  });
}

async function withStore(openStore: OpenTestStore, check: StoreTest): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'archive-store '));
  const store = await openStore(folder);
  try {
    await check(store, folder);
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** An error that was foreseen, says what to do, and has that message. */
function expected(message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof BackupError, String(error));
    assert.match(error.message, message);
    return true;
  };
}

async function sha256Of(stream: AsyncIterable<Buffer>): Promise<string> {
  const sum = createHash('sha256');
  for await (const part of stream) sum.update(part);
  return sum.digest('hex');
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
