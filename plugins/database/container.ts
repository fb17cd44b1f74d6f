import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { Command, CommandResult } from '#common/process/command.ts';
import type { ContainerOption } from './container-schema.ts';

/** The command `docker` that belongs to a compose command: `docker compose` and `docker-compose` are both docker's. */
export function dockerOf(compose: string): readonly string[] {
  const words = wordsOf(compose);
  const last = words.at(-1) ?? '';
  if (last === 'compose') return words.slice(0, -1);
  return [...words.slice(0, -1), last.replace(/-compose$/, '')];
}

/** The name or id of the container that an option names. Throws a BackupError where its compose service does not run. */
export async function containerOf(option: ContainerOption, context: RecoveryContext): Promise<string> {
  if (typeof option === 'string') return option;
  const result = await context.runner.run(findContainer(context.tools.docker, option));
  const [id = ''] = result.stdout.trim().split('\n');
  if (result.exitCode === 0 && id !== '') return id;
  throw new BackupError(`${context.taskKey}: the compose service ${option.service} does not run${saidBy(result)}`, {
    hint: `See "docker compose --file ${option.compose_file} ps --all".`,
  });
}

/** The folders of this machine in which a container keeps what it has below `folder`: its volumes and bind mounts. */
export async function mountsBelow(folder: string, container: string, context: RecoveryContext): Promise<string[]> {
  const result = await context.runner.run(inspectMounts(dockerOf(context.tools.docker), container));
  return result.exitCode === 0 ? parseMounts(result.stdout, folder) : [];
}

/** The ports of this machine behind which a port of a container is. */
export async function publishedPorts(port: number, container: string, context: RecoveryContext): Promise<string[]> {
  const [file = 'docker', ...words] = dockerOf(context.tools.docker);
  const command = { file, args: [...words, 'port', container, String(port)], timeoutMs: 60_000 };
  const { exitCode, stdout } = await context.runner.run(command);
  const ports = stdout.split('\n').flatMap((line) => /:(\d+)$/.exec(line)?.[1] ?? []);
  return exitCode === 0 ? [...new Set(ports)] : [];
}

/** `source<tab>destination` lines: the sources of what is mounted at the folder or below it. */
export function parseMounts(output: string, folder: string): string[] {
  const mounts = output.split('\n').map((line) => line.split('\t'));
  return mounts.flatMap(([source = '', destination]) =>
    destination === folder || destination?.startsWith(`${folder}/`) === true ? [source] : [],
  );
}

function findContainer(compose: string, option: Exclude<ContainerOption, string>): Command {
  const [file = 'docker', ...words] = wordsOf(compose);
  const args = [...words, '--file', option.compose_file, 'ps', '--quiet', option.service];
  return { file, args, timeoutMs: 60_000 };
}

function inspectMounts(docker: readonly string[], container: string): Command {
  const [file = 'docker', ...words] = docker;
  const format = '{{range .Mounts}}{{.Source}}\t{{.Destination}}\n{{end}}';
  return { file, args: [...words, 'inspect', '--format', format, '--', container], timeoutMs: 60_000 };
}

function wordsOf(command: string): readonly string[] {
  return command.split(/\s+/).filter((word) => word !== '');
}

function saidBy({ stderr }: CommandResult): string {
  const last = stderr.trim().split('\n').at(-1) ?? '';
  return last === '' ? '' : `: ${last}`;
}
