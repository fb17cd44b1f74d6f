import pino from 'pino';
import type { Log } from './log.ts';
import { redact } from './redact.ts';

/** The original's numbers: 0 errors, 1 warnings, 2 information, 3 debugging. */
export type LogLevel = 0 | 1 | 2 | 3;
const names = ['error', 'warn', 'info', 'debug'] as const;
type LevelName = (typeof names)[number];

/** Logs to standard error: short lines where a person looks on, JSON (pino's) for journald and other readers. */
export function createLog(program: string, level: LogLevel): Log {
  return process.stderr.isTTY === true ? terminalLog(level) : jsonLog(program, level);
}

function jsonLog(program: string, level: LogLevel): Log {
  const options = {
    level: names[level],
    base: { program },
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: redact },
  };
  return pino(options, pino.destination({ fd: 2, sync: true }));
}

function terminalLog(level: LogLevel, bindings: object = {}): Log {
  const at = (name: LevelName) => (first: object | string, text?: string) => {
    if (names.indexOf(name) > level) return;
    const own = typeof first === 'string' ? {} : first;
    process.stderr.write(redact(terminalLine(name, { ...bindings, ...own }, text ?? String(first))));
  };
  const child = (more: object) => terminalLog(level, { ...bindings, ...more });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child };
}

const marks: Readonly<Record<LevelName, string>> = { error: 'ERROR ', warn: 'WARN  ', info: '', debug: 'debug ' };

function terminalLine(level: LevelName, bindings: object, message: string): string {
  const facts = Object.entries(bindings).map(([key, value]) => `${key}=${String(value)}`);
  const time = new Date().toTimeString().slice(0, 8);
  return `${[time, `${marks[level]}${message}`, ...facts].join('  ')}\n`;
}
