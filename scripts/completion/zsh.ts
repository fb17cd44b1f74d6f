import { type CommandSpec, globalOptions, helpOption, type ProgramSpec, versionOption } from '#common/cli.ts';
import { argumentCompletion, type Completion, completionOf, type OptionWords, optionWords } from '../option-words.ts';

/** A completion file for zsh. */
export function zshCompletion(spec: ProgramSpec): string {
  const everywhere = [...globalOptions, helpOption, versionOption].map(([flags, text]) => optionWords([flags, text]));
  const commands = spec.commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = spec.commands.map(
    (command) => `        ${command.name}) _arguments ${argumentsOf(command)} $everywhere ;;`,
  );
  return `#compdef ${spec.name}
# zsh completion, made from the program's table of commands
local -a commands everywhere
local state line
typeset -A opt_args
commands=(
${commands.join('\n')}
)
everywhere=(
${everywhere
  .flatMap(specsOf)
  .map((text) => `    ${text}`)
  .join('\n')}
)
_arguments -C $everywhere '1: :->command' '*:: :->argument'
case $state in
    command) _describe command commands ;;
    argument)
      case $line[1] in
${cases.join('\n')}
      esac ;;
esac
`;
}

function argumentsOf(command: CommandSpec): string {
  const options = (command.options ?? []).map(optionWords).flatMap(specsOf);
  const name = command.arguments?.replace(/\W/g, '').toLowerCase();
  const rest = name === undefined ? [] : [quoted(`*:${name}:${actions[argumentCompletion(command)]}`)];
  return [...options, ...rest].join(' ');
}

/** One for each spelling, each keeping the other one away. */
function specsOf({ short, long, value, description }: OptionWords): string[] {
  const spellings = [...(short === undefined ? [] : [`-${short}`]), `--${long}`];
  const excluded = spellings.length === 1 ? '' : `(${spellings.join(' ')})`;
  const text = description.replaceAll(/[[\]:]/g, '\\$&');
  const taken = value === undefined ? '' : `:${value.toLowerCase()}:${actions[completionOf(value)]}`;
  return spellings.map((spelling) => quoted(`${excluded}${spelling}[${text}]${taken}`));
}

const actions: Readonly<Record<Completion, string>> = { folders: '_files -/', files: '_files', nothing: ' ' };

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
