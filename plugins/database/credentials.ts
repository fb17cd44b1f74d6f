import { stat } from 'node:fs/promises';
import { fileProblem } from '#common/config/file-safety.ts';
import { formatProblem } from '#common/config/problems.ts';
import { readSecret, type Secret } from '#common/config/secret.ts';
import { BackupError } from '#common/errors.ts';

export async function readPassword(secret: Secret, taskKey: string): Promise<string> {
  try {
    return await readSecret(secret);
  } catch (cause) {
    throw new BackupError(`${taskKey}: the password cannot be read`, {
      cause,
      hint: "password: names a file of root's own, an environment variable, or a systemd credential.",
    });
  }
}

/**
 * The file in which the database's own programs find passwords: the one that is configured, or the usual one where that
 * is there. Throws a BackupError when it must not be trusted or others may read it.
 */
export async function passwordFile(
  configured: string | undefined,
  usual: string,
  { taskKey, hint }: { readonly taskKey: string; readonly hint: string },
): Promise<string | undefined> {
  const file = configured ?? usual;
  if (configured === undefined && !(await isThere(file))) return undefined;
  const problem = await fileProblem(file, true);
  if (problem === undefined) return file;
  throw new BackupError(`${taskKey}: the password file cannot be used: ${formatProblem(problem)}`, { hint });
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
