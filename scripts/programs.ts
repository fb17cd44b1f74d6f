import type { BuildOptions } from 'esbuild';
import type { ProgramSpec } from '#common/cli.ts';
import { localBackup } from '../backup-client/program.ts';
import { resticMaintenance } from '../backup-server/maintenance-program.ts';
import { backupServer } from '../backup-server/program.ts';
import { embeddedThread } from './embedded-thread.ts';

/** A program of the suite: where its bundle begins, and what its manual page names. */
export interface BuiltProgram {
  readonly spec: ProgramSpec;
  readonly entry: string;
  /** What it reads. */
  readonly files: readonly string[];
}

const common = '/etc/backup/common_config';

export const programs: readonly BuiltProgram[] = [
  {
    spec: localBackup,
    entry: 'backup-client/main.ts',
    files: [common, '/etc/backup/client_config.yml', '/etc/backup/TYPE/SERVICE/service.yaml'],
  },
  { spec: backupServer, entry: 'backup-server/main.ts', files: [common, '/etc/backup/server_config.yml'] },
  {
    spec: resticMaintenance,
    entry: 'backup-server/maintenance-main.ts',
    files: [common, '/etc/backup/server_config.yml'],
  },
];

/** ES modules have no `require` and no `__dirname`, which some bundled packages still ask for. */
const banner = [
  "import { createRequire as createRequireForBundle } from 'node:module';",
  'const require = createRequireForBundle(import.meta.url);',
  'const __dirname = import.meta.dirname ?? "/";',
].join('\n');

/** All that a file needs becomes part of it. */
export const bundled: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node18.20',
  format: 'esm',
  banner: { js: banner },
  // Faster ciphers of ssh2, compiled for one machine; it does without them.
  external: ['cpu-features', '*.node'],
  plugins: [embeddedThread],
  legalComments: 'none',
  logLevel: 'warning',
};

/** Each program is one file of its own, so that an upgrade while it runs takes nothing away from it. */
export function bundleOptions({ spec, entry }: BuiltProgram): BuildOptions {
  return { ...bundled, entryPoints: [entry], outfile: `dist/lib/${spec.name}.js` };
}
