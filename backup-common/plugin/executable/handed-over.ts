import { lstat, realpath } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { bytePathOf } from '../../archive/byte-path.ts';
import { pathProblem } from '../../archive/entry-rules.ts';
import { BackupError } from '../../errors.ts';
import type { CollectorContext, ServiceArchive } from '../collector.ts';
import type { Messages } from './messages.ts';
import type { MessageOf } from './protocol.ts';

/** Puts the files and trees that a plugin handed over into the archive, below a folder with the task's name. */
export async function addHandedOver(
  { file: files, tree: trees }: Pick<Messages, 'file' | 'tree'>,
  context: CollectorContext,
  archive: ServiceArchive,
): Promise<void> {
  const { taskKey } = context;
  if (files.length + trees.length === 0) {
    throw new BackupError(`${taskKey}: the plugin ended well and handed over nothing`, {
      hint: 'When there is nothing to save, it must end with exit code 75.',
    });
  }
  const problem = placesProblem([...files, ...trees].map(({ as }) => as));
  if (problem !== undefined) throw misplaced(taskKey, problem);
  for (const { path } of trees) {
    await lstat(path).catch((cause: unknown) => {
      throw new BackupError(`${taskKey}: the plugin hands over ${path}, which cannot be looked at`, {
        cause,
        hint: 'A tree must be there when the plugin has ended.',
      });
    });
  }
  for (const file of files) {
    await archive.addTree({ source: await fileInWorkFolder(file, context), as: `${taskKey}/${file.as}` });
  }
  for (const { path, as, exclude } of trees) {
    const left = new Set(exclude.map((each) => bytePathOf(each)));
    await archive.addTree({ source: path, as: `${taskKey}/${as}`, excludes: (below) => left.has(below) });
  }
}

/** Why things cannot lie at these places: one is no place below a folder, or lies within another. */
export function placesProblem(places: readonly string[]): string | undefined {
  for (const [index, place] of places.entries()) {
    const problem = pathProblem(bytePathOf(place));
    if (problem !== undefined) return `as "${place}", which ${problem}`;
    const other = places.find((each, at) => at !== index && (each === place || place.startsWith(`${each}/`)));
    if (other === place) return `two things as "${place}"`;
    if (other !== undefined) return `as "${place}" what would lie within "${other}"`;
  }
  return undefined;
}

function misplaced(taskKey: string, problem: string): BackupError {
  return new BackupError(`${taskKey}: the plugin hands over ${problem}`, {
    hint: 'Each "as" is a place of its own, relative to the folder of the task.',
  });
}

async function fileInWorkFolder(
  { path, allow_empty }: MessageOf<'file'>,
  { workFolder, taskKey }: CollectorContext,
): Promise<string> {
  const refused = (why: string, hint: string) =>
    new BackupError(`${taskKey}: the plugin hands over the file "${path}", which ${why}`, { hint });
  const real = await realpath(resolve(workFolder, path)).catch(() => undefined);
  if (real === undefined) throw refused('is not there', 'Relative paths count from the work folder.');
  const inside = await realpath(workFolder);
  if (!real.startsWith(`${inside}/`)) throw refused(`lies outside of ${inside}`, 'Hand it over as a tree.');
  const stat = await lstat(real);
  if (!stat.isFile()) throw refused('is no regular file', 'Hand it over as a tree.');
  if (stat.size === 0 && !allow_empty) throw refused('is empty', 'If that is right, say "allow_empty": true.');
  return join(workFolder, relative(inside, real));
}
