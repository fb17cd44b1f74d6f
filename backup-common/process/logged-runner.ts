import type { Log } from '../log.ts';
import type { Command, CommandResult } from './command.ts';
import type { Runner } from './runner.ts';

/** A runner that logs, for debugging, every program it runs: its command line (never its environment), its end and its time. */
export function loggedRunner(runner: Runner, log: Log): Runner {
  const note = (command: Command, { exitCode, signal, durationMs }: CommandResult): void => {
    const end = signal === undefined ? { exitCode } : { signal };
    log.debug({ command: [command.file, ...command.args].join(' '), ...end, durationMs }, 'program ended');
  };
  return {
    run: async (command) => {
      const result = await runner.run(command);
      note(command, result);
      return result;
    },
    start: (command) => {
      const program = runner.start(command);
      program.done.then(
        (result) => note(command, result),
        () => undefined, // whoever waits for it hears of it
      );
      return program;
    },
  };
}
