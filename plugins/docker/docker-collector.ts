import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { Collector, CollectorContext, ServiceArchive } from '#common/plugin/collector.ts';
import { runTool } from '../snapshots/run-tool.ts';
import { filesOf, projectContainers, projectNameOf } from './compose-project.ts';
import type { Container } from './containers.ts';
import { dockerAssets } from './docker-assets.ts';
import { composeVersion, dockerAdvice, runDocker, showVersion } from './docker-commands.ts';
import { type DockerOptions, dockerSchema } from './docker-schema.ts';
import { type DockerTask, dockerTaskOf } from './docker-task.ts';
import { imagesOf, pinImages } from './pinned-images.ts';
import { stopProject } from './stop-project.ts';
import { allVolumes, type VolumeSource, volumeSources } from './volumes.ts';

/** Stops a compose project for the other tasks; its compose files go to `docker_config/`, its volumes to `volumes/`. */
export const dockerCollector: Collector<DockerOptions> = {
  name: 'docker',
  taskKeys: ['docker'],
  phase: 'quiesced',
  schema: dockerSchema,
  stop: stopProject,

  async check(options, context) {
    const task = dockerTaskOf(options, context.configFolder);
    configPlaces(task);
    await runDocker(showVersion, 'reach docker', context);
    await runTool(composeVersion(context.tools.docker), 'run compose', context, dockerAdvice);
    const containers = await projectContainers(task, context);
    if (containers.length === 0) {
      context.warn(`docker: the compose project in ${task.folder} has no containers; if it has, set its project_name`);
    }
    await sourcesOf(task, containers, context);
  },

  async collect(options, context, archive) {
    const task = dockerTaskOf(options, context.configFolder);
    const containers = await projectContainers(task, context);
    if (task.savesConfig) {
      for (const { source, as } of configPlaces(task)) await archive.addTree({ source, as });
    }
    if (task.pinsImages) await savePinnedImages(containers, context, archive);
    for (const { source, as } of await sourcesOf(task, containers, context)) await archive.addTree({ source, as });
  },

  findAssets: dockerAssets,

  async coverage(options, context) {
    const task = dockerTaskOf(options, context.configFolder);
    const project = await projectNameOf(task, context);
    const sources = await sourcesOf(task, await projectContainers(task, context), context);
    return {
      assets: [
        ...(project === undefined ? [] : [{ kind: 'compose project', name: project }]),
        ...sources.map(({ name }) => ({ kind: 'volume', name })),
      ],
      paths: sources.map(({ source }) => source),
    };
  },
};

/** The compose files and, if it is there, `.env`. */
function configPlaces(task: DockerTask): readonly { readonly source: string; readonly as: string }[] {
  const env = posix.join(task.folder, '.env');
  const sources = [...filesOf(task), ...(existsSync(env) ? [env] : [])];
  const places = sources.map((source) => ({ source, as: `docker_config/${posix.basename(source)}` }));
  const twice = places.find(({ as }, index) => places.findIndex((other) => other.as === as) !== index);
  if (twice === undefined) return places;
  throw new BackupError(`docker: two compose files would be ${twice.as} in the archive`, {
    hint: 'Set backup_config: false and save them by a files task, or give them different names.',
  });
}

async function sourcesOf(
  task: DockerTask,
  containers: readonly Container[],
  context: CollectorContext,
): Promise<readonly VolumeSource[]> {
  if (task.volumes.length === 0) return [];
  return volumeSources(task, containers, await allVolumes(context));
}

async function savePinnedImages(
  containers: readonly Container[],
  context: CollectorContext,
  archive: ServiceArchive,
): Promise<void> {
  const { file, unknown } = pinImages(containers, await imagesOf(containers, context));
  if (unknown.length > 0) {
    context.warn(`docker: no registry is known to have ${unknown.join(', ')}, so it is not pinned`);
  }
  if (file === undefined) return;
  await archive.addStream({ as: 'docker_config/pinned-images.yaml', content: once(file) });
}

async function* once(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}
