import { setTimeout } from 'node:timers/promises';
import { type CommandContext, type CommandOutcome, type ProgramSpec, runProgram } from '../cli.ts';
import { BackupError } from '../errors.ts';

/** A program for tests of the command line, with a command for each way in which one can end. */
const program: ProgramSpec = {
  name: 'tiny',
  version: '1.2.3',
  summary: 'Does next to nothing.',
  commands: [
    { name: 'show', summary: 'show what it was given', options: [['--deep', 'look deeper']], run: show },
    { name: 'echo', summary: 'repeat words', arguments: '<WORD> [WORD...]', examples: ['echo hello'], run: show },
    { name: 'long', summary: 'print a long text', run: async () => outcome('x'.repeat(5_000_000)) },
    { name: 'partly', summary: 'fail without an error', run: async () => ({ ...outcome('one failed'), exitCode: 1 }) },
    { name: 'fail', summary: 'fail as we expect it', run: fail },
    { name: 'bug', summary: 'fail as nobody expects it', run: () => Promise.reject(new TypeError('x is not y')) },
    { name: 'late-bug', summary: 'fail outside the command', run: lateBug },
    { name: 'wait', summary: 'wait for a signal and clean up', run: wait },
    { name: 'clinging', summary: 'leave something open for ever', run: clinging },
    { name: 'stubborn', summary: 'never end', run: stubborn },
  ],
};

await runProgram(program, process.argv.slice(2));

function outcome(text: string, json: unknown = text): CommandOutcome {
  return { exitCode: 0, text, json };
}

async function show({ args, options, configDir, dryRun, quiet, logAt }: CommandContext): Promise<CommandOutcome> {
  const log = logAt(2);
  log.debug('a debug line');
  log.info({ url: 'https://u:secret@host' }, 'an info line');
  log.child({ host: 'web' }).warn({ stage: 'fetch' }, 'a warning');
  log.error('an error line');
  return outcome(`shown ${args.join(' ')}`, { args, options, configDir, dryRun, quiet });
}

async function fail(): Promise<never> {
  const root = new BackupError('https://u:secret@host said no', { hint: 'Ask again.' });
  throw new BackupError('nothing was fetched', { cause: new Error('the link broke', { cause: root }), exitCode: 75 });
}

async function lateBug(): Promise<never> {
  process.nextTick(() => {
    throw new TypeError('nobody waits for this');
  });
  return new Promise(() => undefined);
}

async function wait({ signal }: CommandContext): Promise<CommandOutcome> {
  try {
    process.stdout.write('waiting\n');
    await setTimeout(60_000, undefined, { signal });
    return outcome('nobody came');
  } finally {
    await setTimeout(1);
    process.stdout.write('cleaned up\n');
  }
}

async function clinging(): Promise<CommandOutcome> {
  globalThis.setInterval(() => undefined, 60_000);
  return { ...outcome('x'.repeat(5_000_000)), exitCode: 1 };
}

async function stubborn({ signal }: CommandContext): Promise<CommandOutcome> {
  process.stdout.write('waiting\n');
  signal.addEventListener('abort', () => process.stdout.write('heard\n'));
  await setTimeout(60_000);
  return outcome('nobody came');
}
