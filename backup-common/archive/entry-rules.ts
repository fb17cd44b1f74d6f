import { BackupError } from '../errors.ts';
import { type BytePath, comparePaths, escapeBytes, parentOf } from './byte-path.ts';
import type { EntryType } from './tar-entry.ts';

/** PATH_MAX and NAME_MAX of Linux (limits.h), the terminating NUL taken off. */
const maxPathBytes = 4095;
const maxNameBytes = 255;

export interface RuledEntry {
  readonly path: BytePath;
  readonly type: EntryType;
  readonly link: BytePath | undefined;
  readonly linked?: boolean;
}

/** Why such a path may not be written below a tree; undefined when it may. */
export function pathProblem(path: BytePath): string | undefined {
  if (path.startsWith('/')) return 'is an absolute path';
  if (path.includes('\0')) return 'has a NUL byte in its name';
  if (path.length > maxPathBytes) return `is longer than ${maxPathBytes} bytes`;
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..') return `has "${part}" in its path`;
    if (part.length > maxNameBytes) return `has a name longer than ${maxNameBytes} bytes`;
  }
  return undefined;
}

/** What an entry must keep to before a byte of it is written. Each `check` throws a BackupError naming the entry. */
export interface EntryRules {
  check(entry: RuledEntry): void;
}

/**
 * For entries in the order of the index: every path once, every parent a folder of the archive, every hard link to a
 * file before it. Memory: the depth of the path, and the names of files that have several.
 */
export function sortedEntryRules(): EntryRules {
  const openFolders: BytePath[] = [];
  const linkedFiles = new Set<BytePath>();
  let previous: BytePath | undefined;

  const orderProblem = (path: BytePath): string | undefined => {
    if (previous === undefined || comparePaths(previous, path) < 0) return undefined;
    return previous === path ? 'stands there twice' : 'is out of order';
  };
  const parentProblem = (path: BytePath): string | undefined => {
    const parent = parentOf(path);
    while (openFolders.length > 0 && !path.startsWith(`${openFolders.at(-1)}/`)) openFolders.pop();
    return parent === openFolders.at(-1) ? undefined : 'lies below something that is no folder of the archive';
  };
  return {
    check(entry) {
      const problem =
        pathProblem(entry.path) ??
        orderProblem(entry.path) ??
        parentProblem(entry.path) ??
        hardLinkProblem(entry, (path) => linkedFiles.has(path));
      if (problem !== undefined) throw refused(entry, problem);
      previous = entry.path;
      if (entry.type === 'folder') openFolders.push(entry.path);
      if (entry.type === 'file' && entry.linked === true) linkedFiles.add(entry.path);
    },
  };
}

/**
 * For entries in any order, as other tar files have them: every path once, nothing below what is no folder, every
 * hard link to a file before it. Keeps all paths in memory.
 */
export function unsortedEntryRules(): EntryRules {
  const types = new Map<BytePath, EntryType>();

  const parentProblem = (path: BytePath): string | undefined => {
    for (let parent = parentOf(path); parent !== undefined; parent = parentOf(parent)) {
      const type = types.get(parent);
      if (type !== undefined && type !== 'folder') return 'lies below something that is no folder of the archive';
      if (type === 'folder') return undefined;
      types.set(parent, 'folder');
    }
    return undefined;
  };
  return {
    check(entry) {
      const known = types.get(entry.path);
      const twice =
        known === undefined || (known === 'folder' && entry.type === 'folder') ? undefined : 'stands there twice';
      const problem =
        pathProblem(entry.path) ??
        twice ??
        parentProblem(entry.path) ??
        hardLinkProblem(entry, (path) => types.get(path) === 'file');
      if (problem !== undefined) throw refused(entry, problem);
      types.set(entry.path, entry.type);
    },
  };
}

function hardLinkProblem(entry: RuledEntry, isFile: (path: BytePath) => boolean): string | undefined {
  if (entry.type !== 'hardlink') return undefined;
  const problem = entry.link === undefined ? 'is missing' : pathProblem(entry.link);
  if (problem !== undefined) return `is a hard link whose target ${problem}`;
  return isFile(entry.link ?? '') ? undefined : 'is a hard link to no file before it in the archive';
}

function refused(entry: RuledEntry, problem: string): BackupError {
  return new BackupError(`archive entry "${escapeBytes(entry.path)}" ${problem}`, {
    kind: 'hostile-archive',
    hint: 'Nothing of this archive was unpacked. Look at how it was made; if nobody meant to, look at the client.',
  });
}
