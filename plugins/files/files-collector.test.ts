import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { collectorContext, type TestContext } from '#common/testing/collector-context.ts';
import { collectorContract } from '#common/testing/collector-contract.ts';
import { type MemoryArchive, memoryArchive } from '#common/testing/memory-archive.ts';
import { tempFolder } from '#common/testing/temp-folder.ts';
import { filesCollector } from './files-collector.ts';
import type { FilesOptions } from './files-schema.ts';

collectorContract(filesCollector, {
  good: {
    async options(folder) {
      await mkdir(join(folder, 'www/cache'), { recursive: true });
      await writeFile(join(folder, 'www/page'), 'hello');
      await writeFile(join(folder, 'www/cache/page'), 'hello');
      await writeFile(join(folder, 'one.conf'), 'a=1');
      return { paths: [join(folder, 'www'), { path: join(folder, 'one.conf'), as: 'app.conf' }], exclude: ['cache/'] };
    },
    holds: ['data/www/', 'data/www/page', 'data/app.conf'],
  },
  failing: { options: async (folder) => ({ paths: [join(folder, 'gone')] }) },
});

describe('files', () => {
  it('what is not there is a warning where it need not be', async ({ folder, context, archive }) => {
    const gone = join(folder, 'gone');
    await collect({ paths: [{ path: gone, optional: true }] }, context, archive);
    await collect({ paths: [gone], optional: true }, context, archive);
    assert.deepEqual([...archive.entries.keys()], []);
    assert.deepEqual(context.warnings, Array(2).fill(`files: ${gone} is not there, and need not be`));
  });

  it('a path may be needed where the others are optional', async ({ folder, context, archive }) => {
    const options = { paths: [{ path: join(folder, 'gone'), optional: false }], optional: true };
    await assert.rejects(collect(options, context, archive), { message: `files: ${folder}/gone does not exist` });
  });

  it('a listed link is saved as a link, with a warning', async ({ folder, context, archive }) => {
    await mkdir(join(folder, 'v2'));
    await writeFile(join(folder, 'v2/page'), '');
    await symlink('v2', join(folder, 'current'));
    await collect({ paths: [join(folder, 'current')] }, context, archive);
    assert.deepEqual([...archive.entries], [['data/current', Buffer.from('v2')]]);
    assert.deepEqual(context.warnings, [
      `files: ${folder}/current is a symbolic link; it is saved, what it points to is not`,
    ]);
  });

  it('a pattern with a slash before it begins with the name of a listed path', async ({ folder, context, archive }) => {
    for (const name of ['a', 'b']) {
      await mkdir(join(folder, name, 'a'), { recursive: true });
      await writeFile(join(folder, name, 'x'), '');
      await writeFile(join(folder, name, 'a/x'), '');
    }
    await collect({ paths: [join(folder, 'a'), join(folder, 'b')], exclude: ['/a/x'] }, context, archive);
    const files = [...archive.entries.keys()].filter((path) => !path.endsWith('/'));
    assert.deepEqual(files, ['data/a/a/x', 'data/b/a/x', 'data/b/x']);
  });

  it('the original rsync_options come before the patterns of exclude', async ({ folder, context, archive }) => {
    await mkdir(join(folder, 'log'));
    for (const name of ['keep.log', 'x.log', 'x']) await writeFile(join(folder, 'log', name), '');
    const options = { paths: [join(folder, 'log')], rsync_options: '--include=keep.log', exclude: ['*.log'] };
    await collect(options, context, archive);
    assert.deepEqual([...archive.entries.keys()], ['data/log/', 'data/log/keep.log', 'data/log/x']);
  });

  const contradictions = ['cache', '/cache/', '*', 'cach?'];
  for (const pattern of contradictions) {
    it(`a listed path that "${pattern}" leaves out is refused`, async ({ folder, context, archive }) => {
      await mkdir(join(folder, 'cache'));
      await assert.rejects(collect({ paths: [join(folder, 'cache')], exclude: [pattern] }, context, archive), {
        message: `files: ${folder}/cache is listed in paths, and a pattern of exclude leaves all of it out`,
      });
    });
  }

  it('two paths that would lie over each other are refused', async ({ folder, context, archive }) => {
    const paths = [join(folder, 'a'), { path: join(folder, 'b'), as: 'a' }, { path: join(folder, 'c'), as: 'a' }];
    await assert.rejects(collect({ paths, optional: true }, context, archive), {
      message: `files: ${folder}/b and ${folder}/c would both be data/a in the archive`,
      hint: /as: NAME/,
    });
  });

  it('a path that cannot even be looked at is an error of its own', async ({ folder, context, archive }) => {
    await symlink('loop', join(folder, 'loop'));
    await assert.rejects(collect({ paths: [join(folder, 'loop/x')] }, context, archive), {
      name: 'BackupError',
      message: `files: cannot look at ${folder}/loop/x`,
    });
  });
});

interface Given {
  readonly folder: string;
  readonly context: TestContext;
  readonly archive: MemoryArchive;
}

function it(title: string, check: (given: Given) => Promise<void>): void {
  test(title, async (test) => {
    const folder = await tempFolder(test);
    await check({ folder, context: collectorContext(folder, 'files'), archive: memoryArchive() });
  });
}

async function collect(given: Partial<FilesOptions>, context: TestContext, archive: MemoryArchive): Promise<void> {
  const options: FilesOptions = {
    paths: [],
    exclude: [],
    optional: false,
    snapshot: 'none',
    vanished: 'warn',
    ...given,
  };
  await filesCollector.check?.(options, context);
  await filesCollector.collect(options, context, archive);
}
