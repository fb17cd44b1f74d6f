import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { execaRunner } from '#common/process/execa-runner.ts';
import type { TestProject } from './rig/compose-project.ts';
import { database, sql, startDatabaseProject } from './rig/database-project.ts';
import { startDocker, type TestDocker } from './rig/docker.ts';
import { type Fleet, startFleet } from './rig/fleet.ts';

test('the sample with a compose project and its own database: dumped while it runs, then stopped, and started again', async (test) => {
  const engine = await startDocker().catch((error: unknown) => String(error));
  if (typeof engine === 'string') return test.skip(engine);
  test.after(() => engine.stop());
  Object.assign(process.env, engine.env);
  const project = await startDatabaseProject(engine, 'recipes');
  const fleet = await startFleet();
  test.after(() => fleet.stop());
  await fleet.writeService('docker', 'tandoor_recipes', await sampleFor(project, fleet));
  const before = await project.states();

  const plan = await inNetworkOf(engine, fleet, 'plan');
  const steps = [
    /^ {2}1\. collect postgresql$/m,
    /^ {2}2\. stop the compose project recipes \((db, web|web, db)\)$/m,
    /^ {2}3\. collect docker$/m,
    /^ {2}4\. collect files$/m,
    /^ {2}5\. start again the compose project recipes /m,
  ];
  for (const step of steps) assert.match(plan.stdout, step);

  const run = await inNetworkOf(engine, fleet, 'run');
  assert.equal(run.exitCode, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /^(ok|WARNING) +docker\/tandoor_recipes \(.*: downtime \d+\.\d s$/m);
  assert.deepEqual(await project.states(), before);

  const saved = join(await unpackedArchive(fleet), 'docker/tandoor_recipes');
  assert.deepEqual((await readdir(join(saved, 'docker_config'))).sort(), ['.env', 'compose.yaml']);
  assert.deepEqual(await readdir(join(saved, 'data')), ['mediafiles', 'nginx.conf', 'staticfiles']);
  const [dump = ''] = await readdir(join(saved, 'databases'));
  await sql(project, 'postgres', 'create database again');
  await engine.run({ file: 'cp', args: [join(saved, 'databases', dump), join(project.volume('data'), 'dump')] });
  await project.compose(
    ...[
      'exec',
      '-T',
      'db',
      'pg_restore',

      '--username=postgres',
      '--no-owner',
      '--dbname=again',
      '/data/dump',
    ],
  );
  const digest = "select count(*), md5(string_agg(t::text, ',' order by g)) from t";
  assert.equal(await sql(project, 'again', digest), await sql(project, database.name, digest));
});

/** The tasks of the sample, for the project on this machine. */
async function sampleFor({ folder }: TestProject, fleet: Fleet): Promise<Readonly<Record<string, object>>> {
  const text = await readFile('configs/examples/docker/tandoor_recipes/service.yaml', 'utf8');
  const placed = text.replaceAll('/opt/tandoor_recipes/docker-compose.yml', `${folder}/compose.yaml`);
  const { docker, postgresql, files } = parse(placed.replaceAll('/opt/tandoor_recipes', folder));
  for (const name of ['mediafiles', 'staticfiles']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'nginx.conf'), 'server {}\n');
  await writeFile(join(folder, '.env'), 'COLOUR=red\n');
  const { port, name, user, password } = database;
  const pgpass = join(fleet.folder, 'pgpass');
  await writeFile(pgpass, `localhost:${port}:${name}:${user}:${password}\n`, { mode: 0o600 });
  return {
    docker: { ...docker, wait_after_restart: 1 },
    postgresql: { ...postgresql, database: name, user, pgpass },
    files,
  };
}

/** The engine publishes its ports in its own network namespace only. */
function inNetworkOf({ pid }: TestDocker, { folder }: Fleet, command: string) {
  const program = [process.execPath, 'dist/bin/local-backup', command, '--config-dir', join(folder, 'client')];
  return execaRunner().run({
    file: 'nsenter',
    args: [`--net=/proc/${pid}/ns/net`, '--', ...program],
    timeoutMs: 300_000,
  });
}

async function unpackedArchive(fleet: Fleet): Promise<string> {
  const [archive = ''] = (await readdir(fleet.drop)).filter((name) => name.endsWith('.tar.gz'));
  const folder = join(fleet.folder, 'unpacked');
  await mkdir(folder);
  await execaRunner().run({ file: 'tar', args: ['-xzf', join(fleet.drop, archive), '-C', folder] });
  return folder;
}
