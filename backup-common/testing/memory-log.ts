import type { Log } from '../log.ts';

export interface LoggedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly bindings: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A log that keeps its lines. */
export function memoryLog(): { readonly log: Log; readonly lines: readonly LoggedLine[] } {
  const lines: LoggedLine[] = [];
  const logWith = (bindings: object): Log => {
    const at = (level: LoggedLine['level']) => (first: object | string, text?: string) => {
      const own = typeof first === 'string' ? {} : first;
      lines.push({ level, bindings: { ...bindings, ...own }, message: text ?? String(first) });
    };
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: (more) => logWith({ ...bindings, ...more }),
    };
  };
  return { log: logWith({}), lines };
}
