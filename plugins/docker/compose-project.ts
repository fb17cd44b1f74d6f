import { readdirSync, statSync } from 'node:fs';
import { posix } from 'node:path';
import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import { runTool } from '../snapshots/run-tool.ts';
import { type Container, containersOf, inspectContainers } from './containers.ts';
import { composeContainers, dockerAdvice } from './docker-commands.ts';
import type { DockerTask } from './docker-task.ts';

/** Compose's own names for its file, in the order in which it looks for them. */
const defaultNames = ['compose.yaml', 'compose.yml', 'docker-compose.yml', 'docker-compose.yaml'];

/**
 * The files of the project as compose reads them when it is called in its folder: with the override beside a file of a
 * default name. Throws a BackupError where one is not there.
 */
export function filesOf({ files, folder }: DockerTask): readonly string[] {
  for (const file of files) {
    if (statSync(file, { throwIfNoEntry: false })?.isFile()) continue;
    throw new BackupError(`docker: there is no compose file ${file}`, {
      hint: 'Correct compose_file in service.yaml.',
    });
  }
  const names = namesIn(files.length === 0 ? folder : posix.dirname(files[0] ?? ''));
  const found = files.length > 0 ? files : defaultNames.filter((name) => names.includes(name)).slice(0, 1);
  if (found.length === 0) {
    throw new BackupError(`docker: there is no compose file in ${folder}`, {
      hint: `It must be called ${defaultNames.join(', ')}; set compose_file for another name.`,
    });
  }
  return withOverride(
    found.map((file) => posix.resolve(folder, file)),
    names,
  );
}

/** The containers of the project; none where it was never started. Changes nothing. */
export async function projectContainers(task: DockerTask, context: RecoveryContext): Promise<readonly Container[]> {
  const project = await projectNameOf(task, context);
  return project === undefined ? [] : containersOf(project, context);
}

/** As its containers say it: the name is made of more than the folder, and by other rules in each version of compose. */
export async function projectNameOf(task: DockerTask, context: RecoveryContext): Promise<string | undefined> {
  if (task.projectName !== undefined) return task.projectName;
  const command = composeContainers(context.tools.docker, { ...task, files: filesOf(task) });
  const listed = await runTool(command, `read the compose project in ${task.folder}`, context, dockerAdvice);
  const [id = ''] = listed.split('\n');
  return id === '' ? undefined : (await inspectContainers([id], context))[0]?.project;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new BackupError(`docker: cannot look into ${folder}`, { cause, hint: 'Correct project_directory.' });
  }
}

function withOverride(files: readonly string[], names: readonly string[]): readonly string[] {
  const [file = ''] = files;
  if (files.length !== 1 || !defaultNames.includes(posix.basename(file))) return files;
  const overrides = defaultNames.map((name) => name.replace(/\.ya?ml$/, '.override$&'));
  const override = overrides.find((name) => names.includes(name));
  return override === undefined ? files : [file, posix.join(posix.dirname(file), override)];
}
