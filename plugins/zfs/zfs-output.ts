import { datasetColumns } from './zfs-commands.ts';

export interface Dataset {
  readonly name: string;
  readonly guid: string;
  readonly type: 'filesystem' | 'volume';
  readonly isMounted: boolean;
  /** Where it is or would be mounted; undefined for `none`, `legacy`, and volumes. */
  readonly mountpoint: string | undefined;
  /** Only there to hold others: it is never mounted. */
  readonly isContainer: boolean;
  readonly isEncrypted: boolean;
  /** Whether its data can be read: false while its key is not loaded. */
  readonly isOpen: boolean;
}

/** The answer to `listDatasets`. */
export function parseDatasets(output: string): readonly Dataset[] {
  return rowsOf(output).map((values) => {
    const value = (column: string): string => values[datasetColumns.indexOf(column)] ?? '';
    const mountpoint = value('mountpoint');
    return {
      name: value('name'),
      guid: value('guid'),
      type: value('type') === 'volume' ? 'volume' : 'filesystem',
      isMounted: value('mounted') === 'yes',
      mountpoint: mountpoint.startsWith('/') ? mountpoint : undefined,
      isContainer: value('canmount') === 'off',
      isEncrypted: !['off', '-', ''].includes(value('encryption')),
      isOpen: value('keystatus') !== 'unavailable',
    };
  });
}

/** Lines of two columns, such as the name and the owner of a snapshot. */
export function parsePairs(output: string): readonly (readonly [string, string])[] {
  return rowsOf(output).map(([first = '', second = '']) => [first, second]);
}

function rowsOf(output: string): readonly string[][] {
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}

/** Why what `zstream dump` said of a stream does not show that it is whole; undefined when it does. */
export function streamProblem(said: string, sentBytes: number): string | undefined {
  const total = (what: string): number => Number(new RegExp(`Total ${what} = (\\d+)`).exec(said)?.[1] ?? 0);
  if (/incorrect checksum|invalid|differs/i.test(said)) return 'its checksums do not match';
  if (total('DRR_BEGIN records') === 0) return 'it is empty';
  if (total('DRR_END records') !== total('DRR_BEGIN records')) return 'it is cut off';
  if (total('stream length') !== sentBytes) return 'there is more than the stream in it';
  return undefined;
}
