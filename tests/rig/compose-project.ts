import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import { image, type TestDocker } from './docker.ts';

/** A compose project with containers of busybox. */
export interface TestProject {
  readonly name: string;
  readonly folder: string;
  compose(...args: string[]): Promise<string>;
  /** Each container with its state: `web running`. */
  states(): Promise<readonly string[]>;
  /** Where the files of one of its volumes lie. */
  volume(key: string): string;
}

export type Services = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Writes the compose file and starts it. A service that says nothing else sleeps; there is each volume that one mounts. */
export async function startProject(
  engine: TestDocker,
  name: string,
  services: Services,
  command = engine.composes[0] ?? '',
): Promise<TestProject> {
  const folder = join(engine.folder, 'projects', name);
  await mkdir(folder, { recursive: true });
  const defaults = { image, init: true, command: ['sleep', '1000'], stop_grace_period: '10s', volumes: [] };
  const all = Object.entries(services).map(([key, own]) => [key, { ...defaults, ...own }] as const);
  const volumes = all.flatMap(([, own]) => own.volumes as readonly string[]).flatMap(volumeKeys);
  const file = { services: Object.fromEntries(all), volumes: Object.fromEntries(volumes.map((key) => [key, {}])) };
  await writeFile(join(folder, 'compose.yaml'), stringify(file));
  const [program = '', ...words] = command.split(' ');
  const compose = (...args: string[]) => engine.run({ file: program, args: [...words, ...args], cwd: folder });
  await compose('up', '--detach');
  const volume = (key: string) => join(engine.folder, 'data/volumes', `${name}_${key}`, '_data');
  const states = async () => {
    const listed = await engine.docker(
      ...['ps', '--all', '--filter', `label=com.docker.compose.project=${name}`],
      ...['--format', '{{.Label "com.docker.compose.service"}} {{.State}}'],
    );
    return listed.trim().split('\n').sort();
  };
  return { name, folder, compose, states, volume };
}

let made = 0;

/** A project for one test, with a name of its own. */
export async function testProject(
  test: Pick<TestContext, 'after'>,
  engine: TestDocker,
  services: Services,
  compose?: string,
): Promise<TestProject> {
  made += 1;
  const project = await startProject(engine, `project${made}`, services, compose);
  test.after(() => project.compose('down', '--volumes', '--timeout', '0'));
  return project;
}

function volumeKeys(mount: string): readonly string[] {
  return /^\w+(?=:)/.exec(mount) ?? [];
}
