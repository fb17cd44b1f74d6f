import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';

/** Whether there is a program of that name: in a folder of `searchPath`, or, for a name with a slash, below `folder`. */
export function isProgram(name: string, folder: string, searchPath = process.env.PATH ?? ''): boolean {
  const candidates = name.includes('/')
    ? [resolve(folder, name)]
    : searchPath.split(':').map((place) => resolve(folder, place, name));
  return candidates.some(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
