import {
  type CommandSpec,
  exitCodesText,
  globalOptions,
  helpOption,
  type OptionSpec,
  type ProgramSpec,
  versionOption,
} from '#common/cli.ts';

/** A program's page for section 8, in the language of man(7), from the same tables as its `--help`. */
export function manualPage(spec: ProgramSpec, files: readonly string[], others: readonly string[]): string {
  const lines = [
    `.TH ${plain(spec.name.toUpperCase())} 8 "" "backup-suite ${spec.version}" "System Administration"`,
    '.SH NAME',
    `${plain(spec.name)} \\- ${plain(withoutStop(spec.summary))}`,
    '.SH SYNOPSIS',
    ...spec.commands.flatMap((command) => synopsis(spec, command)),
    '.SH COMMANDS',
    ...spec.commands.flatMap(commandParagraph),
    '.SH OPTIONS',
    'They are understood before and after a command.',
    ...[...globalOptions, helpOption, versionOption].flatMap(optionParagraph),
    '.SH EXIT STATUS',
    plain(exitCodesText.replace('Exit codes: ', '').replaceAll('\n', ' ')),
    ...examples(spec),
    '.SH FILES',
    ...files.flatMap((file) => [`.I ${plain(file)}`, '.br']),
    'All keys are in',
    '.IR /usr/share/doc/backup\\-common/configuration.md .',
    '.SH SEE ALSO',
    others.map((name) => `.BR ${plain(name)} (8)`).join(',\n'),
  ];
  return `${lines.join('\n')}\n`;
}

function synopsis(spec: ProgramSpec, command: CommandSpec): string[] {
  const isDefault = command === spec.commands[0];
  const words = [
    `\\fB${plain(spec.name)}\\fR`,
    isDefault ? `[\\fB${plain(command.name)}\\fR]` : `\\fB${plain(command.name)}\\fR`,
    ...(command.options ?? []).map(([flags]) => `[${marked(flags)}]`),
    ...(command.arguments === undefined ? [] : [marked(command.arguments)]),
  ];
  return [words.join(' '), '.br'];
}

function commandParagraph(command: CommandSpec): string[] {
  const title = `\\fB${plain(command.name)}\\fR${command.arguments === undefined ? '' : ` ${marked(command.arguments)}`}`;
  const options = (command.options ?? []).flatMap(optionParagraph);
  return ['.TP', title, sentence(command.summary), ...(options.length === 0 ? [] : ['.RS', ...options, '.RE'])];
}

function optionParagraph([flags, description, value]: readonly [...option: OptionSpec, value?: string]): string[] {
  const byDefault = value === undefined ? '' : ` (${plain(value)} when left out)`;
  return ['.TP', marked(flags), `${sentence(description).slice(0, -1)}${byDefault}.`];
}

function examples(spec: ProgramSpec): string[] {
  const lines = spec.commands.flatMap((command) => command.examples ?? []);
  if (lines.length === 0) return [];
  return ['.SH EXAMPLES', '.nf', ...lines.map((line) => plain(`${spec.name} ${line}`)), '.fi'];
}

/** Flags bold, the names of values in italics. */
function marked(text: string): string {
  return plain(text)
    .replace(/(?<![\w])((?:\\-){1,2}\w(?:[\w]|\\-)*)/g, '\\fB$1\\fR')
    .replace(/([<[])([A-Z]+)(\.{3})?([>\]])/g, (_, open, name, dots = '', close) =>
      open === '[' ? `[\\fI${name}\\fR${dots}${close}` : `\\fI${name}\\fR${dots}`,
    );
}

function sentence(text: string): string {
  return plain(`${text.charAt(0).toUpperCase()}${withoutStop(text).slice(1)}.`);
}

function withoutStop(text: string): string {
  return text.replace(/\.$/, '');
}

/** Nothing in it is a request or an escape of roff. */
function plain(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}
