import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { BackupError } from '#common/errors.ts';
import { startProject, type TestProject } from './compose-project.ts';
import type { TestDocker } from './docker.ts';
import { serverPrograms } from './postgresql.ts';

/** The database in the project and who may read it. */
export const database = { port: 5433, name: 'recipes', user: 'recipes', password: 'secret' };

/**
 * A compose project with a real PostgreSQL server in the container `db` and another container that needs it. The server
 * is this machine's own: its image is empty, and the container sees /usr.
 */
export async function startDatabaseProject(docker: TestDocker, name: string): Promise<TestProject> {
  const programs = await serverPrograms();
  if (programs === undefined) throw new BackupError('there is no PostgreSQL server here');
  await importImage(docker, programs);
  const project = await startProject(docker, name, {
    db: {
      image: imageName,
      init: false, // its place is below /usr
      command: ['sh', '-c', startServer],
      volumes: ['/usr:/usr:ro', 'data:/data'],
      ports: [`127.0.0.1:${database.port}:5432`],
      stop_signal: 'SIGINT',
      healthcheck: { test: ['CMD', 'pg_isready', '--quiet'], interval: '200ms', retries: 300 },
    },
    web: { depends_on: { db: { condition: 'service_healthy' } } },
  });
  await sql(project, 'postgres', `create role recipes superuser login password '${database.password}'`);
  await sql(project, 'postgres', 'create database recipes owner recipes');
  await sql(project, database.name, 'create table t as select g, md5(g::text) from generate_series(1, 1000) g');
  return project;
}

/** Runs SQL in the container as the superuser; the answer's rows without alignment. */
export async function sql(project: TestProject, name: string, text: string): Promise<string> {
  const client = ['psql', '--no-psqlrc', '-qAt', '-v', 'ON_ERROR_STOP=1', '--username=postgres'];
  return (await project.compose('exec', '-T', 'db', ...client, `--dbname=${name}`, `--command=${text}`)).trim();
}

const imageName = 'rig/host:1';

const startServer = `
  chown postgres /data
  cd /data
  exec setpriv --reuid=postgres --regid=postgres --init-groups sh -ec '
    [ -e PG_VERSION ] ||
      initdb --pgdata=/data --auth-local=trust --auth-host=scram-sha-256 --username=postgres --no-sync >/dev/null
    echo "host all all all scram-sha-256" >> pg_hba.conf
    exec postgres -D /data -c fsync=off -c "listen_addresses=*" -c unix_socket_directories=/tmp
  '`;

async function importImage({ folder, docker, run }: TestDocker, programs: string): Promise<void> {
  const image = join(folder, 'host-image');
  for (const name of ['etc', 'data', 'proc', 'tmp']) await mkdir(join(image, name), { recursive: true });
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) await symlink(`usr/${name}`, join(image, name));
  for (const name of ['passwd', 'group']) await copyFile(`/etc/${name}`, join(image, 'etc', name));
  await run({ file: 'chmod', args: ['1777', join(image, 'tmp')] });
  await run({ file: 'tar', args: ['-C', image, '-cf', `${image}.tar`, '.'] });
  const variables = `ENV PATH=${programs}:/usr/bin:/usr/sbin PGHOST=/tmp`;
  await docker('import', '--change', variables, `${image}.tar`, imageName);
}
