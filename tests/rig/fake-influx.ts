import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface FakeBucket {
  readonly org: string;
  readonly name: string;
  readonly data: string;
}

export interface InfluxState {
  readonly token: string;
  readonly buckets: readonly FakeBucket[];
  /** What goes wrong: the server is down, the program ends well and does nothing, or writes half of the last file. */
  readonly fault?: 'down' | 'nothing' | 'half' | 'missing';
}

export interface FakeInflux {
  /** The folder to put in front of PATH; the program is `influx` in it. */
  readonly bin: string;
  set(state: InfluxState): Promise<void>;
  buckets(): Promise<readonly FakeBucket[]>;
}

/**
 * Stands for the `influx` of version 2 and its server in `folder`, because Debian has neither. It knows `version`, `ping`,
 * `backup` and `restore --full`, keeps buckets, wants its token in the environment, and lays out a backup as the real one
 * does.
 */
export async function fakeInflux(folder: string): Promise<FakeInflux> {
  const [bin, file] = [join(folder, 'bin'), join(folder, 'state.json')];
  await mkdir(bin, { recursive: true });
  await writeFile(join(bin, 'influx'), `#!${process.execPath}\nconst stateFile = ${JSON.stringify(file)};\n${script}`, {
    mode: 0o755,
  });
  return {
    bin,
    set: (state) => writeFile(file, JSON.stringify(state)),
    buckets: async () => (JSON.parse(await readFile(file, 'utf8')) as InfluxState).buckets,
  };
}

const script = String.raw`
const { readFileSync, readdirSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const state = JSON.parse(readFileSync(stateFile, 'utf8'));
const [verb, ...args] = process.argv.slice(2);
const option = (name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const fail = (text) => {
  process.stderr.write('Error: ' + text + '\n');
  process.exit(1);
};
const stamp = '20260801T030512Z';

if (verb === 'version') console.log('Influx CLI 2.7.5 (git: a79a2a1b82) build_date: 2024-04-16T14:32:10Z');
else if (state.fault === 'down') fail('Get "' + option('--host') + '/health": dial tcp [::1]:8086: connect: connection refused');
else if (verb === 'ping') console.log('OK');
else if (process.env.INFLUX_TOKEN !== state.token) fail('failed to backup metadata: failed to download metadata snapshot: 401 Unauthorized: unauthorized access');
else if (verb === 'backup') backup(args.at(-1), option('--org'), option('--bucket'));
else if (verb === 'restore') restore(args.at(-1));

function backup(folder, org, name) {
  if (state.fault === 'nothing') return;
  const add = (fileName, content) => {
    writeFileSync(join(folder, fileName), content);
    return { fileName, size: content.length, compression: option('--compression') ?? 'gzip' };
  };
  const kv = add(stamp + '.bolt', 'keys and values');
  const sql = add(stamp + '.sqlite', 'SQLite format 3');
  const chosen = state.buckets.filter((bucket) => (org ?? bucket.org) === bucket.org && (name ?? bucket.name) === bucket.name);
  const buckets = chosen.map((bucket, index) => {
    const shard = { id: index + 1, shardOwners: [], ...add(stamp + '.' + (index + 1) + '.tar', bucket.data) };
    const retentionPolicies = [{ name: 'autogen', shardGroups: [{ id: 1, shards: [shard] }] }];
    return { organizationName: bucket.org, bucketName: bucket.name, retentionPolicies };
  });
  if (state.fault === 'half') writeFileSync(join(folder, stamp + '.1.tar'), chosen[0].data.slice(1));
  if (state.fault === 'missing') return;
  writeFileSync(join(folder, stamp + '.manifest'), JSON.stringify({ kv, sql, buckets }, null, 2));
}

function restore(folder) {
  const manifest = readdirSync(folder).find((name) => name.endsWith('.manifest'));
  const { buckets } = JSON.parse(readFileSync(join(folder, manifest), 'utf8'));
  state.buckets = buckets.map(({ organizationName, bucketName, retentionPolicies }) => {
    const [shard] = retentionPolicies[0].shardGroups[0].shards;
    return { org: organizationName, name: bucketName, data: readFileSync(join(folder, shard.fileName), 'utf8') };
  });
  writeFileSync(stateFile, JSON.stringify(state));
}
`;
