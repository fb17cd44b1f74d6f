import type { CommandSpec, OptionSpec } from '#common/cli.ts';

/** An option's flags taken apart. */
export interface OptionWords {
  /** Without dashes. */
  readonly short: string | undefined;
  readonly long: string;
  /** What its value stands for, such as `DIR`; undefined where it takes none. */
  readonly value: string | undefined;
  readonly description: string;
}

export function optionWords([flags, description]: OptionSpec): OptionWords {
  const [, short, long = '', value] = /^(?:-(\w), )?--([\w-]+)(?: <(\w+)(?:\.{3})?>)?$/.exec(flags) ?? [];
  if (long === '') throw new Error(`the option "${flags}" is not written as "-s, --long <VALUE>"`);
  return { short, long, value, description };
}

/** What is completed for a value or an argument: by its name in capitals. */
export type Completion = 'folders' | 'files' | 'nothing';

export function completionOf(name: string): Completion {
  if (name === 'DIR') return 'folders';
  return name === 'ARCHIVE' ? 'files' : 'nothing';
}

/** What is completed for the arguments of a command. */
export function argumentCompletion({ arguments: names = '' }: CommandSpec): Completion {
  return completionOf(names.replace(/\W/g, ''));
}
