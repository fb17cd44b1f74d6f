import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { bytesOf, escapeBytes } from '#common/archive/byte-path.ts';
import { walkTree } from '#common/archive/walk-tree.ts';
import { execaRunner } from '#common/process/execa-runner.ts';

/**
 * All that a backup has to bring back of a tree, a line for each entry: type, mode, owner, time to the nanosecond, size,
 * content, link target, which names are one file; and the ACLs, extended attributes and capabilities as their own
 * tools print them. Devices count, sockets do not.
 */
export async function treeFacts(root: string): Promise<readonly string[]> {
  const firstNames = new Map<bigint, string>();
  const lines: string[] = [];
  for (const { path, stat } of walkTree(root)) {
    if (path === '' || stat.type === 'socket') continue;
    const disk = Buffer.concat([Buffer.from(`${root}/`), bytesOf(path)]);
    const name = escapeBytes(path);
    const isFile = stat.type === 'file';
    const first = isFile && stat.nlink > 1 ? firstNames.get(stat.ino) : undefined;
    if (isFile && first === undefined) firstNames.set(stat.ino, name);
    const content = isFile
      ? createHash('sha256').update(readFileSync(disk)).digest('hex')
      : stat.type === 'symlink'
        ? readlinkSync(disk, 'latin1')
        : '';
    const size = isFile ? stat.size : 0;
    const device = stat.type === 'char-device' || stat.type === 'block-device' ? stat.rdev : '';
    lines.push(
      [
        name,
        stat.type,
        stat.mode.toString(8),
        `${stat.uid}:${stat.gid}`,
        stat.mtimeNs,
        size,
        content,
        first ?? '',
        device,
      ].join(' '),
    );
  }
  return [...lines, ...(await attributesBelow(root))];
}

async function attributesBelow(root: string): Promise<string[]> {
  const runner = execaRunner();
  const tools = [
    { file: 'getfattr', args: ['--recursive', '--dump', '--physical', '--match=-', '--', '.'] },
    { file: 'getfacl', args: ['--recursive', '--physical', '--numeric', '--skip-base', '--', '.'] },
  ];
  const outputs = await Promise.all(tools.map((tool) => runner.run({ ...tool, cwd: root })));
  return outputs.flatMap(({ stdout }) =>
    stdout
      .split('\n\n')
      .filter((block) => block.trim() !== '')
      .sort(),
  );
}
