import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '../errors.ts';
import { fileProblem } from './file-safety.ts';
import { formatProblem } from './problems.ts';

/** A secret is never written into the configuration, only where it is. */
export const secretSchema = {
  type: 'object',
  description: 'Where a secret is: exactly one of file, env or credential.',
  expected: 'a map with one of file, env or credential',
  properties: {
    file: {
      type: 'string',
      format: 'absolute-path',
      description: 'A file that only root can read; its first line counts.',
    },
    env: { type: 'string', description: 'An environment variable.' },
    credential: {
      type: 'string',
      format: 'safe-name',
      description: 'A systemd credential (LoadCredential=) by its name.',
    },
  },
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
} as const;

export interface Secret {
  readonly file?: string;
  readonly env?: string;
  readonly credential?: string;
}

/** Reads a secret when it is needed. Throws a BackupError when it is not there, empty, or others may read it. */
export async function readSecret(secret: Secret): Promise<string> {
  if (secret.env !== undefined) {
    const value = process.env[secret.env];
    if (value === undefined) throw new BackupError(`the environment variable ${secret.env} is not set`);
    return value;
  }
  const path = secret.file ?? credentialPath(secret.credential ?? '');
  const problem = await fileProblem(path, secret.file !== undefined);
  if (problem !== undefined) throw new BackupError(formatProblem(problem));
  const [first = ''] = (await readFile(path, 'utf8')).split('\n');
  if (first === '') throw new BackupError(`${path}: the first line is empty, so there is no secret in it`);
  return first;
}

function credentialPath(name: string): string {
  const folder = process.env.CREDENTIALS_DIRECTORY;
  if (folder === undefined) {
    throw new BackupError(`there is no systemd credential "${name}" here`, {
      hint: 'It exists only in a unit with LoadCredential=; start the unit, or name a file instead.',
    });
  }
  return join(folder, name);
}
