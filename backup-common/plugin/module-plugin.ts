import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { BackupError, messagesOf } from '../errors.ts';
import type { Collector } from './collector.ts';
import { collectorFunctions, interventionFunctions, interventions } from './collector-problem.ts';

/** How long a module may take to be loaded. */
const importTimeoutMs = 10_000;

/** What an ES module exports as its default, or as `collector`: any value. A BackupError when it cannot be loaded. */
export async function importPlugin(path: string, timeoutMs = importTimeoutMs): Promise<unknown> {
  const stop = new AbortController();
  const tooLong = setTimeout(timeoutMs, undefined, { signal: stop.signal }).then(() => {
    throw new Error(`it takes longer than ${timeoutMs / 1000} s`);
  });
  try {
    const exported = (await Promise.race([import(pathToFileURL(path).href), tooLong])) as Record<string, unknown>;
    return exported.default ?? exported.collector;
  } catch (error) {
    throw new BackupError(`cannot be loaded: ${messagesOf(error)[0]}`, { hint: whereabouts(error, path) });
  } finally {
    stop.abort();
    tooLong.catch(() => undefined);
  }
}

/** The collector of a module, with all that it throws an expected failure: a mistake in it is none of ours. */
export function guardedCollector(collector: Collector<unknown>, path: string): Collector<unknown> {
  const guard = guardOf(collector.name, path);
  const { name, taskKeys, phase, schema } = collector;
  const guarded = { name, taskKeys, phase, schema, ...guard(collector, collectorFunctions) } as Collector<unknown>;
  for (const kind of interventions) {
    const own = collector[kind];
    if (own !== undefined) Object.assign(guarded, { [kind]: guard(own, [...interventionFunctions, 'isComplete']) });
  }
  return guarded;
}

type AnyFunction = (...args: readonly unknown[]) => unknown;

/** Of an object those functions that it has, bound to it. */
function guardOf(name: string, path: string) {
  const rethrow = (error: unknown): never => {
    if (error instanceof BackupError || (error instanceof Error && error.name === 'AbortError')) throw error;
    throw new BackupError(`${name}: ${messagesOf(error).join(': ')}`, {
      hint: hintIn(error) ?? whereabouts(error, path),
    });
  };
  const guarded =
    (owner: object, fn: AnyFunction): AnyFunction =>
    (...args) => {
      try {
        const result = Reflect.apply(fn, owner, args);
        return result instanceof Promise ? result.catch(rethrow) : result;
      } catch (error) {
        return rethrow(error);
      }
    };
  return (owner: object, names: readonly string[]): Record<string, AnyFunction> =>
    Object.fromEntries(
      names.flatMap((each) => {
        const fn: unknown = Reflect.get(owner, each);
        return typeof fn === 'function' ? [[each, guarded(owner, fn as AnyFunction)]] : [];
      }),
    );
}

/** A plugin may say what to do next by an error with a text as its `hint`. */
function hintIn(error: unknown): string | undefined {
  const hint = error instanceof Error ? Reflect.get(error, 'hint') : undefined;
  return typeof hint === 'string' ? hint : undefined;
}

function whereabouts(error: unknown, path: string): string {
  if (error instanceof SyntaxError) return `"node --check ${path}" shows the place.`;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const place = stack.split('\n').find((line) => line.includes(path) && /:\d+/.test(line));
  const position = /:(\d+(?::\d+)?)\)?$/.exec(place ?? '')?.[1];
  return `Look at ${path}${position === undefined ? '' : `:${position}`}.`;
}
