import { BackupError } from '#common/errors.ts';
import type { RecoveryContext } from '#common/plugin/collector.ts';
import type { Command, CommandResult } from '#common/process/command.ts';
import { containerOf, dockerOf } from '../database/container.ts';
import { readPassword } from '../database/credentials.ts';
import { inContainer, onThisMachine } from '../database/place.ts';
import { type Hints, programFailure } from '../database/program-failure.ts';
import { firstProgram, programMissing } from '../database/require-program.ts';
import { type Address, errorIn, redisCli } from './redis-commands.ts';
import type { RedisOptions } from './redis-schema.ts';

/** The server of a task, with what is needed to speak to it. */
export interface RedisServer {
  readonly address: Address;
  /** Its name in messages. */
  readonly name: string;
  /** Makes of a command one that runs where the server is reached, with the password in its environment. */
  place(command: Command, timeoutMs?: number): Command;
  /** The server's answer to a command. Throws a BackupError for every error. */
  ask(...words: string[]): Promise<string>;
}

const answerTimeoutMs = 30_000;

/** Finds its container and reads the password; asks nothing yet. */
export async function openServer(options: RedisOptions, context: RecoveryContext): Promise<RedisServer> {
  const { container, password } = options;
  const docker = dockerOf(context.tools.docker);
  const at = container === undefined ? onThisMachine : inContainer(docker, await containerOf(container, context));
  const env = password === undefined ? {} : { REDISCLI_AUTH: await readPassword(password, context.taskKey) };
  const place = (command: Command, timeoutMs = answerTimeoutMs) => at({ ...command, env, timeoutMs });
  const name = nameOf(options);
  return {
    address: options,
    name,
    place,
    ask: async (...words) => {
      const result = await context.runner.run(place(redisCli(options, words)));
      const what = `redis: ${words.join(' ')} at ${name}`;
      const refusal = refusalIn(result);
      if (refusal !== undefined) throw refused(what, refusal);
      if (result.exitCode !== 0) throw redisFailure(what, result);
      return result.stdout.trimEnd();
    },
  };
}

/** Throws a BackupError unless redis-cli is there, and the server answers with data it may give. */
export async function requireServer(server: RedisServer, context: RecoveryContext): Promise<void> {
  const found = await firstProgram([{ file: 'redis-cli', args: ['--version'] }], server.place, context);
  if (found === undefined) {
    const hint = 'Install it: apt-get install redis-tools. For a server in a container name that: container: NAME.';
    throw programMissing('redis', 'redis-cli', ` where ${server.name} is`, hint);
  }
  if (found.result.exitCode !== 0) throw redisFailure(`redis: redis-cli at ${server.name}`, found.result);
  const answer = await server.ask('PING');
  if (answer === 'PONG') return;
  throw new BackupError(`redis: ${server.name} does not answer PING as Redis does: ${answer.slice(0, 100)}`, {
    hint: 'Is that the port of another program?',
  });
}

/** redis-cli ends well also when the server refuses, and goes on when it refuses the password. */
function refusalIn({ stdout, stderr }: CommandResult): string | undefined {
  return /^AUTH failed.*/m.exec(stderr)?.[0] ?? errorIn(stdout);
}

function refused(what: string, refusal: string): BackupError {
  const [, hint] = redisHints.find(([said]) => said.test(refusal)) ?? [];
  return new BackupError(`${what} was refused: ${refusal}`, hint === undefined ? {} : { hint });
}

function nameOf({ host, port, socket, container }: RedisOptions): string {
  const address = socket ?? `${host}:${port}`;
  if (container === undefined) return address;
  return `${address} in ${typeof container === 'string' ? container : container.service}`;
}

export const redisHints: Hints = [
  [
    /NOAUTH|AUTH failed|WRONGPASS/,
    'The server wants a password, or another one; name it by password: {file: …}, with its user.',
  ],
  [
    /NOPERM/,
    'Its user may not do that: "bgsave" needs +ping +info +bgsave +config|get, "rdb" +ping +sync +psync +replconf.',
  ],
  [/unknown command/i, 'The server has renamed or switched off that command; try the other method.'],
  [
    /refused|No such file|not resolve|Name or service|timed out|No route/,
    'Is the server up, and is that its address? See host, port and socket.',
  ],
  [/LOADING/, 'The server is reading its data in; try again when it is up.'],
  [/MISCONF|No space/, "See the server's own log: it cannot save its data."],
];

export function redisFailure(what: string, result: CommandResult): BackupError {
  return programFailure(what, result, redisHints);
}
