import type { Asset, RecoveryContext } from '#common/plugin/collector.ts';
import { isProgram } from '../command/find-program.ts';
import { dockerOf } from '../database/container.ts';
import { listProjects, listUnusedVolumes, runDocker, showVersion } from './docker-commands.ts';
import { allVolumes } from './volumes.ts';

/** The compose projects that have containers, and the volumes, but for those without a name that nothing uses. */
export async function dockerAssets(context: RecoveryContext): Promise<readonly Asset[]> {
  const [program = 'docker'] = dockerOf(context.tools.docker);
  if (!isProgram(program, '/') || !(await isReached(context))) return [];
  const projects = parseProjects(await runDocker(listProjects, 'list the compose projects', context));
  const unused = (await runDocker(listUnusedVolumes, 'list the volumes', context)).split('\n');
  const volumes = (await allVolumes(context)).filter(
    ({ name }) => !(unused.includes(name) && /^[0-9a-f]{64}$/.test(name)),
  );
  return [
    ...projects,
    ...volumes.map(({ name, mountpoint }) => ({
      kind: 'volume',
      name,
      ...(mountpoint !== '' && { path: mountpoint }),
    })),
  ];
}

function isReached(context: RecoveryContext): Promise<boolean> {
  return runDocker(showVersion, 'reach docker', context).then(
    () => true,
    () => false,
  );
}

/** `project<tab>folder` lines, one for each container. */
function parseProjects(output: string): readonly Asset[] {
  const lines = [...new Set(output.split('\n'))].filter((line) => line !== '');
  const folders = new Map(lines.map((line) => line.split('\t') as [string, string]));
  return [...folders].map(([name, path]) => ({ kind: 'compose project', name, ...(path !== '' && { path }) }));
}
