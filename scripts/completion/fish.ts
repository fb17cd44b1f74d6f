import { type CommandSpec, globalOptions, helpOption, type ProgramSpec, versionOption } from '#common/cli.ts';
import { argumentCompletion, type Completion, completionOf, type OptionWords, optionWords } from '../option-words.ts';

/** A completion file for fish. */
export function fishCompletion(spec: ProgramSpec): string {
  const everywhere = [...globalOptions, helpOption, versionOption].map(([flags, text]) => optionWords([flags, text]));
  const lines = [
    `# fish completion of ${spec.name}, made from its table of commands`,
    `complete -c ${spec.name} -f`,
    ...everywhere.map((option) => `complete -c ${spec.name} ${optionArguments(option)}`),
    ...spec.commands.flatMap((command) => commandLines(spec, command)),
  ];
  return `${lines.join('\n')}\n`;
}

function commandLines({ name }: ProgramSpec, command: CommandSpec): string[] {
  const inside = `complete -c ${name} -n '__fish_seen_subcommand_from ${command.name}'`;
  const files = argumentCompletion(command) === 'files' ? [`${inside} -F`] : [];
  return [
    `complete -c ${name} -n __fish_use_subcommand -a ${command.name} -d ${quoted(command.summary)}`,
    ...(command.options ?? []).map((option) => `${inside} ${optionArguments(optionWords(option))}`),
    ...files,
  ];
}

function optionArguments({ short, long, value, description }: OptionWords): string {
  const words = [
    ...(short === undefined ? [] : [`-s ${short}`]),
    `-l ${long}`,
    ...(value === undefined ? [] : [valueArguments[completionOf(value)]]),
    `-d ${quoted(description)}`,
  ];
  return words.join(' ');
}

/** For a value: -x keeps the names of files away, which fish offers by itself. */
const valueArguments: Readonly<Record<Completion, string>> = {
  folders: "-x -a '(__fish_complete_directories)'",
  files: '-r -F',
  nothing: '-x',
};

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
