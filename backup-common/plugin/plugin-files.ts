import { access, constants, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../config/problems.ts';
import { hasCode, messagesOf } from '../errors.ts';
import { trustProblem } from './trust.ts';

export type PluginKind = 'module' | 'executable' | 'shell functions';

/** A file in the plugin folder that may be run. */
export interface PluginFile {
  readonly path: string;
  readonly kind: PluginKind;
}

export interface PluginFiles {
  /** In the order of their names. */
  readonly files: readonly PluginFile[];
  readonly refused: readonly Problem[];
}

/**
 * What lies directly in the plugin folder: `*.mjs` modules, and executables; an executable `*.sh` that defines
 * `plugin_handles_task_type` is one of shell functions. Folders, hidden files and what is neither are left alone. Runs nothing.
 */
export async function findPluginFiles(folder: string): Promise<PluginFiles> {
  const files: PluginFile[] = [];
  const refused: Problem[] = [];
  const names = await readdir(folder).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) refused.push({ file: folder, message: `cannot be read: ${messagesOf(error)[0]}` });
    return [];
  });
  for (const path of candidates(names).map((name) => join(folder, name))) {
    const kind = await kindOf(path);
    if (kind === undefined) continue;
    const problem = kind === 'script that is not executable' ? notExecutable(path) : await trustProblem(path);
    if (problem !== undefined) refused.push(problem);
    else if (kind !== 'script that is not executable') files.push({ path, kind });
  }
  return { files, refused };
}

/** Helpers of shell functions; ours take their place. */
const helpers = 'common_functions.sh';

function candidates(names: readonly string[]): string[] {
  const isLeftAlone = (name: string) => name.startsWith('.') || name.endsWith('~') || name === helpers;
  return names.filter((name) => !isLeftAlone(name)).sort();
}

async function kindOf(path: string): Promise<PluginKind | 'script that is not executable' | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return 'executable'; // a link that leads nowhere is told
  if (!found.isFile()) return undefined;
  if (path.endsWith('.mjs')) return 'module';
  const text = await beginningOf(path);
  if (!(await isExecutable(path))) return text.startsWith('#!') ? 'script that is not executable' : undefined;
  return path.endsWith('.sh') && definesHandles.test(text) ? 'shell functions' : 'executable';
}

const definesHandles = /^\s*(function\s+)?plugin_handles_task_type\b/m;

const beginningBytes = 256 * 1024;

async function beginningOf(path: string): Promise<string> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return ''; // to be told by who runs it
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(beginningBytes));
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function notExecutable(path: string): Problem {
  return { file: path, message: `is a script and not executable; chmod +x ${path}, or move it away` };
}
