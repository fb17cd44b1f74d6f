import { chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { bashCompletion } from './completion/bash.ts';
import { fishCompletion } from './completion/fish.ts';
import { zshCompletion } from './completion/zsh.ts';
import { launcher } from './launcher.ts';
import { manualPage } from './manual-page.ts';
import { type BuiltProgram, bundleOptions, programs } from './programs.ts';

/**
 * Makes in `dist` what is installed in `/opt/backup` and below `/usr/share`: `bin` and `lib`, manual pages, completions.
 */
await rm('dist', { recursive: true, force: true });
await write('package.json', '{ "type": "module" }\n'); // so that programs without an ending are ES modules
await cp('backup-common/plugin/shell/shell-functions', 'dist/lib/shell-functions', { recursive: true });
for (const program of programs) {
  const { name } = program.spec;
  await build(bundleOptions(program));
  await write(`bin/${name}`, launcher(name));
  await chmod(`dist/bin/${name}`, 0o755);
  await write(`man/${name}.8`, manualPage(program.spec, program.files, othersThan(program)));
  await write(`completions/bash/${name}`, bashCompletion(program.spec));
  await write(`completions/zsh/_${name}`, zshCompletion(program.spec));
  await write(`completions/fish/${name}.fish`, fishCompletion(program.spec));
}

function othersThan(program: BuiltProgram): string[] {
  return programs.filter((other) => other !== program).map(({ spec }) => spec.name);
}

async function write(name: string, text: string): Promise<void> {
  const path = join('dist', name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
