import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { commonKeys } from '#common/config/common-config.ts';
import type { Schema } from '#common/config/json-schema.ts';
import { collectors } from '#plugins/index.ts';
import { clientConfigSchema } from '../backup-client/client-config-schema.ts';
import { serviceSchema } from '../backup-client/service-schema.ts';
import { serverConfigSchema } from '../backup-server/server-config-schema.ts';
import { copyrightFile } from './copyright-file.ts';
import { type CommonKeys, referencePage } from './reference-page.ts';
import { thirdParties } from './third-party.ts';

/**
 * Writes what is made from the schemas, the editor's schema of each file and the reference page, and from the bundles, the
 * list of what is in them. With `--check` it only compares, and exits with 1 naming what is stale; with `--into DIR` it
 * does so there.
 */
const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, into: { type: 'string', default: '.' } },
});
const schemas: Readonly<Record<string, Schema>> = {
  client_config: clientConfigSchema,
  server_config: serverConfigSchema,
  service: serviceSchema(collectors),
};
const files = new Map<string, string>([
  ...Object.entries(schemas).map(
    ([name, schema]) => [`docs/schemas/${name}.schema.json`, editorSchema(schema)] as const,
  ),
  ['debian/copyright', copyrightFile(await readFile('LICENSE', 'utf8'), await thirdParties())],
  ['docs/configuration.md', referencePage(commonKeys satisfies CommonKeys, Object.values(schemas), collectors)],
]);

const stale: string[] = [];
for (const [name, text] of files) {
  const path = join(values.into, name);
  const found = await readFile(path, 'utf8').catch(() => '');
  if (found === text) continue;
  stale.push(name);
  if (values.check) continue;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  console.log(`written: ${name}`);
}
if (values.check && stale.length > 0) {
  console.error(`stale, run "npm run generate": ${stale.join(', ')}`);
  process.exit(1);
}

/** Without our own keywords and formats, which editors do not know. */
function editorSchema(schema: Schema): string {
  const known = new Set(['duration', 'byte-size', 'absolute-path', 'safe-name', 'time-zone']);
  const strip = (key: string, value: unknown): unknown =>
    key === 'expected' || (key === 'format' && known.has(String(value))) ? undefined : value;
  return `${JSON.stringify(schema, strip, 2)}\n`;
}
