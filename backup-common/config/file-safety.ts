import { stat } from 'node:fs/promises';
import { hasCode } from '../errors.ts';
import type { Problem } from './problems.ts';

const writableByOthers = 0o022;
const usableByOthers = 0o077;

/**
 * Why a file must not be trusted: it does not exist, belongs to somebody else, others may write it, or (`isSecret`)
 * others may read it. Undefined when it may be used. The message names the command that mends it.
 */
export async function fileProblem(path: string, isSecret: boolean): Promise<Problem | undefined> {
  try {
    const found = await stat(path);
    const { uid, mode } = found;
    if (!found.isFile()) return { file: path, message: 'is no file' };
    if (uid !== 0 && uid !== process.geteuid?.()) {
      return { file: path, message: `belongs to user ${uid}, who could change it; chown root ${path}` };
    }
    if (isSecret && (mode & usableByOthers) !== 0) {
      return { file: path, message: `holds a secret and can be read by others; chmod 600 ${path}` };
    }
    if ((mode & writableByOthers) !== 0) return { file: path, message: `can be written by others; chmod go-w ${path}` };
    return undefined;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { file: path, message: 'does not exist' };
    return { file: path, message: `cannot be looked at: ${error instanceof Error ? error.message : String(error)}` };
  }
}
