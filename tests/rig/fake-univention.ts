import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeProgram } from './collector-task.ts';

export interface FakeUnivention {
  /** The program. */
  readonly program: string;
  /** What the system is made of. */
  readonly system: string;
  /** Where the dumps are left. */
  readonly dumps: string;
  /** The options of each run. */
  calls(): Promise<readonly string[]>;
}

/**
 * Stands for `univention-backup` and the system around it in `folder`, because it comes with Univention Corporate Server
 * only. It packs the system into a dump of the day, as the file ending says; a second one of a day takes the place of the first.
 */
export async function fakeUnivention(folder: string, ending: 'gz' | 'bz2' = 'gz'): Promise<FakeUnivention> {
  const [program, system] = [join(folder, 'bin/univention-backup'), join(folder, 'system')];
  const [dumps, calls] = [join(folder, 'dumps'), join(folder, 'calls')];
  await mkdir(system, { recursive: true });
  await writeProgram(
    program,
    `echo "$*" >> "${calls}"
mkdir -p "${dumps}"
tar --create --mtime=@0 --sort=name --directory="${system}" . |
  ${ending === 'gz' ? 'gzip --no-name' : 'bzip2'} > "${dumps}/system-2026-08-01.tar.${ending}"`,
  );
  return {
    program,
    system,
    dumps,
    calls: async () => (await readFile(calls, 'utf8')).split('\n').slice(0, -1),
  };
}
