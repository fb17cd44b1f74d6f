import type { CommandContext, CommandOutcome } from '#common/cli.ts';
import { formatProblem } from '#common/config/problems.ts';
import { exitCodes } from '#common/errors.ts';
import { collectors as builtIn } from '#plugins/index.ts';
import { loadSettings } from './load.ts';

interface PluginLine {
  readonly keys: readonly string[];
  readonly kind: string;
  readonly path: string | undefined;
}

/** `local-backup plugins`: what answers to which key of service.yaml, and which plugins were refused. */
export async function plugins(context: CommandContext): Promise<CommandOutcome> {
  const { config, own } = await loadSettings(context.configDir);
  const lines: PluginLine[] = [
    ...builtIn.map(({ taskKeys }) => ({ keys: taskKeys, kind: 'built in', path: undefined })),
    ...own.plugins.map(({ collector, kind, path }) => ({ keys: collector?.taskKeys ?? [], kind, path })),
  ];
  const refused = own.refused.map(formatProblem);
  const text = [
    ...tableOf(lines),
    ...(own.plugins.length + refused.length === 0 ? ['', `no plugins in ${config.pluginDir}`] : []),
    ...(refused.length === 0 ? [] : ['', 'refused:', ...refused.map((problem) => `  ${problem}`)]),
  ].join('\n');
  return {
    exitCode: refused.length === 0 ? exitCodes.done : exitCodes.failed,
    text,
    json: { plugins: lines, refused: own.refused },
  };
}

function tableOf(lines: readonly PluginLine[]): string[] {
  const rows = lines.map(
    ({ keys, kind, path }) => [keys.join(', ') || '(no key that is used)', kind, path ?? ''] as const,
  );
  const width = (column: 0 | 1) => Math.max(...rows.map((row) => row[column].length));
  return rows.map(([keys, kind, path]) => `${keys.padEnd(width(0))}  ${kind.padEnd(width(1))}  ${path}`.trimEnd());
}
