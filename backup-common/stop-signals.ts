import { BackupError, exitCodes } from './errors.ts';

const codes = { SIGHUP: exitCodes.hungUp, SIGINT: exitCodes.interrupted, SIGTERM: exitCodes.terminated } as const;
const signals = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;

/**
 * Ends the run in good order when a signal comes, also when its terminal goes away; whoever sends three wants the end
 * at once. The function that comes back stops listening and tells the exit code of the first signal.
 */
export function abortOnSignals(stop: AbortController): () => number | undefined {
  let code: number | undefined;
  let count = 0;
  const handle = (signal: (typeof signals)[number]): void => {
    code ??= codes[signal];
    count += 1;
    stop.abort(new BackupError(`ended by ${signal}`, { kind: 'aborted', exitCode: code }));
    if (count >= 3) process.exit(code);
  };
  for (const signal of signals) process.on(signal, handle);
  return () => {
    for (const signal of signals) process.off(signal, handle);
    return code;
  };
}
