import { parseArgs } from 'node:util';
import { type DataSize, sizes } from './data.ts';

const partNames = ['speed', 'scale'] as const;

export interface BenchOptions {
  readonly parts: readonly (typeof partNames)[number][];
  readonly size: DataSize;
  readonly runs: number;
  readonly json: boolean;
  readonly help: boolean;
}

export const usage = `npm run bench -- [speed] [scale] [--size ${Object.keys(sizes).join('|')}] [--runs 3] [--json]
  speed    next to tar, pigz, rsync and restic, on files of mixed kinds and a dump
  scale    memory, and time per file, with few and with many small files
Without a word it does both. What it makes lies below TMPDIR; 34 GB and 6 million inodes were enough for the full size.`;

/** Throws what is wrong with the arguments. */
export function benchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      size: { type: 'string', default: 'full' },
      runs: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const unknown = positionals.find((word) => !partNames.some((name) => name === word));
  if (unknown !== undefined) throw new Error(`there is no part "${unknown}"`);
  const size = sizes[values.size];
  if (size === undefined) throw new Error(`there is no size "${values.size}"`);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs must be a number from 1 on, not "${values.runs}"`);
  const parts = partNames.filter((name) => positionals.length === 0 || positionals.includes(name));
  return { parts, size, runs, json: values.json, help: values.help };
}
