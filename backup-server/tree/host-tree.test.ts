import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFile, lstat, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { CheckedSource } from '#common/archive/file-range-source.ts';
import type { TestEntry } from '../testing/crafted-archive.ts';
import { breakingSource, sourceLike } from '../testing/odd-sources.ts';
import { testTree } from '../testing/test-tree.ts';

const mebibyte = 1024 * 1024;
const folder: TestEntry = { path: 'd', type: 'folder', mode: 0o755 };
const noise = randomBytes(5 * mebibyte + 1000);
const large: TestEntry = { path: 'd/large', content: noise };
const small: readonly TestEntry[] = Array.from({ length: 40 }, (_, index) => ({
  path: `d/small-${String(index).padStart(2, '0')}`,
  content: randomBytes(20_000),
}));

describe('what need not be fetched', () => {
  it('is what a large file had before it grew, but for its last chunk', async (test) => {
    const { take, tree } = await testTree(test);
    await take([folder, large]);
    const grown = Buffer.concat([noise, randomBytes(10_000)]);
    const { fetched } = await take([folder, { ...large, content: grown, mtime: 1_700_000_001 }]);
    assert.ok(fetched < mebibyte + 20_000, `${fetched} bytes were fetched`);
    assert.ok(grown.equals(await readFile(join(tree, 'd/large'))));
  });

  it('is the content of files that were moved, or got another mode or time', async (test) => {
    const { take, tree } = await testTree(test);
    await take([folder, large, ...small]);
    const moved = [large, ...small].map((entry) => ({ ...entry, path: entry.path.replace('d/', 'e/'), mode: 0o600 }));
    const { fetched } = await take([folder, { ...folder, path: 'e' }, ...moved]);
    assert.ok(fetched < 20_000, `${fetched} bytes were fetched`);
    assert.deepEqual(await readdir(join(tree, 'd')), []);
    for (const { path, content } of moved) {
      assert.ok(Buffer.from(content ?? '').equals(await readFile(join(tree, path))));
      assert.equal((await lstat(join(tree, path))).mode & 0o777, 0o600);
    }
  });

  it('is read from the tree only as long as its hash is right: else the tree is mended', async (test) => {
    const { take, tree } = await testTree(test);
    await take([folder, ...small]);
    const [first] = small;
    const path = join(tree, first?.path ?? '');
    const { atime, mtime } = await lstat(path);
    await writeFile(path, randomBytes(20_000));
    await utimes(path, atime, mtime);
    const chmodded = small.map((entry) => ({ ...entry, mode: 0o600 }));
    const { warnings } = await take([folder, ...chmodded]);
    assert.deepEqual(warnings, [
      'the tree is not what its index says ("d/small-00" had not the content of its index); it is mended',
    ]);
    assert.ok(Buffer.from(first?.content ?? '').equals(await readFile(path)));
  });
});

describe('a fetch that was interrupted', () => {
  it('goes on with what it had when it was whole, and leaves nothing behind', async (test) => {
    const { take, tree, home } = await testTree(test);
    const entries = [folder, large, ...small];
    await assert.rejects(
      take(entries, (source) => breakingSource(source, 4 * mebibyte)),
      /the connection broke/,
    );
    assert.ok((await readdir(home)).includes('tree.new'));
    const { fetched, warnings } = await take();
    assert.ok(fetched < 4.5 * mebibyte, `${fetched} bytes were fetched`);
    assert.deepEqual(warnings, []);
    assert.ok(noise.equals(await readFile(join(tree, 'd/large'))));
    assert.deepEqual((await readdir(home)).sort(), ['tree', 'tree-index.gz']);
  });

  it('goes on with what it had when it was one of changes', async (test) => {
    const { take, tree, home } = await testTree(test);
    await take([folder]);
    const entries = [folder, ...small, { path: 'e', content: noise }];
    await assert.rejects(
      take(entries, (source) => breakingSource(source, 4 * mebibyte)),
      /the connection broke/,
    );
    assert.deepEqual(await readdir(join(tree, 'd')), []);
    const { fetched, resumed } = await take();
    assert.ok(fetched < 3 * mebibyte, `${fetched} bytes were fetched`);
    assert.ok(resumed > 30, `${resumed} entries were there`);
    assert.ok(noise.equals(await readFile(join(tree, 'e'))));
    assert.deepEqual((await readdir(home)).sort(), ['tree', 'tree-index.gz']);
  });

  it('uses nothing of it that is not what the archive says by now', async (test) => {
    const { take, tree } = await testTree(test);
    await take([folder]);
    await assert.rejects(
      take([folder, ...small], (source) => breakingSource(source, 400_000)),
      /the connection broke/,
    );
    const others = small.map((entry) => ({ ...entry, content: randomBytes(20_000) }));
    const { resumed } = await take([folder, ...others]);
    assert.equal(resumed, 0);
    for (const { path, content } of others) assert.ok(content.equals(await readFile(join(tree, path))));
  });
});

describe('an archive that is written to while it is fetched', () => {
  for (const [what, meddle] of [
    ['cut short', (path: string) => truncate(path, 100_000)],
    ['written over', (path: string) => writeFile(path, randomBytes(2 * mebibyte), { flag: 'r+' })],
    ['appended to', (path: string) => appendFile(path, 'x')],
  ] as const) {
    it(`is refused when it was ${what}, and the tree is as before`, async (test) => {
      const { take, tree, archive, home } = await testTree(test);
      await take([folder]);
      const meddled = (source: CheckedSource) => meddling(source, () => meddle(archive));
      await assert.rejects(take([folder, large], meddled), /web\.tar\.gz has changed while it was read/);
      assert.deepEqual(await readdir(join(tree, 'd')), []);
      assert.deepEqual((await readdir(home)).sort(), ['tree', 'tree-index.gz']);
      assert.deepEqual((await take([folder, ...small])).warnings, []);
    });
  }
});

describe('a tree that nothing vouches for', () => {
  it('is mended: what is right stays, what is wrong, missing or too much goes', async (test) => {
    const { take, tree, home } = await testTree(test);
    await take([folder, large, ...small]);
    await rm(join(home, 'tree-index.gz'));
    await rm(join(tree, 'd/small-01'));
    await writeFile(join(tree, 'd/small-02'), 'other');
    await writeFile(join(tree, 'd/more'), 'more');
    const inode = (await lstat(join(tree, 'd/small-03'))).ino;
    const { fetched, warnings } = await take();
    assert.match(warnings.join(), /tree is not whole: a run was interrupted while it changed it; it is mended/);
    assert.ok(fetched < 100_000, `${fetched} bytes were fetched`);
    assert.deepEqual(await readdir(join(tree, 'd')), ['large', ...small.map(({ path }) => path.slice(2))]);
    assert.equal((await lstat(join(tree, 'd/small-03'))).ino, inode);
    for (const { path, content } of small)
      assert.ok(Buffer.from(content ?? '').equals(await readFile(join(tree, path))));
  });
});

/** A source that something happens to before the first byte of a member is read. */
function meddling(source: CheckedSource, meddle: () => Promise<unknown>): CheckedSource {
  return {
    ...sourceLike(source),
    read: async (offset, length) => {
      if (offset === 0 || length > 100_000) await meddle();
      return source.read(offset, length);
    },
  };
}
