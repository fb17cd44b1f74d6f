import assert from 'node:assert/strict';
import {
  chmodSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import fc from 'fast-check';
import { ArchiveWriter } from '#common/archive/archive-writer.ts';
import { type BytePath, bytesOf, comparePaths, parentOf } from '#common/archive/byte-path.ts';
import { execaRunner } from '#common/process/execa-runner.ts';
import { readTree } from '../../backup-client/collect/read-tree.ts';

type Kind = 'file' | 'sparse' | 'folder' | 'symlink' | 'fifo' | 'hardlink';

interface Node {
  readonly path: BytePath;
  readonly kind: Kind;
  /** Chooses content, link target or the file to link to. */
  readonly choice: number;
  readonly size: number;
  readonly mode: number;
  readonly owner: number;
  readonly mtime: number;
  readonly attribute: 'none' | 'one' | 'other' | 'acl';
}

/** What a folder may hold; few names, contents and times, so that one tree has much of the next and little in its place. */
export const randomTree: fc.Arbitrary<readonly Node[]> = fc.array(
  fc.record({
    path: fc
      .array(fc.constantFrom('a', 'b', 'c', 'a-b', '\xc3\xbc', '\xff', ' \n'), { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join('/')),
    kind: fc.constantFrom<Kind[]>('file', 'file', 'file', 'folder', 'folder', 'symlink', 'fifo', 'hardlink', 'sparse'),
    choice: fc.nat(3),
    size: fc.constantFrom(0, 1, 600, 9000, 300_000, 2_500_000),
    mode: fc.constantFrom(0o600, 0o644, 0o755, 0o4755, 0o1777),
    owner: fc.constantFrom(0, 1, 1000),
    mtime: fc.constantFrom(0, 1_600_000_000, 1_700_000_000.5),
    attribute: fc.constantFrom<Node['attribute'][]>('none', 'none', 'none', 'one', 'other', 'acl'),
  }),
  { maxLength: 25 },
);

/** Makes the folder anew with that in it; what would lie below no folder is left out. */
export async function plantTree(root: string, wanted: readonly Node[]): Promise<void> {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  const nodes = standing(wanted);
  const files: Buffer[] = [];
  for (const node of nodes) {
    const path = Buffer.concat([Buffer.from(`${root}/`), bytesOf(node.path)]);
    await plant(node, path, files);
  }
  await setAttributes(root, nodes);
  for (const { path, mtime } of nodes.reverse())
    lutimesSync(Buffer.concat([Buffer.from(`${root}/`), bytesOf(path)]), mtime, mtime);
}

/** In path order, each path once, with the folders above them. */
function standing(wanted: readonly Node[]): Node[] {
  const nodes = new Map<BytePath, Node>();
  for (const node of wanted) {
    const parents = parentsOf(node.path);
    if (nodes.has(node.path) || parents.some((path) => (nodes.get(path)?.kind ?? 'folder') !== 'folder')) continue;
    for (const path of parents) if (!nodes.has(path)) nodes.set(path, { ...node, path, kind: 'folder' });
    nodes.set(node.path, node);
  }
  return [...nodes.values()].sort((a, b) => comparePaths(a.path, b.path));
}

function parentsOf(path: BytePath): BytePath[] {
  const parent = parentOf(path);
  return parent === undefined ? [] : [...parentsOf(parent), parent];
}

async function plant(node: Node, path: Buffer, files: Buffer[]): Promise<void> {
  const { kind, choice, size, mode, owner } = node;
  const first = files[choice % Math.max(files.length, 1)];
  if (kind === 'hardlink' && first !== undefined) return linkSync(first, path);
  if (kind === 'folder') mkdirSync(path);
  else if (kind === 'symlink') symlinkSync(['a', '../b', '/etc/passwd', 'nowhere'][choice] ?? '', path);
  else if (kind === 'fifo' && isText(node)) await mustRun('mkfifo', path.toString());
  else {
    writeFileSync(path, Buffer.alloc(size, `content ${choice} `));
    if (kind === 'sparse') truncateSync(path, size + 1_000_000);
    files.push(path);
  }
  lchownSync(path, owner, owner);
  if (kind !== 'symlink') chmodSync(path, mode);
}

async function setAttributes(root: string, nodes: readonly Node[]): Promise<void> {
  for (const { attribute, ...node } of nodes) {
    const { path, kind } = node;
    if (attribute === 'none' || !isText(node) || !['file', 'folder', 'sparse'].includes(kind)) continue;
    if (attribute !== 'acl') await mustRun('setfattr', '-n', 'user.test', '-v', attribute, '--', `${root}/${path}`);
    else await mustRun('setfacl', '-m', `u:1000:r${kind === 'folder' ? ',d:u:1:rx' : ''}`, '--', `${root}/${path}`);
  }
}

/** Whether its path can be an argument. */
function isText({ path }: Pick<Node, 'path'>): boolean {
  return /^[ -~\n]*$/.test(path);
}

/** Writes an archive of a folder, as `data`. */
export async function archiveFolder(source: string, path: string): Promise<void> {
  rmSync(path, { force: true });
  const [file, spool] = [await open(path, 'wx+'), await open(`${path}.spool`, 'w+')];
  try {
    const writer = new ArchiveWriter(file, spool);
    const warn = (message: string): never => assert.fail(message);
    await readTree({ source, as: 'data' }, 'data', writer, { tar: 'tar', runner: execaRunner(), warn });
    await writer.finish({ host: 'web', program: 'test', createdAt: '', services: [] }, 0n);
  } finally {
    await file.close();
    await spool.close();
  }
}

export async function mustRun(file: string, ...args: string[]): Promise<void> {
  const { exitCode, stderr } = await execaRunner().run({ file, args });
  assert.equal(exitCode, 0, stderr);
}
