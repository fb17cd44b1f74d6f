import { dirname, join } from 'node:path';
import type { Command } from '#common/process/command.ts';

/**
 * A configured tool, or another program of its folder when one is named. Words in front of it, such as `nice -n 10`,
 * stay.
 */
export function programBeside(
  tool: string,
  program: string | undefined,
  args: readonly string[],
): Pick<Command, 'file' | 'args'> {
  const words = tool.split(/\s+/).filter((word) => word !== '');
  const own = words.pop() ?? tool;
  const beside = own.includes('/') ? join(dirname(own), program ?? '') : program;
  const [file = own, ...more] = [...words, program === undefined ? own : (beside ?? program)];
  return { file, args: [...more, ...args] };
}
