import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { CommandResult } from '#common/process/command.ts';
import { containerOf, dockerOf } from '../database/container.ts';
import { passwordFile, readPassword } from '../database/credentials.ts';
import { inContainer, onThisMachine, type Place } from '../database/place.ts';
import { programBeside } from '../database/program-beside.ts';
import { firstProgram, programMissing } from '../database/require-program.ts';
import { type Client, type DumpVersion, type Program, parseDumpVersion, questionTimeoutMs } from './commands.ts';
import { connectionArgs } from './connection.ts';
import { mariadbFailure } from './failure.ts';
import type { MariadbOptions } from './mariadb-schema.ts';

export type ClientOptions = Omit<MariadbOptions, 'timeout' | 'database' | 'databases'>;

/** Finds the client programs and reads the secret. Throws a BackupError when one of them is not there. */
export async function openClient(options: ClientOptions, context: RecoveryContext): Promise<Client> {
  const place = await placeOf(options, context);
  const dump = await findProgram(dumpPrograms, place, options, context);
  const version = requireVersion(dump.result, context);
  const { program } = await findProgram(clientPrograms, place, options, context);
  return { ...(await wayOf(options, context)), place, dump: { ...dump.program, version }, client: program };
}

/** The client alone, for questions; undefined where it is not installed. */
export async function openForQuestions(
  context: RecoveryContext,
  options: ClientOptions,
): Promise<Omit<Client, 'dump'> | undefined> {
  const found = await lookFor(clientPrograms, onThisMachine, context.tools.mysqldump, context);
  if (found === undefined) return undefined;
  return { ...(await wayOf(options, context)), place: onThisMachine, client: found.program };
}

/** By the name of either server; undefined is the configured one. */
const dumpPrograms = [undefined, 'mariadb-dump', 'mysqldump'];
const clientPrograms = ['mariadb', 'mysql'];

async function placeOf({ container }: ClientOptions, context: RecoveryContext): Promise<Place> {
  if (container === undefined) return onThisMachine;
  return inContainer(dockerOf(context.tools.docker), await containerOf(container, context));
}

interface FoundProgram {
  readonly program: Program;
  readonly result: CommandResult;
}

async function lookFor(
  names: readonly (string | undefined)[],
  place: Place,
  tool: string,
  context: RecoveryContext,
): Promise<FoundProgram | undefined> {
  const programs = names.map((name) => programBeside(tool, name, []));
  const questions = programs.map(({ file, args }) => ({
    file,
    args: [...args, '--version'],
    timeoutMs: questionTimeoutMs,
  }));
  const found = await firstProgram(questions, place, context);
  const program = programs[found?.index ?? -1];
  return found === undefined || program === undefined ? undefined : { program, result: found.result };
}

async function findProgram(
  names: readonly (string | undefined)[],
  place: Place,
  { container }: ClientOptions,
  context: RecoveryContext,
): Promise<FoundProgram> {
  const { taskKey, tools } = context;
  const isInside = container !== undefined;
  const found = await lookFor(names, place, isInside ? 'mysqldump' : tools.mysqldump, context);
  const words = names.filter((name) => name !== undefined).join(' or ');
  if (found === undefined) {
    const hint = isInside
      ? 'container: must be the one of the database server, which has its client programs.'
      : 'Install mariadb-client, or set tools.mysqldump_cmd in client_config.yml; the client lies beside it.';
    throw programMissing(taskKey, words, isInside ? ' in the container' : '', hint);
  }
  if (found.result.exitCode !== 0) throw mariadbFailure(`${taskKey}: asking for ${words}`, found.result);
  return found;
}

function requireVersion({ stdout }: CommandResult, { taskKey }: RecoveryContext): DumpVersion {
  const version = parseDumpVersion(stdout);
  if (version !== undefined) return version;
  throw new BackupError(`${taskKey}: the dump program does not tell its version: "${stdout.trim()}"`, {
    hint: 'Is it mariadb-dump or mysqldump? See tools.mysqldump_cmd in client_config.yml.',
  });
}

/** An option file or a password, never both: what is in a file would come before the password. */
async function wayOf(options: ClientOptions, { taskKey }: RecoveryContext): Promise<Pick<Client, 'args' | 'env'>> {
  const args = connectionArgs(options);
  const secret = options.password === undefined ? {} : { MYSQL_PWD: await readPassword(options.password, taskKey) };
  if (options.container !== undefined) return { args, env: secret };
  const env = { HOME: '/nonexistent', ...secret }; // so that no other .my.cnf is read
  if (options.password !== undefined) return { args, env };
  const file = await passwordFile(options.defaults_file, '/root/.my.cnf', {
    taskKey,
    hint: "It must be root's own with mode 600, with user and password below [client].",
  });
  return { args: [...(file === undefined ? [] : [`--defaults-extra-file=${file}`]), ...args], env };
}
