import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileProblem } from '../config/file-safety.ts';
import type { Problem } from '../config/problems.ts';

const writableByOthers = 0o022;
const sticky = 0o1000;

/**
 * Why a program must not be run as root: somebody else could change the file, the file behind a link, or a folder on the
 * way to either. Undefined when it may. The message names the command that mends it.
 */
export async function trustProblem(path: string): Promise<Problem | undefined> {
  const real = await realpath(path).catch(() => path);
  const problem = await fileProblem(real, false);
  if (problem !== undefined) return { file: path, message: problem.message };
  const folders = new Set([...foldersAbove(real), ...foldersAbove(path)]);
  for (const folder of folders) {
    const message = await folderProblem(folder);
    if (message !== undefined) return { file: path, message };
  }
  return undefined;
}

/** Nearest first. */
function foldersAbove(path: string): string[] {
  const folder = dirname(path);
  return folder === path ? [] : [folder, ...foldersAbove(folder)];
}

/** In a sticky folder, such as /tmp, nobody can put another thing in the place of one that is root's. */
async function folderProblem(folder: string): Promise<string | undefined> {
  const { uid, mode } = await stat(folder);
  if (uid !== 0 && uid !== process.geteuid?.())
    return `lies in ${folder}, which belongs to user ${uid}; chown root ${folder}`;
  if ((mode & writableByOthers) !== 0 && (mode & sticky) === 0)
    return `lies in ${folder}, which can be written by others; chmod go-w ${folder}`;
  return undefined;
}
