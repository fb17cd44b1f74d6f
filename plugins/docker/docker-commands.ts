import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { Command } from '#common/process/command.ts';
import { dockerOf } from '../database/container.ts';
import { type Advice, runTool } from '../snapshots/run-tool.ts';
import type { DockerTask } from './docker-task.ts';

const lookMs = 60_000;
/** Beyond what the containers themselves may take. */
const changeMs = 10 * 60_000;

/** A command of docker's, without the words that it begins with on this machine. */
export interface DockerCommand {
  readonly args: readonly string[];
  readonly timeoutMs: number;
}

export const showVersion: DockerCommand = look('version', '--format', '{{.Server.Version}}');
export const listVolumes: DockerCommand = look('volume', 'ls', '--quiet');
/** The volumes that no container has. */
export const listUnusedVolumes: DockerCommand = look('volume', 'ls', '--quiet', '--filter', 'dangling=true');
/** `project<tab>folder` for each container that belongs to a compose project. */
export const listProjects: DockerCommand = look(
  ...['ps', '--all', '--filter', `label=${label('project')}`],
  ...['--format', `{{.Label "${label('project')}"}}\t{{.Label "${label('project.working_dir')}"}}`],
);

/** The ids of a project's containers, whatever their state; not those of `compose run`. */
export function listContainers(project: string): DockerCommand {
  const filters = [`label=${label('project')}=${project}`, `label=${label('oneoff')}=False`];
  return look('ps', '--all', '--quiet', '--no-trunc', ...filters.flatMap((filter) => ['--filter', filter]));
}

export function inspect(kind: 'container' | 'image' | 'volume', names: readonly string[]): DockerCommand {
  return look(kind, 'inspect', '--', ...names);
}

export function stopContainers(ids: readonly string[], seconds: number | undefined): DockerCommand {
  const time = seconds === undefined ? [] : ['-t', String(seconds)]; // its long name is another one in each version
  return { args: ['stop', ...time, '--', ...ids], timeoutMs: changeMs + (seconds ?? 0) * 1000 };
}

export function changeContainers(verb: 'start' | 'pause' | 'unpause', ids: readonly string[]): DockerCommand {
  return { args: [verb, '--', ...ids], timeoutMs: changeMs };
}

/** The ids of the containers that compose takes for those of a project. */
export function composeContainers(compose: string, { files, folder, projectName }: DockerTask): Command {
  const name = projectName === undefined ? [] : ['--project-name', projectName];
  const chosen = files.flatMap((path) => ['--file', path]);
  return {
    ...composeCommand(compose, [...name, '--project-directory', folder, ...chosen, 'ps', '--all', '--quiet']),
    cwd: folder,
  };
}

export function composeVersion(compose: string): Command {
  return composeCommand(compose, ['version']);
}

/** Runs a command of docker's and gives what it printed; `what` says for people what could not be done otherwise. */
export function runDocker({ args, timeoutMs }: DockerCommand, what: string, context: RecoveryContext): Promise<string> {
  const [file = 'docker', ...words] = dockerOf(context.tools.docker);
  return runTool({ file, args: [...words, ...args], timeoutMs }, what, context, dockerAdvice);
}

/** What a container has said last, as far as docker can tell. */
export async function readLastLogLines(id: string, { runner, tools }: RecoveryContext): Promise<string> {
  const [file = 'docker', ...words] = dockerOf(tools.docker);
  const args = [...words, 'logs', '--tail', '3', '--', id];
  const { exitCode, stdout, stderr } = await runner.run({ file, args, timeoutMs: lookMs });
  if (exitCode !== 0) return '';
  return `${stdout}${stderr}`.trim().split('\n').slice(-3).join(' / ');
}

/** The label that compose gives its containers, networks and volumes. */
export function label(name: string): string {
  return `com.docker.compose.${name}`;
}

function composeCommand(compose: string, args: readonly string[]): Command {
  const [file = 'docker', ...words] = compose.split(/\s+/).filter((word) => word !== '');
  return { file, args: [...words, ...args], timeoutMs: lookMs };
}

function look(...args: readonly string[]): DockerCommand {
  return { args, timeoutMs: lookMs };
}

export const dockerAdvice: Advice = {
  install: 'Install docker.io and docker-compose, or set tools.docker_cmd in client_config.yml.',
  hints: [
    [/docker daemon/i, 'Is docker.service up, and may root reach it? Try "docker ps".'],
    [
      /not a docker command|unknown command|unknown flag/,
      "Install docker's compose plugin, or set tools.docker_cmd in client_config.yml to docker-compose.",
    ],
  ],
  otherwise: 'Run it by hand as root; local-backup --verbose shows the command.',
};
