import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';

/** The programs and where each begins. */
const programs = {
  'local-backup': 'backup-client/main.ts',
  'backup-server': 'backup-server/main.ts',
  'restic-maintenance': 'backup-server/maintenance-main.ts',
};

/** ES modules have no `require` and no `__dirname`, which some bundled packages still ask for. */
const banner = [
  '#!/usr/bin/env node',
  "import { createRequire as createRequireForBundle } from 'node:module';",
  'const require = createRequireForBundle(import.meta.url);',
  'const __dirname = import.meta.dirname ?? "/";',
].join('\n');

await rm('dist', { recursive: true, force: true });
await mkdir('dist/bin', { recursive: true });
await writeFile('dist/package.json', '{ "type": "module" }\n'); // so that programs without an ending are ES modules
for (const [name, entry] of Object.entries(programs)) {
  const outfile = `dist/bin/${name}`;
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node18.20',
    format: 'esm',
    banner: { js: banner },
    // Faster ciphers of ssh2, compiled for one machine; it does without them.
    external: ['cpu-features', '*.node'],
    legalComments: 'none',
    logLevel: 'warning',
  });
  await chmod(outfile, 0o755);
}
