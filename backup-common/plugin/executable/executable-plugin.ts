import { resolve } from 'node:path';
import { BackupError } from '../../errors.ts';
import type { Runner } from '../../process/runner.ts';
import type { Collector, CollectorContext, Intervention, RecoveryContext } from '../collector.ts';
import { lastWords, runPlugin } from '../run-plugin.ts';
import { ask } from './ask.ts';
import { addHandedOver } from './handed-over.ts';
import { checkJson, parseJson } from './messages.ts';
import { type Description, descriptionSchema, protocolVersion } from './protocol.ts';

/** Asks an executable what it is. A BackupError when it does not say so as it should; its name and keys are not looked at. */
export async function describePlugin(path: string, runner: Runner, timeout = '10s'): Promise<Collector<unknown>> {
  const name = `"${path} describe"`;
  const input = `${JSON.stringify({ protocol: protocolVersion })}\n`;
  const command = { file: path, args: ['describe'], cwd: '/', input };
  const result = await runPlugin({ command, name, timeout }, runner);
  const { exitCode, stdout } = result;
  if (exitCode !== 0) throw new BackupError(`${name} ended with exit code ${exitCode}${lastWords(result)}`);
  const answer = parseJson(stdout);
  if (answer === undefined) {
    throw new BackupError(`${name} printed ${stdout.trim() === '' ? 'nothing' : 'what is no JSON'}`);
  }
  const { value, problems } = checkJson(answer, descriptionSchema);
  if (value === undefined) throw new BackupError(`${name}: ${problems.join('; ')}`);
  const description = value as Description;
  if (!description.capabilities.some((each) => each === 'collect' || each === 'quiesce'))
    throw new BackupError(`${name}: it can neither collect nor quiesce, so it is of no use`);
  return collectorOf(path, description);
}

function collectorOf(path: string, description: Description): Collector<unknown> {
  const { name, task_keys, phase, schema, capabilities, timeouts, unit_lines } = description;
  const can = (capability: Description['capabilities'][number]) => capabilities.includes(capability);
  const plugin = { path, name, timeouts };
  return {
    name,
    taskKeys: task_keys,
    phase,
    schema: schema as Collector['schema'],
    unitLines: unit_lines,
    ...(can('check') && { skip: checkOf(plugin) }),
    ...(can('quiesce') && { stop: stopOf(plugin) }),
    ...(can('cleanup') && { cleanup: cleanupOf(plugin) }),
    collect: can('collect') ? collectOf(plugin) : async () => undefined,
  };
}

type Plugin = { readonly path: string } & Pick<Description, 'name' | 'timeouts'>;

/** What a task is, for every question about it. */
interface Given {
  readonly options: unknown;
  readonly config_folder: string;
}

function givenBy(options: unknown, { configFolder }: CollectorContext): Given {
  return { options, config_folder: resolve(configFolder) };
}

/** As `skip`, since it may also tell that it is not the time. */
function checkOf({ path, timeouts }: Plugin): NonNullable<Collector<unknown>['skip']> {
  return async (options, context) => {
    const input = { ...givenBy(options, context) };
    const answer = await ask({ path, verb: 'check', input, timeout: timeouts.check }, context);
    return answer.type === 'not now' ? answer.reason : undefined;
  };
}

interface Stopped extends Given {
  /** The plugin's own. */
  readonly state: unknown;
  readonly describes: string;
}

function stopOf({ path, timeouts }: Plugin): Intervention<unknown, Stopped> {
  return {
    async plan(options, context) {
      const input = { ...givenBy(options, context) };
      const answer = await ask({ path, verb: 'plan', input, timeout: timeouts.check }, context);
      const planned = answer.type === 'done' ? answer.messages.state[0] : undefined;
      if (planned === undefined) return undefined;
      return { ...input, state: planned.state ?? null, describes: planned.describes };
    },
    describe: ({ describes }) => describes,
    begin: async ({ describes: _, ...input }, context) => {
      await ask({ path, verb: 'quiesce', input, timeout: timeouts.quiesce }, context);
    },
    end: async ({ describes: _, ...input }, context: RecoveryContext) => {
      await ask({ path, verb: 'resume', input }, context);
    },
  };
}

function cleanupOf({ path, name }: Plugin): Intervention<unknown, Given> {
  return {
    plan: async (options, context) => givenBy(options, context),
    describe: () => `what ${name} makes for its run`,
    begin: async () => undefined,
    end: async (given, context) => {
      await ask({ path, verb: 'cleanup', input: { ...given } }, context);
    },
  };
}

function collectOf({ path, timeouts }: Plugin): Collector<unknown>['collect'] {
  return async (options, context, archive) => {
    const { workFolder, keptFolder } = context;
    const input = { ...givenBy(options, context), work_folder: workFolder, kept_folder: keptFolder };
    const answer = await ask({ path, verb: 'collect', input, cwd: workFolder, timeout: timeouts.collect }, context);
    if (answer.type === 'not now') return context.warn(`${context.taskKey}: nothing was saved: ${answer.reason}`);
    await addHandedOver(answer.messages, context, archive);
  };
}
