import { BackupError } from '../../errors.ts';
import type { RecoveryContext } from '../collector.ts';
import { lastWords, runPlugin } from '../run-plugin.ts';
import { type Messages, readMessages } from './messages.ts';
import { pluginExitCodes, protocolVersion, type Verb } from './protocol.ts';

/** What a plugin is asked about a task. */
export interface Question {
  readonly path: string;
  readonly verb: Exclude<Verb, 'describe'>;
  /** What comes with the verb beside what is common to all. */
  readonly input: Readonly<Record<string, unknown>>;
  /** Where it begins; the root folder when left out. */
  readonly cwd?: string;
  /** A duration; without it nothing but the end of the context ends it. */
  readonly timeout?: string;
}

/** What a plugin answered: what it said, or that it is not the time. */
export type Answer =
  | { readonly type: 'done'; readonly messages: Messages }
  | { readonly type: 'not now'; readonly reason: string };

/** Asks a plugin about a task. Its warnings are passed on; a BackupError for all that is not a proper answer. */
export async function ask(question: Question, context: RecoveryContext): Promise<Answer> {
  const { service, taskKey: task, runner, log } = context;
  const { path, verb, cwd = '/', timeout } = question;
  const input = JSON.stringify({ protocol: protocolVersion, service, task, ...question.input });
  const name = `"${path} ${verb}"`;
  const command = { file: path, args: [verb], cwd, input: `${input}\n` };
  const result = await runPlugin({ command, name, timeout }, runner);
  if (result.stderr !== '') log.debug({ task, verb, stderr: result.stderr }, 'a plugin said');
  const messages = readMessages(result.stdout, verb);
  for (const { message } of messages.warning) context.warn(`${task}: ${message}`);
  const [error] = messages.error;
  if (error !== undefined) throw new BackupError(`${task}: ${error.message}`, { hint: error.hint ?? byHand });
  if (result.exitCode === pluginExitCodes.notNow && maySayNotNow(verb)) {
    return { type: 'not now', reason: messages.skip[0]?.reason ?? (lastWords(result).slice(2) || 'not now') };
  }
  if (result.exitCode !== pluginExitCodes.done) {
    throw new BackupError(`${name} ended with exit code ${result.exitCode}${lastWords(result)}`, {
      hint: byHand,
    });
  }
  if (messages.problem !== undefined) {
    throw new BackupError(`${name} ${messages.problem}`, {
      hint: 'Standard output is for messages, one JSON object a line; all else belongs on standard error.',
    });
  }
  return { type: 'done', messages };
}

const byHand = 'Run it by hand as root; all that it says on standard error is in the log with --verbose.';

function maySayNotNow(verb: Verb): boolean {
  return verb === 'check' || verb === 'collect';
}
